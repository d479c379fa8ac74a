import type { Clock } from '#base'
import type { KeyStore, Log, RequestStore, Scrubber, Sealer, TrailOutlet } from '#model'

/** How long requests live and how many there may be. */
export interface ApprovalLimits {
  /** From the opening to the last answer. */
  readonly answerWithinMs: number
  /** From the approval to the use. */
  readonly useWithinMs: number
  /** Open requests at a time of what one identity asks itself, and of what it asks through each agent: an agent cannot use up its person's. */
  readonly openEach: number
}

/** Half an hour to be answered, a quarter to be used. */
export const DEFAULT_APPROVAL_LIMITS: ApprovalLimits = {
  answerWithinMs: 30 * 60_000,
  useWithinMs: 15 * 60_000,
  openEach: 20,
}

/** What approvals are made of. */
export interface ApprovalsOptions {
  readonly store: RequestStore
  readonly keys: KeyStore
  readonly sealer: Sealer
  readonly trail: TrailOutlet
  readonly scrubber: Scrubber
  readonly clock: Clock
  readonly log: Log
  readonly limits?: Partial<ApprovalLimits>
}
