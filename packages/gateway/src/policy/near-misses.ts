/**
 * Which permits nearly matched: each permit is taken apart into synthetic permits, one per scope part and one per growing prefix of its
 * conditions; all are asked at once, and what is missing from the reasons did not hold (`policy.md` §10).
 */
import { type LeafAction, reachOf } from './actions.ts'
import type { Catalog } from './catalog.ts'
import { askOnce } from './cedar.ts'
import type { Principal, Target } from './entities.ts'
import { buildContext, type Circumstances } from './facts.ts'
import { type PolicyParts, partsOf } from './parts.ts'
import type { ParsedPolicy } from './policies.ts'
import { allFacts, type FactName, formatSchemaFor } from './schema.ts'
import { canLieIn } from './slices.ts'

/** A permit and the parts of it that did not hold. */
export interface Missed {
  readonly policy: ParsedPolicy
  readonly failed: readonly string[]
  /** Whether it is a permit for this principal at all. */
  readonly isForPrincipal: boolean
}

/** What was asked. */
export interface MissedQuestion {
  readonly action: LeafAction
  readonly principal: Principal
  readonly target: Target
  readonly circumstances: Circumstances
}

/** Permits looked at for one question: each costs some ten microseconds, and people wait. */
const MAX_PERMITS = 500

/** The permits that failed, the nearest first: those for the action with whatever failed, and those for another action where nothing else did. */
export function findNearMisses(
  question: MissedQuestion,
  policies: readonly ParsedPolicy[],
  catalog: Catalog,
): readonly Missed[] {
  const permits = policies.filter(
    (policy) => policy.effect === 'permit' && canLieIn(policy, catalog, question.target.database),
  )
  const candidates = permits.slice(0, MAX_PERMITS).map((policy) => ({ policy, parts: partsOf(policy) }))
  const held = heldParts(
    question,
    candidates.map(({ parts }) => parts),
    catalog,
  )
  const reach = reachOf(question.action, true)
  const missed: Missed[] = []
  candidates.forEach(({ policy, parts }, index) => {
    const isForAction = policy.action.op === 'All' || policy.action.actions.some((action) => reach.has(action))
    const isForPrincipal = held.has(partName(index, 'principal'))
    const failed = [
      ...(isForPrincipal ? [] : [parts.principal.words]),
      ...(isForAction ? [] : [parts.action.words]),
      ...(held.has(partName(index, 'resource')) ? [] : [parts.resource.words]),
      ...firstFailedCondition(index, parts, held),
    ]
    if (failed.length > 0 && (isForAction || failed.length === 1)) missed.push({ policy, failed, isForPrincipal })
  })
  return missed.toSorted(
    (a, b) => Number(b.isForPrincipal) - Number(a.isForPrincipal) || a.failed.length - b.failed.length,
  )
}

/** The names of all parts that hold. */
function heldParts(question: MissedQuestion, permits: readonly PolicyParts[], catalog: Catalog): ReadonlySet<string> {
  const synthetic: Record<string, string> = {}
  permits.forEach((parts, index) => Object.assign(synthetic, syntheticPermits(index, parts)))
  const { action, principal, target, circumstances } = question
  const optional = new Set<FactName>(circumstances.client === undefined ? ['net'] : [])
  const answer = askOnce(formatSchemaFor(catalog, { actions: [action], facts: allFacts, optional }), synthetic, {
    principal: principal.ref,
    action,
    resource: target.ref,
    context: buildContext(allFacts, principal, circumstances),
    entities: [...principal.entities, ...target.entities],
  })
  return new Set(answer.kind === 'allow' ? answer.reason : [])
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
  return [condition.kind === 'when' ? condition.words : `unless ${condition.words}`]
}

function partName(index: number, part: 'principal' | 'resource' | number): string {
  return `${index}/${part}`
}
