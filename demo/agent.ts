import {
  Client,
  type OAuthClientMetadata,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client'
import type { Boundary } from './boundary.ts'
import { createBrowser } from './login.ts'

/** Which revision of the protocol an agent speaks. */
export type Era = 'legacy' | 'modern'

/** An AI agent as the official SDK makes one: it finds the authorization server, registers, and has its person log in. */
export interface Agent extends AsyncDisposable {
  readonly client: Client
  /** The access token that it got. */
  token(): string
}

/** The browser of a login: where it is sent back to, and how it comes there from an address. */
interface LoginBrowser {
  readonly callback: string
  visit(address: string): Promise<URL>
}

/** What an agent is to be; the browser of its login is played unless there is one. */
interface AgentOptions {
  readonly name?: string
  readonly resource?: string
  readonly era?: Era
  readonly browser?: LoginBrowser
}

/** Connects an agent of a person to an MCP server of the boundary. */
export async function connectAgent(
  boundary: Boundary,
  person: string,
  { name = 'claude-code', resource = 'ledger', era = 'modern', browser = playedBrowser(person) }: AgentOptions = {},
): Promise<Agent> {
  const provider = new AgentLogin(name, browser)
  const address = new URL(`/mcp/${resource}`, boundary.url)
  const connect = async (): Promise<Client> => {
    const transport = new StreamableHTTPClientTransport(address, { authProvider: provider })
    const client = new Client(
      { name, version: '1.0.0' },
      era === 'legacy' ? {} : { versionNegotiation: { mode: { pin: '2026-07-28' } } },
    )
    try {
      await client.connect(transport)
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error
      await transport.finishAuth(provider.callback())
      return await connect()
    }
    return client
  }
  const client = await connect()
  return {
    client,
    token: () => provider.tokens()?.access_token ?? '',
    [Symbol.asyncDispose]: () => client.close(),
  }
}

/** Nobody listens there: the address alone is read. */
const CALLBACK = 'http://127.0.0.1:33418/callback'

function playedBrowser(person: string): LoginBrowser {
  return {
    callback: CALLBACK,
    visit: async (address) => {
      const { url, body } = await createBrowser().visit(address, {
        person,
        until: ({ href }) => href.startsWith(CALLBACK),
      })
      if (!url.href.startsWith(CALLBACK)) throw new Error(`the login ended at ${url.href}: ${body}`)
      return url
    },
  }
}

/** What the SDK asks of whoever keeps an agent's logins. */
class AgentLogin implements OAuthClientProvider {
  readonly #name: string
  readonly #browser: LoginBrowser
  #client: StoredOAuthClientInformation | undefined
  #tokens: StoredOAuthTokens | undefined
  #verifier = ''
  #discovered: OAuthDiscoveryState | undefined
  #arrived: URL | undefined

  constructor(name: string, browser: LoginBrowser) {
    this.#name = name
    this.#browser = browser
  }

  get redirectUrl(): string {
    return this.#browser.callback
  }

  get clientMetadata(): OAuthClientMetadata {
    return {
      client_name: this.#name,
      application_type: 'native',
      redirect_uris: [this.#browser.callback],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    }
  }

  /** What came back with the browser. */
  callback(): URLSearchParams {
    if (this.#arrived === undefined) throw new Error('the login did not come back')
    return this.#arrived.searchParams
  }

  clientInformation(): StoredOAuthClientInformation | undefined {
    return this.#client
  }

  saveClientInformation(client: StoredOAuthClientInformation): void {
    this.#client = client
  }

  tokens(): StoredOAuthTokens | undefined {
    return this.#tokens
  }

  saveTokens(tokens: StoredOAuthTokens): void {
    this.#tokens = tokens
  }

  async redirectToAuthorization(address: URL): Promise<void> {
    this.#arrived = await this.#browser.visit(address.href)
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier
  }

  codeVerifier(): string {
    return this.#verifier
  }

  saveDiscoveryState(state: OAuthDiscoveryState): void {
    this.#discovered = state
  }

  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#discovered
  }
}
