/**
 * Which permits nearly matched: each permit is taken apart into synthetic permits, one per scope part and one per growing prefix of its
 * conditions; all are asked at once, and what is missing from the reasons did not hold.
 */
import { type LeafAction, reachOf } from './actions.ts'
import { projectArguments } from './arguments/project.ts'
import { pruneRecord, type RecordType } from './arguments/types.ts'
import type { Catalog } from './catalog.ts'
import { askOnce, type ContextValue } from './cedar.ts'
import type { Principal, Target } from './entities.ts'
import { buildContext, type Circumstances } from './facts.ts'
import { type ConditionPart, type PolicyParts, partsOf } from './parts.ts'
import type { ParsedPolicy } from './policies.ts'
import { allFacts, type FactName, formatSchemaFor } from './schema.ts'
import { canLieIn, readsOf } from './slices.ts'

/** A permit and the parts of it that did not hold. */
export interface Missed {
  readonly policy: ParsedPolicy
  readonly failed: readonly string[]
  /** Whether it is a permit for this principal at all. */
  readonly isForPrincipal: boolean
  readonly kind: MissKind
}

/**
 * `failed`: parts of it did not hold. `direct`: all of it held but that it is for the person, and not for what an MCP server does in their
 * name. `unknown`: the parts depend on arguments that are not at hand, and all others held.
 */
type MissKind = 'failed' | 'direct' | 'unknown'

/** What was asked. */
export interface MissedQuestion {
  readonly action: LeafAction
  readonly principal: Principal
  readonly target: Target
  readonly circumstances: Circumstances
  /** The person or workload behind a principal that comes through an MCP server. */
  readonly direct: Principal | undefined
}

/** Permits looked at for one question: each costs some ten microseconds, and people wait. */
const MAX_PERMITS = 500

/** The permits that failed, the nearest first: those for the action with whatever failed, and those for another action where nothing else did. */
export function findNearMisses(
  question: MissedQuestion,
  policies: readonly ParsedPolicy[],
  catalog: Catalog,
): readonly Missed[] {
  const { action, principal, target, direct } = question
  const permits = policies.filter((policy) => policy.effect === 'permit' && canLieIn(policy, catalog, target.root))
  const candidates = permits.slice(0, MAX_PERMITS).map((policy) => ({ policy, parts: partsOf(policy) }))
  const held = heldParts(question, principal, candidates, catalog)
  const heldDirectly = direct === undefined ? new Set<string>() : heldParts(question, direct, candidates, catalog)
  const missed: Missed[] = []
  candidates.forEach(({ policy, parts }, index) => {
    const isForAction = coversAction(policy, action)
    const isForPrincipal = held.has(partName(index, 'principal'))
    const failed = [
      ...(isForPrincipal ? [] : [parts.principal.words]),
      ...(isForAction ? [] : [parts.action.words]),
      ...(held.has(partName(index, 'resource')) ? [] : [parts.resource.words]),
      ...firstFailedCondition(index, parts, held),
    ]
    // that another tool may be called says nothing about this one
    const isAlike = isForAction || (failed.length === 1 && action.arguments === undefined)
    if (failed.length === 0 || !isAlike) return
    const isDirect = !isForPrincipal && failed.length === 1 && heldDirectly.has(partName(index, 'principal'))
    missed.push({ policy, failed, isForPrincipal, kind: isDirect ? 'direct' : 'failed' })
  })
  return missed.toSorted((a, b) => nearness(b) - nearness(a) || a.failed.length - b.failed.length)
}

/** The permits for a call that would hold but for what they say about its arguments, which are not at hand. */
export function findDependent(
  question: MissedQuestion,
  policies: readonly ParsedPolicy[],
  catalog: Catalog,
): readonly Missed[] {
  const { action, principal, target } = question
  const permits = policies.filter(
    (policy) => policy.effect === 'permit' && coversAction(policy, action) && canLieIn(policy, catalog, target.root),
  )
  const candidates = permits.slice(0, MAX_PERMITS).map((policy) => {
    const { conditions, ...scope } = partsOf(policy)
    const [depending, others] = [conditions.filter(readsArguments), conditions.filter((part) => !readsArguments(part))]
    return { policy, depending, parts: { ...scope, conditions: others } }
  })
  const held = heldParts(question, principal, candidates, catalog)
  return candidates.flatMap(({ policy, depending, parts }, index): readonly Missed[] => {
    const holds =
      (['principal', 'resource'] as const).every((part) => held.has(partName(index, part))) &&
      firstFailedCondition(index, parts, held).length === 0
    const failed = depending.map(wordsOf)
    return holds && failed.length > 0 ? [{ policy, failed, isForPrincipal: true, kind: 'unknown' }] : []
  })
}

