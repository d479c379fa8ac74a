import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock, Secret } from '#base'
import type {
  Credentials,
  Identity,
  IdentityStore,
  KeyStore,
  Log,
  RejectedCredential,
  RosterEntry,
  Sealer,
  StoredLogin,
  TrailOutlet,
  VerifiedCredential,
} from '#model'

/** What identity works with; the configuration's part is checked by `createIdentity`. */
export interface IdentityOptions {
  /** Where people and clients reach Sallyport: an origin, https, or http on a loopback address. It is the issuer, and the audience of job tokens. */
  readonly publicUrl: string
  /** Names of the configured resources but for MCP servers: a token is for `<publicUrl>/resource/<name>`, or for `<publicUrl>/api`. */
  readonly resources: readonly string[]
  /**
   * Names of the configured MCP servers: a token is for `<publicUrl>/mcp/<name>`, the URI of the endpoint. While there is one, applications may
   * register themselves as clients (RFC 7591).
   */
  readonly mcpServers?: readonly string[]
  readonly upstream: UpstreamProvider
  readonly workloads: readonly WorkloadRule[]
  readonly store: IdentityStore
  readonly keys: KeyStore
  readonly sealer: Sealer
  readonly clock: Clock
  readonly trail: TrailOutlet
  readonly log: Log
  /** How long an access token is good; 15 minutes unless given. */
  readonly accessTokenSeconds?: number
  /** How long a login is good, which is when its sessions end; 8 hours unless given. */
  readonly loginSeconds?: number
  /** After how long without anything asked a person's session is closed; 15 minutes unless given (PCI DSS 8.2.8). */
  readonly idleLimitMs?: number
}

/** The customer's identity provider (OpenID Connect). */
export interface UpstreamProvider {
  /** The issuer, exactly as its metadata and tokens state it; https, or http on a loopback address. */
  readonly issuer: string
  readonly clientId: string
  /** Asked for at each use, so that it can be rotated; absent for a public client. */
  readonly clientSecret?: () => Promise<Secret<string>>
  /** Which claim of the ID token holds the groups; `groups` unless given. */
  readonly groupsClaim?: string
  /** What to ask for; `openid profile email` unless given. `openid` is always asked for. */
  readonly scopes?: readonly string[]
  /** Values of `acr` that mean more than one factor; `amr` is understood without configuration (RFC 8176). */
  readonly mfaAcr?: readonly string[]
}

/** Which tokens of which issuer are a workload. */
export interface WorkloadRule {
  /** The identity's id and name. */
  readonly name: string
  readonly issuer: string
  /** Where the issuer's keys are, when its metadata should not be asked. */
  readonly jwksUri?: string
  /** What `aud` must be, besides the URI of the resource itself; the public URL unless given. */
  readonly audience?: string
  /** Claims that must be there with exactly these values; at least one. */
  readonly claims: Readonly<Record<string, string | number | boolean>>
  readonly groups?: readonly string[]
}

/** Sallyport's authorization server, and what it knows of identities. */
export interface IdentityService {
  readonly credentials: Credentials
  /** Whether a path (without query) belongs to `handler`. */
  handles(pathname: string): boolean
  /** Answers a request whose path `handles` accepts. Never throws. */
  handler(request: IncomingMessage, response: ServerResponse): void
  /** Checks a token presented to the API, as `credentials.verify` does for a resource. */
  verifyApi(secret: Secret<string>): Promise<VerifiedCredential | RejectedCredential>
  /** The name that records have for a token, which cannot be used as one; whether there is such a token is not said. */
  tokenIdOf(secret: Secret<string>): string
  /**
   * Revokes, durably, then tells the listeners of `credentials.onRevoked` before it resolves. The caller has recorded it. False when
   * there is no such thing, or nothing of it was left to revoke.
   */
  revoke(target: RevocationTarget, by: Identity, reason: string): Promise<boolean>
  /** Names of identities by their id, for showing to people; erased and unknown ones are absent. At most 500 ids. */
  names(ids: readonly string[]): Promise<Readonly<Record<string, string>>>
  /** The id of the one identity that has this id, name or e-mail; undefined when there is none or more than one. */
  find(person: string): Promise<string | undefined>
  /** Identities ordered by id, behind `after`. */
  roster(limit: number, after?: string): Promise<readonly RosterEntry[]>
  /** Erases name and e-mail of an identity; its id stays. */
  erase(identityId: string): Promise<boolean>
  /** Logins, newest first. */
  logins(filter: {
    readonly identityId?: string
    readonly active?: boolean
    readonly limit: number
  }): Promise<readonly ListedLogin[]>
  /** Whether the customer's identity provider answers, for a readiness check; after a failure it is not asked again for some seconds. */
  upstreamReachable(): Promise<boolean>
  /** Stops sweeping. The store is the caller's to close. */
  close(): void
}

/** A login as people are shown it. */
export interface ListedLogin extends StoredLogin {
  /** What the client calls itself; an application's own words, which nobody has checked. */
  readonly clientName: string
}

/** What to revoke. A login is named by its grant. */
export type RevocationTarget =
  | { readonly kind: 'token'; readonly token: Secret<string> }
  | { readonly kind: 'token-id'; readonly tokenId: string }
  | { readonly kind: 'grant'; readonly grantId: string }
  | { readonly kind: 'identity'; readonly identityId: string }
