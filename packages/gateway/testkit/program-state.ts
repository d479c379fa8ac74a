import type {
  OAuthClientMetadata,
  OAuthClientProvider,
  OAuthDiscoveryState,
  StoredOAuthClientInformation,
  StoredOAuthTokens,
} from '@modelcontextprotocol/client'
import { REDIRECT_URI } from './applications.ts'

/** What a program keeps for the official MCP client's `auth`, and the address that it would open in a browser. */
export class ProgramState implements OAuthClientProvider {
  readonly redirectUrl = REDIRECT_URI
  client: StoredOAuthClientInformation | undefined
  kept: StoredOAuthTokens | undefined
  address: URL | undefined
  #verifier = ''
  #discovered: OAuthDiscoveryState | undefined

  get clientMetadata(): OAuthClientMetadata {
    return {
      client_name: 'Claude Code',
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    }
  }

  clientInformation(): StoredOAuthClientInformation | undefined {
    return this.client
  }

  saveClientInformation(client: StoredOAuthClientInformation): void {
    this.client = client
  }

  tokens(): StoredOAuthTokens | undefined {
    return this.kept
  }

  saveTokens(tokens: StoredOAuthTokens): void {
    this.kept = tokens
  }

  redirectToAuthorization(address: URL): void {
    this.address = address
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
