import type { Bytes } from '#base'
import type { DecidedShape } from './decision.ts'
import type { Operation } from './operation.ts'
import type { Session } from './session.ts'
import type { ViaFacts } from './via.ts'

/** A held operation: what an approval is asked for, and what it binds to. */
export interface HeldOperation {
  readonly session: Session
  readonly operation: Operation
  /** Its scrubbed payload, as it is recorded. */
  readonly scrubbed: Bytes
  readonly via?: ViaFacts
  /** The decision that holds it, with its need. */
  readonly decided: DecidedShape
}

/** The approval that an operation ran under, as its intent record carries it. */
export interface ApprovalLink {
  /** The request's reference: that of the record of the operation that was held first. */
  readonly request: string
  /** Numbers of the records of the request and of its answers. */
  readonly records: readonly number[]
  /** Stable ids of who approved it. */
  readonly approvers: readonly string[]
  /** The digest that binds the request to this operation (hexadecimal). */
  readonly binding: string
}

/** How a request stands. */
export type RequestStatus = 'open' | 'approved' | 'denied' | 'expired' | 'used'

/** A request as it stood when it was asked for: open; or answered already, by `denied` or (in this moment) `approved`. */
export interface PendingRequest {
  /** Its reference, which `sallyport show`, `approve`, `deny` and `why` take. */
  readonly ref: string
  readonly status: RequestStatus
  readonly expiresAtMs: number
  /** Who must answer: `payments-leads:1 and security:1`. */
  readonly need: string
  /** Waits for the answer; `open` when the time is over or the signal aborted. Never rejects. */
  answered(timeoutMs: number, signal: AbortSignal): Promise<RequestStatus>
}

/** Requests for held operations, as the pipeline sees them. */
export interface Approvals {
  /**
   * Whether an approval covers exactly this operation now. Cheap, changes nothing.
   */
  covers(held: HeldOperation): Promise<boolean>
  /**
   * Takes the approval that covers exactly this operation: granted, not used, not expired. Durable and at most once, whoever asks at the same
   * time; undefined when there is none.
   */
  take(held: HeldOperation): Promise<ApprovalLink | undefined>
  /**
   * Opens a request for an operation that was held, or finds the one that there is for exactly this operation: an open one, or one that was denied
   * and whose time is not over. Recorded and durable when it resolves.
   *
   * @param intent the number of the record that holds the operation.
   * @throws {GatewayError} `SP_BUSY` when the identity has too many open requests; `SP_TRAIL_UNAVAILABLE`.
   */
  ask(held: HeldOperation, intent: number): Promise<PendingRequest>
}
