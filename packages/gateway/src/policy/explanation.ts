import type { Access, BoundaryAction, ClientAddress, Decision, Identity } from '#model'
import type { LeafAction } from './actions.ts'

/** What `why` asks. */
export interface ExplainQuestion {
  readonly identity: Identity
  readonly what: ExplainedThing
  readonly nowMs: number
  /** Absent when it is no longer known; conditions on `context.net` then count as failed. */
  readonly client?: ClientAddress
  /**
   * Who will read it: the caller sees only permits for themselves and their own groups that nearly matched; whoever may `explain`
   * sees all of them.
   */
  readonly audience: 'caller' | 'owner'
}

/** The thing asked about. */
export type ExplainedThing =
  | { readonly kind: 'connect'; readonly resource: string }
  | {
      readonly kind: 'statement'
      readonly resource: string
      readonly accesses: readonly Access[]
      readonly isIncomplete: boolean
    }
  | { readonly kind: 'boundary'; readonly action: BoundaryAction }

/** How a question is answered by the policy in force now, and why. */
export interface Explanation {
  readonly decision: Decision
  /** One for each gate and each effect on an object; empty when nothing could be asked (the decision says why). */
  readonly checks: readonly ExplainedCheck[]
}

/** One check of it. */
export interface ExplainedCheck {
  readonly action: LeafAction
  /** What it is on, in words. */
  readonly object: string
  readonly outcome: Decision['outcome']
  /** In a few words, why. */
  readonly reason: string
  /** The policies that determined it. */
  readonly policies: readonly PolicyNote[]
  /** Permits that nearly matched, the nearest first; only when no permit matched. */
  readonly near: readonly NearMiss[]
}

/** A policy, as far as people need it to find and judge it. */
export interface PolicyNote {
  readonly id: string
  readonly effect: 'permit' | 'forbid'
  readonly file: string
  /** From 1. */
  readonly line: number
  readonly owner: string
  readonly need?: string
  /** Who has to approve because of it. */
  readonly approvers?: string
}

/** A permit that did not match, with the parts of it that did not hold, in its author's words. */
export interface NearMiss {
  readonly policy: PolicyNote
  readonly failed: readonly string[]
}

/** Formats an explanation as lines of a terminal. */
export function formatExplanation(explanation: Explanation): readonly string[] {
  const { decision, checks } = explanation
  const lines = [`${decision.outcome}${decision.reason === undefined ? '' : `: ${decision.reason}`}`]
  for (const check of checks) lines.push(...formatCheck(check))
  return lines
}

function formatCheck(check: ExplainedCheck): readonly string[] {
  return [
    `  ${check.outcome.padEnd(5)}  ${check.action} on ${check.object}`,
    ...check.policies.map((policy) => `         ${formatNote(policy)}`),
    ...check.near.map(({ policy, failed }) => `         near: ${formatNote(policy)}: not ${failed.join('; not ')}`),
  ]
}

function formatNote(note: PolicyNote): string {
  const asks = note.approvers === undefined ? '' : `, asks ${note.approvers}`
  return `${note.effect} "${note.id}" (${note.file}:${note.line}, owner ${note.owner}${asks})`
}
