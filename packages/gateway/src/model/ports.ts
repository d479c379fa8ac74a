import type { Bytes, Secret } from '#base'
import type { PendingRequest } from './approval.ts'
import type { BoundaryAction, DecidedShape, Decision } from './decision.ts'
import type { ErrorCode } from './errors.ts'
import type { Identity } from './identity.ts'
import type { MaskingSummary, Operation, Outcome, Shape } from './operation.ts'
import type { Permit } from './permit.ts'
import type { Refusal } from './refusal.ts'
import type { Resource } from './resource.ts'
import type { ClientAddress, Session, SessionEnd } from './session.ts'
import type { RunningCall, ViaFacts, ViaLink } from './via.ts'

/** Decides. Synchronous: everything it needs is loaded; any error within is a denial. */
export interface Policy {
  /** Hash of the policy set in force (hexadecimal). */
  readonly hash: string
  /** May this identity open a session on this resource? Without the client's address, policies that read the network deny. */
  decideConnect(identity: Identity, resource: Resource, nowMs: number, client?: ClientAddress, via?: ViaLink): Decision
  /** May this session run this shape? The same object comes back while nothing that it depends on has changed. */
  decide(session: Session, shape: Shape, nowMs: number, asked?: AskedFacts): DecidedShape
  /** Which of these tools of an MCP server may this session see? One answer for each, in order. */
  decideList(session: Session, tools: readonly string[], nowMs: number): readonly boolean[]
  /** May this identity do this to the boundary itself? Without the client's address, policies that read the network deny. */
  decideBoundary(identity: Identity, action: BoundaryAction, nowMs: number, client?: ClientAddress): Decision
}

/** What a decision depends on besides session and shape. */
export interface AskedFacts {
  /** The arguments of a tool call (`Operation.arguments`). */
  readonly arguments?: string
  /** The tool call behind it. */
  readonly via?: ViaFacts
  /** The need that an approval has met: the question is then whether it may be done with that approval, and the need must still be the same. */
  readonly approved?: string
}

/** Tells who a presented secret belongs to. */
export interface Credentials {
  /**
   * Checks a token or job token presented for a resource; the answer is a value, a rejection names its code.
   *
   * @param door the private door by which it was presented (`OpenRequest.door`).
   */
  verify(secret: Secret<string>, resource: Resource, door?: string): Promise<VerifiedCredential | RejectedCredential>
  /** Calls the listener for each revocation from now on; returns how to stop. */
  onRevoked(listener: (revocation: Revocation) => void): () => void
}

/** A secret that was accepted. */
export interface VerifiedCredential {
  readonly kind: 'verified'
  readonly identity: Identity
  /** A name of the token that cannot be used as one. */
  readonly tokenId: string
  readonly grantId: string
  /** When the grant behind the token ends (milliseconds since the epoch). */
  readonly grantEndsAtMs: number
  /** The idle limit of sessions under it, absent for workloads. */
  readonly idleLimitMs?: number
  /** The MCP server whose child presented it. */
  readonly via?: ViaLink
}

/** A secret that was not. */
export interface RejectedCredential {
  readonly kind: 'rejected'
  readonly code: ErrorCode
  /** The identity it was issued to, when it was once good. */
  readonly identity?: Identity
  /** What was wrong, without the secret in it. */
  readonly reason: string
}

/** What was revoked: exactly one of the three is set. */
export interface Revocation {
  readonly tokenId?: string
  readonly grantId?: string
  readonly identityId?: string
  readonly by: string
  readonly reason: string
}

/** The boundary's side of opening sessions; the same flow for every protocol. */
export interface Gate {
  /** Verifies, decides `connect`, records, and opens; or says no. Never throws. */
  open(request: OpenRequest): Promise<OpenSession | Refusal>
  /**
   * As `open`, for protocols without connections: verifies the secret each time, and whoever comes again with a token whose session on this
   * resource is still open gets that session. Never throws.
   */
  join(request: OpenRequest): Promise<OpenSession | Refusal>
}

/** What a protocol knows when somebody wants in. */
export interface OpenRequest {
  readonly resource: Resource
  readonly secret: Secret<string>
  readonly client: ClientAddress
  /** The private door by which they came: a fact of the listener, never of the client. Absent at the public ones. */
  readonly door?: string
  /** A credential that is no good is not put on record: too many from where it comes were, just now. */
  readonly unrecorded?: boolean
}

/** Makes the private doors by which the SQL of MCP servers comes back. */
export interface PrivateDoors {
  /** Opens a door for one child; it is closed with it. */
  open(child: DoorFacts): Promise<PrivateDoor>
}

/** Whom a door is for. */
export interface DoorFacts {
  readonly childId: string
  /** The session of the caller whose calls the child answers: identity, grant and end are theirs. */
  readonly session: Session
  /** The database that it leads to. */
  readonly database: string
  readonly tools: readonly string[]
  /** Where the socket is put; the folder is the child's alone. Absent: a loopback port instead, for children without namespaces. */
  readonly folder?: string
  running(): readonly RunningCall[]
}

