import { broadGroups, leaves, plainOf, unreviewedActions } from '../actions.ts'
import { type Catalog, CDE, databaseOf } from '../catalog.ts'
import type { ParsedPolicy } from '../policies.ts'
import type { Finding } from '../problems.ts'
import { isLeafAction } from '../schema.ts'
import { locateEffect, locateEntity, locateScope } from './locate.ts'

/** A permit says who (`is … in`, or one actor), what (listed actions) and on what (named data): no wildcard. */
export function* lintPermit(policy: ParsedPolicy, catalog: Catalog): Generator<Finding> {
  if (policy.effect !== 'permit' || policy.isSystem) return
  yield* lintPrincipal(policy)
  yield* lintAction(policy)
  yield* lintResource(policy)
  yield* lintReview(policy, catalog)
}

const PRINCIPAL_FIX = 'write principal is Person in Group::"…", or principal == Workload::"…"'

function* lintPrincipal(policy: ParsedPolicy): Generator<Finding> {
  const { op, type, entity } = policy.principal
  const wildcard = (message: string): Finding => ({
    rule: 'wildcard',
    message,
    fix: PRINCIPAL_FIX,
    at: locateScope(policy, 'principal'),
  })
  if (op === 'All') yield wildcard('the permit is for everybody')
  // a group in a condition is no scope: what a condition means cannot be told by looking at it
  if (op === 'is' && entity === undefined) yield wildcard(`the permit is for every ${type ?? 'principal'}`)
  if (op === 'in') yield wildcard('"principal in" without "is" would match tools acting for the same people')
  if (op === '==' && entity?.type === 'Group') yield wildcard('a group itself never asks for anything')
}

function* lintAction(policy: ParsedPolicy): Generator<Finding> {
  const { op, actions } = policy.action
  const wildcard = (message: string, fix: string, at = locateScope(policy, 'action')): Finding => ({
    rule: 'wildcard',
    message,
    fix,
    at,
  })
  if (op === 'All') yield wildcard('the permit is for every action', 'write action in [Action::"…", …]')
  if (op === '==') yield wildcard('"action ==" does not match the approved twin', 'write action in Action::"…"')
  for (const action of actions) {
    const at = locateEntity(policy, { type: 'Action', id: action })
    if (broadGroups.has(plainOf(action)) || action === 'approved') {
      yield wildcard(`Action::"${action}" is too broad for a permit`, 'name the actions, or read or write', at)
    }
    // no protocol can pass on what it does not understand; until one can, nothing may look as if it were permitted
    if (plainOf(action) === 'incomplete')
      yield wildcard('what is not understood cannot be permitted', 'leave the action out', at)
  }
}

function* lintResource(policy: ParsedPolicy): Generator<Finding> {
  const { op, type, entity } = policy.resource
  const fix = 'name the data: resource == Table::"…", or resource in Schema::"…" or Database::"…"'
  const wildcard = (message: string): Finding => ({
    rule: 'wildcard',
    message,
    fix,
    at: locateScope(policy, 'resource'),
  })
  if (op === 'All') yield wildcard('the permit is for every resource')
  if (op === 'is' && entity === undefined) yield wildcard(`the permit is for every ${type ?? 'resource'}`)
  if (entity?.type === 'Zone') yield wildcard('a zone holds whatever is put into it later')
}

/** A permit that reaches a CDE resource was reviewed, and says with what result. */
function* lintReview(policy: ParsedPolicy, catalog: Catalog): Generator<Finding> {
  if (policy.annotations.has('reviewed') || !reachesCde(policy, catalog)) return
  if (policy.action.op !== 'All' && policy.action.actions.every((action) => unreviewedActions.has(plainOf(action))))
    return
  yield {
    rule: 'cde-review',
    message: 'the permit reaches the cardholder data environment and was not reviewed',
    fix: 'have it reviewed and write the result: @reviewed("…")',
    at: locateEffect(policy),
  }
}

function reachesCde(policy: ParsedPolicy, catalog: Catalog): boolean {
  const { entity } = policy.resource
  if (entity === undefined) return actsOnData(policy)
  if (entity.type === 'Boundary') return false
  if (entity.type === 'Zone') return entity.id === CDE
  // a name that is not in the catalog is refused anyway
  return databaseOf(catalog, entity.id)?.zone === CDE
}

function actsOnData(policy: ParsedPolicy): boolean {
  return policy.action.actions.some((action) => !isBoundaryAction(plainOf(action)))
}

function isBoundaryAction(action: string): boolean {
  return action === 'boundary' || (isLeafAction(action) && leaves[action].resources.includes('Boundary'))
}
