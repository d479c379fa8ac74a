import type { Access, BoundaryAction, ClientAddress, Decision, Identity, ViaFacts } from '#model'

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
  | {
      /** Opening a session: `connect` on a database, `open` on an MCP server. */
      readonly kind: 'connect'
      readonly resource: string
      readonly via?: ViaFacts
    }
  | {
      /** A statement, or with an access of the effect `callTool` the call of a tool. */
      readonly kind: 'statement'
      readonly resource: string
      readonly accesses: readonly Access[]
      readonly isIncomplete: boolean
      readonly via?: ViaFacts
      /** The JSON text of a call's arguments; what policy says about them cannot be told without it. */
      readonly arguments?: string
    }
  | {
      /** Seeing a tool in the list of an MCP server. */
      readonly kind: 'list'
      readonly resource: string
      readonly tool: string
    }
  | { readonly kind: 'boundary'; readonly action: BoundaryAction }

/** How a question is answered by the policy in force now, and why. */
export interface Explanation {
  readonly decision: Decision
  /** Who asks (`person p1 in support`), and behind it the tool through which it came, if it did (`ledger/lookup_customer`). */
  readonly hops: readonly string[]
  /** One for each gate and each effect on an object; empty when nothing could be asked (the decision says why). */
  readonly checks: readonly ExplainedCheck[]
}

/** One check of it. */
export interface ExplainedCheck {
  readonly action: string
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

/** A permit that did not match, with parts of it in its author's words. */
export interface NearMiss {
  readonly policy: PolicyNote
  /**
   * `failed`: the parts did not hold. `direct`: it is for the person themselves, and what was asked came through an MCP server, where it does
   * not count. `unknown`: the parts depend on arguments that are not at hand.
   */
  readonly kind: 'failed' | 'direct' | 'unknown'
  readonly failed: readonly string[]
}

/** Formats an explanation as lines of a terminal. */
export function formatExplanation(explanation: Explanation): readonly string[] {
  const { decision, hops, checks } = explanation
  const lines = [`${decision.outcome}${decision.reason === undefined ? '' : `: ${decision.reason}`}`]
  if (hops.length > 1) lines.push(`  asked by ${hops.join(', through ')}`)
  for (const check of checks) lines.push(...formatCheck(check))
  return lines
}

function formatCheck(check: ExplainedCheck): readonly string[] {
  return [
    `  ${check.outcome.padEnd(5)}  ${check.action} on ${check.object}`,
    ...check.policies.map((policy) => `         ${formatNote(policy)}`),
    ...check.near.map((near) => `         near: ${formatNote(near.policy)}: ${formatMiss(near)}`),
  ]
}

function formatMiss({ failed, kind }: NearMiss): string {
  switch (kind) {
    case 'failed':
      return `not ${failed.join('; not ')}`
    case 'direct':
      return 'it is for people themselves, not for what an MCP server does in their name'
    case 'unknown':
      return `depends on ${failed.join('; ')}`
  }
}

function formatNote(note: PolicyNote): string {
  const asks = note.approvers === undefined ? '' : `, asks ${note.approvers}`
  return `${note.effect} "${note.id}" (${note.file}:${note.line}, owner ${note.owner}${asks})`
}