/** An open door. */
export interface PrivateDoor extends AsyncDisposable {
  readonly address: { readonly socketPath: string } | { readonly port: number }
  /** What the child gives as user, database and password. */
  readonly user: string
  readonly database: string
  readonly token: Secret<string>
}

/** An open session: the only way to get permits. */
export interface OpenSession {
  readonly session: Session
  /** Aborted with a `SessionEnd` as reason when the session must end: revoked, expired, idle, shut down. */
  readonly ended: AbortSignal
  /**
   * Decides and records a batch in one commit: a verdict for each operation, in order. Everything behind the first refusal of a batch
   * is still decided and recorded as given; whether it runs is the protocol's to say by its outcome.
   */
  admit(batch: readonly Operation[]): Promise<readonly Verdict[]>
  /** Which of these tools may be shown; one answer for each, in order. Nothing is recorded. */
  mayList(tools: readonly string[]): readonly boolean[]
  /** Hands over how a permitted operation ended, exactly once per permit. */
  complete(permit: Permit, outcome: Outcome): void
  /** Says that the client is alive (for the idle limit). */
  touch(): void
  /** Ends the session; records why. Idempotent. */
  close(end: SessionEnd): Promise<void>
}

/**
 * The answer to one operation. A refusal with `pending` waits for an approval: when that is granted, the same operation asked again will get its
 * permit.
 */
export type Verdict =
  | { readonly kind: 'permit'; readonly permit: Permit }
  | { readonly kind: 'refusal'; readonly refusal: Refusal; readonly pending?: PendingRequest }

/** Whether an answer of the gate is a refusal. */
export function isRefusal(answer: OpenSession | Refusal): answer is Refusal {
  return 'code' in answer
}

/** Hands out the secrets of resources, at the moment they are needed. */
export interface SecretSource {
  /** @throws {GatewayError} `SP_VAULT_SECRET_MISSING`. */
  reveal(name: string): Promise<Secret<string>>
}

/** Seals small things (keys, credentials) under a key that lies outside the store. */
export interface Sealer {
  /** Seals bytes; `context` is authenticated and must be given again to open. */
  seal(plain: Bytes, context: string): Bytes
  /** @throws {GatewayError} `SP_VAULT_SEAL_BROKEN`. */
  open(sealed: Bytes, context: string): Bytes
}

/** Replaces card numbers and track data in whatever is recorded, logged or said. Never throws, byte length is kept. */
export interface Scrubber {
  scrub(bytes: Bytes): Bytes
  scrubText(text: string): string
}

/** Replaces card numbers and track data in payloads before they are recorded, which may take longer than one turn of the event loop. */
export interface PayloadScrubber {
  /**
   * The scrubbed payload: at once when it is small and so are those `ahead` of it in its batch together (in bytes), else promised. `undefined` when it could not be scrubbed (too much is waiting, it took too
   * long, the detector failed): then it must be neither recorded nor sent. Never throws, never rejects; the bytes given are not changed.
   */
  scrub(payload: Bytes, ahead?: number): Bytes | undefined | Promise<Bytes | undefined>
}

/** The masking of results. */
export interface Masking {
  readonly scrubber: Scrubber
  /** Begins a result. */
  begin(columns: readonly ResultColumn[]): ResultMasker
}

/** A column of a result as masking sees it. */
export interface ResultColumn {
  readonly name: string
  /** `money`: a number with a locale's signs between its digits. */
  readonly category: 'text' | 'json' | 'numeric' | 'money' | 'other'
  /** The class that the configuration declares for it. */
  readonly declared?: 'pan' | 'sad'
}

/** What became of one value. */
export type MaskVerdict = 'clean' | 'masked' | 'refuse-numeric' | 'refuse-sad'

/** Masks the values of one result, in place. Any throw is a detector failure: the result is aborted. */
export interface ResultMasker {
  /** Whether some value within a span of raw rows may have to be changed; false is certain. Always true while a column is declared or of money. */
  mayMatch(buffer: Bytes, start: number, end: number): boolean
  /** Masks one whole value in place. */
  mask(column: number, buffer: Bytes, start: number, end: number): MaskVerdict
  /**
   * The masking record so far; undefined when nothing was declared, found or refused. `rows` is how many rows went by, which is what a
   * column's `seen` says then: rows that {@link mayMatch} cleared are not walked. Without it `seen` counts the values masked one by one.
   */
  summary(rows?: number): MaskingSummary | undefined
}

/** A log for people who run the gateway; a line may be lost, a record may not. Every text passes the scrubber. */
export interface Log {
  info(event: string, facts?: Readonly<Record<string, string | number | boolean>>): void
  warn(event: string, facts?: Readonly<Record<string, string | number | boolean>>): void
  error(event: string, facts?: Readonly<Record<string, string | number | boolean>>): void
}
