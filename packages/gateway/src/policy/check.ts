/**
 * One check: may this principal do this one thing? Deny wins over hold, hold over allow (`docs/guide/policy.md`, *How a statement is decided*).
 */
import { formatNeed, joinNeeds, type Need } from '#model'
import { type LeafAction, twinOf } from './actions.ts'
import { projectArguments } from './arguments/project.ts'
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
  | {
      readonly outcome: 'deny'
      /** An argument that policy reads is not what it is declared to be. */
      readonly cause: 'arguments'
      readonly policies: readonly string[]
      /** What is wrong, without a value. */
      readonly words: string
    }

const ERROR: CheckResult = { outcome: 'deny', cause: 'error', policies: [] }

/** Cedar's answer, or what keeps it from being asked. */
type SideAnswer = CedarAnswer | { readonly kind: 'unfit'; readonly words: string }

/** Answers a check from its slice. Never throws. */
export function answerCheck(check: Check, slice: Slice, policies: ReadonlyMap<string, ParsedPolicy>): CheckResult {
  try {
    return answer(check, slice, policies)
  } catch {
    return ERROR
  }
}

function answer(check: Check, slice: Slice, policies: ReadonlyMap<string, ParsedPolicy>): CheckResult {
  const plain = askSide(check, slice.plain, check.action.name)
  if (plain.kind === 'error') return ERROR
  if (plain.kind === 'unfit') return unfit(plain.words)
  if (plain.kind === 'allow')
    return counts(plain.reason, check.principal, policies) ? { outcome: 'allow', policies: plain.reason } : denial([])
  // Cedar names the matching bans only, never permits; none means that no permit matched
  const isBanned = plain.reason.some((id) => !isGuardId(id, policies))
  // bans cover the twin too, and where nothing asks for an approval there is nothing to ask
  if (isBanned || slice.approved === undefined) return denial(plain.reason)
  const approved = askSide(check, slice.approved, twinOf(check.action.name))
  if (approved.kind === 'error') return ERROR
  if (approved.kind === 'unfit') return unfit(approved.words)
  // without the guards, what is left is what an approval could not lift: mostly that there is no permit at all
  if (approved.kind === 'deny') return denial(approved.reason)
  if (!counts(approved.reason, check.principal, policies)) return denial([])
  const wanting = [...approved.reason, ...plain.reason]
  const need = joinNeeds(wanting.map((id) => policies.get(id)?.approvers ?? new Map()))
  if (need.size === 0) return denial(plain.reason)
  return { outcome: 'hold', policies: [...new Set(wanting)].sort(), need }
}

/**
 * The belt to the linter's braces: what comes through an MCP server is allowed by a permit that says `is Via`, or by one that is shipped, and
 * by no other, whatever else matches.
 */
function counts(
  permits: readonly string[],
  principal: Principal,
  policies: ReadonlyMap<string, ParsedPolicy>,
): boolean {
  if (principal.ref.type !== 'Via') return true
  return permits.some((id) => {
    const permit = policies.get(id)
    return permit !== undefined && (permit.isSystem || permit.principal.type === 'Via')
  })
}

function askSide(check: Check, side: SliceSide, action: string): SideAnswer {
  const projected = side.args === undefined ? undefined : projectArguments(check.circumstances.arguments, side.args)
  if (projected?.kind === 'unfit') return projected
  if (!ensureHeld(side.name, side.content)) return { kind: 'error' }
  return askPreparsed(side.name, {
    principal: check.principal.ref,
    action,
    resource: check.target.ref,
    context: buildContext(side.facts, check.principal, check.circumstances, projected?.values),
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

function unfit(words: string): CheckResult {
  return { outcome: 'deny', cause: 'arguments', policies: [], words }
}

/** Says in a few words why a check was not allowed; holds no value and no name that policy does not know. */
export function describeResult(
  action: LeafAction,
  target: Target,
  through: string | undefined,
  result: CheckResult,
): string {
  const deed = `${action.arguments === undefined ? action.name : 'calling'}${
    action.arguments === undefined ? ' on' : ''
  } ${target.words}${through === undefined ? '' : ` through ${through}`}`
  switch (result.outcome) {
    case 'allow':
      return `permitted by ${quoteAll(result.policies)}`
    case 'hold':
      return `${deed} needs an approval: ${formatNeed(result.need)}`
    case 'deny':
      return describeDenial(deed, target, result)
  }
}

function describeDenial(deed: string, target: Target, result: CheckResult & { outcome: 'deny' }): string {
  switch (result.cause) {
    case 'no-permit':
      return target.denial ?? `no permit for ${deed}`
    case 'forbidden':
      return `${deed} is forbidden by ${quoteAll(result.policies)}`
    case 'error':
      return `policy could not be evaluated for ${deed}`
    case 'arguments':
      return `${deed}: ${result.words}`
  }
}

function quoteAll(ids: readonly string[]): string {
  return ids.map((id) => `"${id}"`).join(', ')
}
