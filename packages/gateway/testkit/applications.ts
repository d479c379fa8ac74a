import assert from 'node:assert/strict'
import { type Arrival, createBrowser, type Visit } from './browser.ts'
import type { IdentityBench } from './identity.ts'

/** Where the applications here are answered. */
export const REDIRECT_URI = 'http://127.0.0.1:53682/callback'
/** RFC 7636, appendix B. */
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

/** What a registration was answered with. */
export interface Registered {
  readonly status: number
  readonly client_id?: string
  readonly error?: string
  readonly error_description?: string
  readonly [more: string]: unknown
}

type Parameters = Readonly<Record<string, string | undefined>>

/** What applications do that register themselves, by hand. */
export interface Applications {
  register(metadata: object): Promise<Registered>
  /** Registers one that must be accepted; its client id. */
  create(metadata?: object): Promise<string>
  /** The address of the authorization endpoint that an application sends its person to; what is undefined is left out. */
  address(parameters: Parameters): string
  /** Has alice visit that, up to the answer to the application. */
  visit(parameters: Parameters, more?: Partial<Visit>): Promise<Arrival>
  /** As far as the token for `ledger-mcp`. */
  logIn(clientId: string, parameters?: Parameters): ReturnType<IdentityBench['exchange']>
}

/** Applications before one identity. */
export function applicationsOf(bench: IdentityBench): Applications {
  const address: Applications['address'] = (parameters) => {
    const query = {
      redirect_uri: REDIRECT_URI,
      response_type: 'code',
      code_challenge: CHALLENGE,
      code_challenge_method: 'S256',
      resource: `${bench.url}/mcp/ledger-mcp`,
      ...parameters,
    }
    const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
    return `${bench.address}/oauth/authorize?${new URLSearchParams(given).toString()}`
  }
  const register: Applications['register'] = async (metadata) => {
    const response = await fetch(`${bench.address}/oauth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(metadata),
    })
    return { status: response.status, ...((await response.json()) as object) }
  }
  const visit: Applications['visit'] = async (parameters, more) => {
    const until = ({ pathname }: URL): boolean => pathname === '/callback'
    return await createBrowser().visit(address(parameters), { person: 'alice', until, ...more })
  }
  return {
    register,
    address,
    visit,
    create: async (metadata) => {
      const { client_id: clientId = '', ...answer } = await register({ redirect_uris: [REDIRECT_URI], ...metadata })
      assert.match(clientId, /^cli_[a-p]{32}$/, JSON.stringify(answer))
      return clientId
    },
    logIn: async (clientId, parameters = {}) => {
      const { url, status, body } = await visit({ client_id: clientId, ...parameters })
      assert.equal(status, 0, body)
      return await bench.exchange(url, { client_id: clientId })
    },
  }
}
