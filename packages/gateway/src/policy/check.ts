/**
 * One check: may this principal do this one thing? Deny wins over hold, hold over allow (`policy.md` §5).
 */
import { formatNeed, joinNeeds, type Need } from '#model'
import { type LeafAction, twinOf } from './actions.ts'
import { askPreparsed, type CedarAnswer } from './cedar.ts'
import type { Principal, Target } from './entities.ts'
import { buildContext, type Circumstances } from './facts.ts'
import { isGuard, type ParsedPolicy } from './policies.ts'
import type { Slice, SliceSide } from './slices.ts'
import { ensureHeld } from './slots.ts'

/** One question. */
export interface Check {
  readonly action: LeafAction
  readonly principal: Principal
  readonly target: Target
  readonly circumstances: Circumstances
}

/** The answer to one question, with the policies that determined it. */
export type CheckResult =
  | { readonly outcome: 'allow'; readonly policies: readonly string[] }
  | { readonly outcome: 'hold'; readonly policies: readonly string[]; readonly need: Need }
  | {
      readonly outcome: 'deny'
      readonly cause: 'no-permit' | 'forbidden' | 'error'
      readonly policies: readonly string[]
    }

const ERROR: CheckResult = { outcome: 'deny', cause: 'error', policies: [] }

/** Answers a check from its slice. Never throws. */
export function answerCheck(check: Check, slice: Slice, policies: ReadonlyMap<string, ParsedPolicy>): CheckResult {
  try {
    return answer(check, slice, policies)
  } catch {
    return ERROR
  }
}

function answer(check: Check, slice: Slice, policies: ReadonlyMap<string, ParsedPolicy>): CheckResult {
  const plain = ask(check, slice.plain, check.action)
  if (plain.kind === 'error') return ERROR
  if (plain.kind === 'allow') return { outcome: 'allow', policies: plain.reason }
  // Cedar names the matching bans only, never permits; none means that no permit matched
  const isBanned = plain.reason.some((id) => !isGuardId(id, policies))
  // bans cover the twin too, and where nothing asks for an approval there is nothing to ask
  if (isBanned || slice.approved === undefined) return denial(plain.reason)
  const approved = ask(check, slice.approved, twinOf(check.action))
  if (approved.kind === 'error') return ERROR
  // without the guards, what is left is what an approval could not lift: mostly that there is no permit at all
  if (approved.kind === 'deny') return denial(approved.reason)
  const wanting = [...approved.reason, ...plain.reason]
  const need = joinNeeds(wanting.map((id) => policies.get(id)?.approvers ?? new Map()))
  if (need.size === 0) return denial(plain.reason)
  return { outcome: 'hold', policies: [...new Set(wanting)].sort(), need }
}

function ask(check: Check, side: SliceSide, action: string): CedarAnswer {
  if (!ensureHeld(side.name, side.content)) return { kind: 'error' }
  return askPreparsed(side.name, {
    principal: check.principal.ref,
    action,
    resource: check.target.ref,
    context: buildContext(side.facts, check.principal, check.circumstances),
    entities: [...check.principal.entities, ...check.target.entities],
  })
}

function isGuardId(id: string, policies: ReadonlyMap<string, ParsedPolicy>): boolean {
  const policy = policies.get(id)
  return policy !== undefined && isGuard(policy)
}

function denial(forbids: readonly string[]): CheckResult {
  return { outcome: 'deny', cause: forbids.length > 0 ? 'forbidden' : 'no-permit', policies: forbids }
}

/** Says in a few words why a check was not allowed; holds no value and no name that policy does not know. */
export function describeResult(action: LeafAction, words: string, result: CheckResult): string {
  switch (result.outcome) {
    case 'allow':
      return `permitted by ${quoteAll(result.policies)}`
    case 'hold':
      return `${action} on ${words} needs an approval: ${formatNeed(result.need)}`
    case 'deny':
      return describeDenial(action, words, result.cause, result.policies)
  }
}

function describeDenial(
  action: LeafAction,
  words: string,
  cause: 'no-permit' | 'forbidden' | 'error',
  policies: readonly string[],
): string {
  switch (cause) {
    case 'no-permit':
      return `no permit for ${action} on ${words}`
    case 'forbidden':
      return `${action} on ${words} is forbidden by ${quoteAll(policies)}`
    case 'error':
      return `policy could not be evaluated for ${action} on ${words}`
  }
}

function quoteAll(ids: readonly string[]): string {
  return ids.map((id) => `"${id}"`).join(', ')
}
