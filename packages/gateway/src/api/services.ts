import type { Bytes, Clock, Secret } from '#base'
import type {
  ClientAddress,
  ErrorCode,
  Identity,
  Log,
  Policy,
  RejectedCredential,
  RequestStatus,
  Resource,
  Revocation,
  Session,
  TrailOutlet,
} from '#model'
import type { RecordRow, TrailReader } from '#model/read'
import type { EntitlementFacts } from './evidence-contract.ts'
import type { RequestFacts } from './request-contract.ts'

/** What the HTTP API needs of the rest; `app` fills it in. */
export interface ApiServices {
  readonly clock: Clock
  readonly version: string
  readonly log: Log
  readonly policy: () => Policy
  readonly trail: TrailOutlet
  readonly reader: TrailReader
  readonly resources: readonly Resource[]
  readonly logins: Logins
  readonly sessions: SessionControl
  readonly secrets: SecretControl
  readonly approvals: ApprovalControl
  readonly explain: Explain
  readonly evidence: EvidenceControl
  /** What policy permits, of whom. */
  entitlements(subject: EntitlementSubject): readonly EntitlementFacts[]
  /** Verifies the trail's folder as `sallyport-verify` does. */
  verifyTrail(): Promise<{ readonly exitCode: number; readonly lines: readonly string[] }>
  /** Whether the parts work, for `/readyz`. */
  readiness(): Promise<Readonly<Record<string, boolean>>>
}

/** Who calls, and what can be revoked. */
export interface Logins {
  /** Who an API token belongs to, or why it is not good. */
  verify(secret: Secret<string>): Promise<ApiLogin | RejectedCredential>
  /** Names of identities by their stable id, for showing to people; erased names are absent. */
  names(ids: readonly string[]): Promise<Readonly<Record<string, string>>>
  /** The id of an identity by id, name or e-mail; undefined when unknown. */
  find(person: string): Promise<string | undefined>
  /** The name that records have for a token, which cannot be used as one. */
  tokenIdOf(secret: Secret<string>): string
  /** Revokes; the record is written by the API before. Resolves to false when there is no such thing. */
  revoke(target: RevocationTarget, by: Identity, reason: string): Promise<boolean>
  /** Calls the listener for each revocation from now on; returns how to stop. */
  onRevoked(listener: (revocation: Revocation) => void): () => void
}

/** A token that is good for the API, and what it hangs on. */
export interface ApiLogin {
  readonly kind: 'verified'
  readonly identity: Identity
  readonly tokenId: string
  readonly grantId: string
  /** When the login behind it ends (milliseconds since the epoch). */
  readonly grantEndsAtMs: number
}

/** What to revoke. */
export type RevocationTarget =
  | { readonly kind: 'token-id'; readonly tokenId: string }
  | { readonly kind: 'grant'; readonly grantId: string }
  | { readonly kind: 'identity'; readonly identityId: string }

/** Live sessions. */
export interface SessionControl {
  list(): readonly {
    readonly session: Session
    readonly lastActiveMs: number
    readonly operations: number
    readonly running: number
  }[]
  end(sessionId: string, by: string, reason: string): boolean
}

/** The vault, as an administrator sees it. */
export interface SecretControl {
  list(): Promise<readonly SecretListing[]>
  /** Sets or rotates; the vault records the change before it takes effect. */
  set(name: string, value: Secret<string>, by: Identity): Promise<void>
  rotate(name: string, value: Secret<string>, by: Identity): Promise<void>
}

/** A secret without its value. */
export interface SecretListing {
  readonly name: string
  readonly version: number
  readonly createdAtMs: number
  readonly rotatedAtMs: number
  readonly lastUsedAtMs?: number
}

/** Why a recorded operation was decided as it was. */
export interface Explain {
  /** Lines for people: which policies matched or nearly did, under the policy in force now. `full`: also policies about others. */
  explain(row: RecordRow, full: boolean): readonly string[]
}

/** Whose entitlements. */
export type EntitlementSubject =
  | { readonly kind: 'all' }
  | { readonly kind: 'identity'; readonly identity: Pick<Identity, 'kind' | 'id' | 'groups'> }
  | { readonly kind: 'tool'; readonly server: string; readonly tool: string }

/** Building evidence packs. */
export interface EvidenceControl {
  /**
   * Builds one, after what is durable now is in a signed checkpoint.
   *
   * @throws {GatewayError} `SP_API_NOT_FOUND` when the period has no records; `SP_BUSY` while another one is built.
   */
  build(order: {
    readonly fromMs: number
    readonly toMs: number
    readonly disclosed: 'none' | 'statements'
    readonly by: string
    readonly atMs: number
  }): Promise<BuiltEvidence>
}

/** A pack that waits to be handed over. */
export interface BuiltEvidence {
  /** SHA-256 of its manifest (hexadecimal): names all of it. */
  readonly manifestSha256: string
  readonly records: { readonly first: number; readonly last: number }
  /** How many. */
  readonly files: number
  /** All of it as an archive (`base/tar.ts`). */
  archive(): AsyncIterable<Bytes>
  /** Removes it; may be called again. */
  dispose(): Promise<void>
}

/** Requests for held operations, as people see and answer them. */
interface ApprovalControl {
  /** Newest first: one's own, those that one may answer or has answered; with `all` everybody's. */
  list(
    reader: Identity,
    wish: { readonly status?: RequestStatus; readonly mine: boolean; readonly limit: number },
    all: boolean,
  ): Promise<readonly RequestFacts[]>
  find(ref: string, reader: Identity, all: boolean): Promise<RequestFacts | undefined>
  /** What exactly was asked, card data replaced, while it can be answered or used. */
  payload(ref: string): Promise<Bytes | undefined>
  /** Answers; recorded before it takes effect, as is an answer that is refused. Unknown, and not recorded, is what the answerer may not know of. */
  answer(
    ref: string,
    by: { readonly identity: Identity; readonly client: ClientAddress; readonly knowsAll: boolean },
    answer: 'approve' | 'deny',
    reason: string,
  ): Promise<AnsweredRequest>
}

/** What became of an answer; `record` is the number of its record. */
type AnsweredRequest =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly reason: string; readonly record: number }
  | { readonly kind: 'answered'; readonly request: RequestFacts; readonly record: number }
