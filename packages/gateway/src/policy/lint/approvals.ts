import { isApproved } from '../actions.ts'
import type { Catalog } from '../catalog.ts'
import { entityLiteral, nodesOf } from '../expressions.ts'
import type { ParsedPolicy } from '../policies.ts'
import type { Finding } from '../problems.ts'
import { isApprovalClause } from '../reach.ts'
import { locateAnnotation, locateConditions, locateEffect, locateScope } from './locate.ts'

/**
 * An approval is asked for in two ways only: a permit on twins (`Action::"delete.approved"`), or the guard
 * `forbid (…) unless { action in Action::"approved" };`. Both name who may answer; nothing else does, and no other condition looks at
 * the action.
 */
export function* lintApprovals(policy: ParsedPolicy, catalog: Catalog): Generator<Finding> {
  const asks = hasGuardClause(policy) || namesTwin(policy)
  if (asks && !policy.annotations.has('approvers')) {
    yield approval(
      'it asks for an approval and does not say by whom',
      'write @approvers("group:1")',
      locateEffect(policy),
    )
  }
  if (!asks && policy.annotations.has('approvers')) {
    const fix = 'permit the twin, Action::"….approved", or end a ban with unless { action in Action::"approved" }'
    yield approval('@approvers on a policy that asks for no approval', fix, locateAnnotation(policy, 'approvers'))
  }
  if (policy.effect === 'permit' && namesTwin(policy) && !policy.action.actions.every(isApproved)) {
    yield approval('a permit is plain or held, not both', 'split it in two', locateScope(policy, 'action'))
  }
  yield* lintApprovers(policy, catalog)
  yield* lintActionMentions(policy)
}

function namesTwin(policy: ParsedPolicy): boolean {
  return policy.effect === 'permit' && policy.action.actions.some(isApproved)
}

function* lintApprovers(policy: ParsedPolicy, catalog: Catalog): Generator<Finding> {
  if (!policy.annotations.has('approvers')) return
  const at = locateAnnotation(policy, 'approvers')
  if (policy.approvers === undefined) {
    yield approval('@approvers cannot be read', 'write @approvers("group:1"), or @approvers("one:1 and other:2")', at)
    return
  }
  for (const group of policy.approvers.keys()) {
    if (catalog.groups.has(group)) continue
    yield {
      rule: 'unknown-name',
      message: `there is no group "${group}"`,
      fix: 'correct it, or add the group to the configuration',
      at,
    }
  }
}

function* lintActionMentions(policy: ParsedPolicy): Generator<Finding> {
  for (const condition of policy.conditions) {
    if (policy.effect === 'forbid' && isApprovalClause(condition)) continue
    for (const node of nodesOf(condition.body)) {
      const isMention =
        node.operator === 'Var'
          ? node.operands === 'action'
          : entityLiteral({ [node.operator]: node.operands })?.type === 'Action'
      if (!isMention) continue
      const fix =
        'name actions in the scope; a guard ends with unless { action in Action::"approved" } and nothing else in these braces'
      yield approval('a condition looks at the action', fix, locateConditions(policy))
    }
  }
}

function hasGuardClause(policy: ParsedPolicy): boolean {
  return policy.effect === 'forbid' && policy.conditions.some(isApprovalClause)
}

function approval(message: string, fix: string, at: number): Finding {
  return { rule: 'approval', message, fix, at }
}
