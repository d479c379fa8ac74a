import type { ErrorCode } from './errors.ts'
import type { Shape } from './operation.ts'

/** What policy says, as a value: a denial is never an exception. */
export interface Decision {
  readonly outcome: 'allow' | 'deny' | 'hold'
  /** Ids of the policies that determined it; empty when no permit matched. */
  readonly policies: readonly string[]
  /** Hash of the policy set in force (hexadecimal). */
  readonly policyHash: string
  /** The catalogue's code of a denial or hold. */
  readonly code?: ErrorCode
  /** Of a hold: who must answer, canonically: `payments-leads:1 and security:1`. */
  readonly need?: string
  /** What was missing or forbidden, in a few words that name no other person's rights and hold no value. */
  readonly reason?: string
}

/**
 * A shape with the decision on it for one kind of caller. The object is what the decision cache holds: the trail writes it out once per
 * segment and afterwards refers to it by identity.
 */
export interface DecidedShape {
  readonly shape: Shape
  readonly decision: Decision
}

/** Actions on the boundary itself, answered by the same policy. */
export type BoundaryAction =
  | 'readTrail'
  | 'openPayload'
  | 'explain'
  | 'exportEvidence'
  | 'listSessions'
  | 'endSession'
  | 'revoke'
  | 'listSecrets'
  | 'setSecret'