function readsArguments({ text }: ConditionPart): boolean {
  return /\bargs\b/.test(text)
}

function wordsOf({ kind, words }: ConditionPart): string {
  return kind === 'when' ? words : `unless ${words}`
}

function nearness({ isForPrincipal, kind }: Missed): number {
  return isForPrincipal ? 2 : Number(kind === 'direct')
}

function coversAction({ action: { op, actions } }: ParsedPolicy, action: LeafAction): boolean {
  const reach = reachOf(action, true)
  return op === 'All' || actions.some((name) => reach.has(name))
}

/** A permit with its parts. */
interface Candidate {
  readonly policy: ParsedPolicy
  readonly parts: PolicyParts
}

/** The names of all parts that hold for a principal. */
function heldParts(
  { action, target, circumstances }: MissedQuestion,
  principal: Principal,
  candidates: readonly Candidate[],
  catalog: Catalog,
): ReadonlySet<string> {
  const synthetic: Record<string, string> = {}
  candidates.forEach(({ parts }, index) => Object.assign(synthetic, syntheticPermits(index, parts)))
  const optional = new Set<FactName>(circumstances.client === undefined ? ['net'] : [])
  const args = argumentsFor(action, candidates, circumstances.arguments)
  // a person may not be able to do it at all, as what is asked is for what comes through a server: only the parts count here
  const asked = { ...action, principals: [principal.ref.type] }
  const schema = formatSchemaFor(catalog, { actions: [asked], facts: allFacts, optional, args: args?.type })
  const answer = askOnce(schema, synthetic, {
    principal: principal.ref,
    action: action.name,
    resource: target.ref,
    context: buildContext(allFacts, principal, circumstances, args?.values),
    entities: [...principal.entities, ...target.entities],
  })
  return new Set(answer.kind === 'allow' ? answer.reason : [])
}

/** The arguments that permits for this action read; undefined when there are none, or one is not what it is declared to be. */
function argumentsFor(
  action: LeafAction,
  candidates: readonly Candidate[],
  text: string | undefined,
): { readonly type: RecordType; readonly values: Readonly<Record<string, ContextValue>> } | undefined {
  const { args } = readsOf(candidates.map(({ policy }) => policy).filter((policy) => coversAction(policy, action)))
  if (action.arguments === undefined || args === undefined) return undefined
  const type = pruneRecord(action.arguments, args)
  const projected = projectArguments(text, type)
  return projected.kind === 'unfit' ? undefined : { type, values: projected.values }
}

function syntheticPermits(index: number, parts: PolicyParts): Readonly<Record<string, string>> {
  const permits: Record<string, string> = {
    [partName(index, 'principal')]: `permit (${parts.principal.text}, action, resource);`,
    [partName(index, 'resource')]: `permit (principal, action, ${parts.resource.text});`,
  }
  let clauses = ''
  parts.conditions.forEach(({ kind, text }, position) => {
    clauses += ` ${kind} { ${text}\n}`
    permits[partName(index, position)] = `permit (principal, action, resource)${clauses};`
  })
  return permits
}

/** Conditions behind the first that failed were not evaluated: it may guard them (`context has agent && …`). */
function firstFailedCondition(index: number, parts: PolicyParts, held: ReadonlySet<string>): readonly string[] {
  const position = parts.conditions.findIndex((_, at) => !held.has(partName(index, at)))
  const condition = parts.conditions[position]
  if (condition === undefined) return []
  return [wordsOf(condition)]
}

function partName(index: number, part: 'principal' | 'resource' | number): string {
  return `${index}/${part}`
}
