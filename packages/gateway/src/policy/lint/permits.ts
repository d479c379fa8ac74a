import { broadGroups, isFixedAction, isToolAction, leaves, plainOf, unreviewedActions } from '../actions.ts'
import { type Catalog, CDE, resourceOf } from '../catalog.ts'
import type { ParsedPolicy } from '../policies.ts'
import type { Finding } from '../problems.ts'
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
const VIA_FIX = 'write principal is Via in Tool::"…", and who may use it in a condition: principal in Group::"…"'

/** Types that a single principal can be of; that no literal `Via` exists is another rule's. */
const ASKING: ReadonlySet<string> = new Set(['Person', 'Workload', 'Via'])

function* lintPrincipal(policy: ParsedPolicy): Generator<Finding> {
  const { op, type, entity } = policy.principal
  const wildcard = (message: string, fix = PRINCIPAL_FIX): Finding => ({
    rule: 'wildcard',
    message,
    fix,
    at: locateScope(policy, 'principal'),
  })
  if (op === 'All') yield wildcard('the permit is for everybody')
  if (op === 'is' && type === 'Via') {
    // below a person or group it would be every tool that they use
    if (entity?.type !== 'Tool' && entity?.type !== 'Server')
      yield wildcard('the permit is for every MCP server and tool', VIA_FIX)
    return
  }
  // a group in a condition is no scope: what a condition means cannot be told by looking at it
  if (op === 'is' && entity === undefined) yield wildcard(`the permit is for every ${type ?? 'principal'}`)
  if (op === 'in') {
    const isWay = entity?.type === 'Tool' || entity?.type === 'Server'
    yield wildcard(
      '"principal in" without "is" would match tools acting for the same people',
      isWay ? VIA_FIX : PRINCIPAL_FIX,
    )
  }
  if (op === '==' && entity !== undefined && !ASKING.has(entity.type))
    yield wildcard(`a ${entity.type.toLowerCase()} itself never asks for anything`)
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
      yield wildcard(
        `Action::"${action}" is too broad for a permit`,
        'name the actions, the tools, or read or write',
        at,
      )
    }
    // no protocol can pass on what it does not understand; until one can, nothing may look as if it were permitted
    if (plainOf(action) === 'incomplete')
      yield wildcard('what is not understood cannot be permitted', 'leave the action out', at)
  }
}

function* lintResource(policy: ParsedPolicy): Generator<Finding> {
  const { op, type, entity } = policy.resource
  const fix = 'name it: resource == Table::"…" or Tool::"…", or resource in Schema::"…", Database::"…" or Server::"…"'
  const wildcard = (message: string): Finding => ({
    rule: 'wildcard',
    message,
    fix,
    at: locateScope(policy, 'resource'),
  })
  if (entity?.type === 'Zone') yield wildcard('a zone holds whatever is put into it later')
  if (entity?.type === 'Class') yield wildcard('a class holds whatever column is declared later')
  // the action of a tool is done to that tool and to nothing else
  if (policy.action.op !== 'All' && policy.action.actions.every((action) => isToolAction(action))) return
  if (op === 'All') yield wildcard('the permit is for every resource')
  if (op === 'is' && entity === undefined) yield wildcard(`the permit is for every ${type ?? 'resource'}`)
}

/** A permit that reaches a CDE resource was reviewed, and says with what result. */
function* lintReview(policy: ParsedPolicy, catalog: Catalog): Generator<Finding> {
  if (policy.annotations.has('reviewed') || !reachesCde(policy, catalog) || isNarrow(policy)) return
  yield {
    rule: 'cde-review',
    message: 'the permit reaches the cardholder data environment and was not reviewed',
    fix: 'have it reviewed and write the result: @reviewed("…")',
    at: locateEffect(policy),
  }
}

/** Whether a permit shows nothing, or lets one tool do what the tool is for: then the reach of each is its definition, which was reviewed. */
function isNarrow({ principal, action: { op, actions } }: ParsedPolicy): boolean {
  if (op === 'All') return false
  const plain = actions.map(plainOf)
  if (plain.every((action) => unreviewedActions.has(action) || isToolAction(action))) return true
  return principal.type === 'Via' && principal.entity?.type === 'Tool' && !plain.includes('compute')
}

function reachesCde(policy: ParsedPolicy, catalog: Catalog): boolean {
  const { entity } = policy.resource
  if (entity === undefined) return actsOnData(policy)
  if (entity.type === 'Boundary') return false
  if (entity.type === 'Zone') return entity.id === CDE
  // a name that is not in the catalog is refused anyway
  return entity.type === 'Class' || resourceOf(catalog, entity.type, entity.id)?.zone === CDE
}

function actsOnData(policy: ParsedPolicy): boolean {
  return policy.action.actions.some((action) => !isBoundaryAction(plainOf(action)))
}

function isBoundaryAction(action: string): boolean {
  return action === 'boundary' || (isFixedAction(action) && leaves[action].resources.includes('Boundary'))
}
