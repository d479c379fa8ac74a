import type { Identity } from './identity.ts'
import type { Resource } from './resource.ts'
import type { ViaLink } from './via.ts'

/** One identity's connection to one resource. The object is one and the same for the whole session: caches compare it by identity. */
export interface Session {
  readonly id: string
  readonly identity: Identity
  readonly resource: Resource
  /** Names the token that admitted it, without being usable as one. */
  readonly tokenId: string
  /** The grant (login) behind the token; revoking it ends the session. */
  readonly grantId: string
  readonly startedAtMs: number
  /** When the session must end, whatever its token says (milliseconds since the epoch). */
  readonly endsAtMs: number
  readonly client: ClientAddress
  /** The MCP server through which it comes; absent for somebody's own connection. */
  readonly via?: ViaLink
}

/** Where the connection came from, as the kernel says. */
export interface ClientAddress {
  readonly address: string
  readonly port: number
  readonly tls: boolean
}

/** Why a session ended. */
export type SessionEnd =
  | { readonly kind: 'client' }
  | { readonly kind: 'revoked'; readonly by: string; readonly reason: string }
  | { readonly kind: 'expired' }
  | { readonly kind: 'idle' }
  | { readonly kind: 'upstream' }
  | { readonly kind: 'protocol'; readonly code: string }
  | { readonly kind: 'shutdown' }
