import { isApproved } from '../actions.ts'
import { childrenOf, type ExpressionNode, isVariable, nodesOf, operandOf } from '../expressions.ts'
import type { ParsedPolicy } from '../policies.ts'
import type { Finding } from '../problems.ts'
import { locateConditions, locateScope } from './locate.ts'

/**
 * A ban says `in`, never `==` or `is`: it must also reach whoever acts *for* the person, whatever lies *in* the resource and the
 * approved twin of the action. `in` is reflexive, so nothing is lost by it.
 */
export function* lintBan(policy: ParsedPolicy): Generator<Finding> {
  if (policy.effect !== 'forbid') return
  const { principal, action, resource } = policy
  const ban = (message: string, fix: string, at: number): Finding => ({ rule: 'ban', message, fix, at })
  if (principal.op === '==' || principal.op === 'is') {
    yield ban(
      `a ban with "principal ${principal.op}" misses who acts for them`,
      'write principal in …',
      locateScope(policy, 'principal'),
    )
  }
  if (resource.op === '==') {
    yield ban('a ban with "resource ==" misses what lies in it', 'write resource in …', locateScope(policy, 'resource'))
  }
  if (action.op === '==') {
    yield ban(
      'a ban with "action ==" misses the approved twin',
      'write action in Action::"…"',
      locateScope(policy, 'action'),
    )
  } else if (action.op === 'in' && action.actions.every(isApproved)) {
    yield ban(
      'a ban on the approved twin alone leaves the plain action',
      'name the plain action',
      locateScope(policy, 'action'),
    )
  }
  yield* lintBanConditions(policy)
}

/**
 * In conditions too: `==`, `contains`, a record that is compared… ask for exactly this person or table. What may stand around the two
 * variables is listed, so that no other way of comparing them slips through.
 */
function* lintBanConditions(policy: ParsedPolicy): Generator<Finding> {
  for (const condition of policy.conditions) {
    for (const node of nodesOf(condition.body)) {
      const variable = misusedVariable(node)
      if (variable === undefined) continue
      yield {
        rule: 'ban',
        message: `a ban that looks at ${variable} other than with "in" misses ${variable === 'principal' ? 'who acts for them' : 'what lies in it'}`,
        fix: `write ${variable} in …`,
        at: locateConditions(policy),
      }
    }
  }
}

const ALLOWED_LEFT: Readonly<Record<'principal' | 'resource', readonly string[]>> = {
  principal: ['in'],
  // attributes and the type of a resource are the same for whatever way it is reached
  resource: ['in', 'is', '.', 'has'],
}

function misusedVariable(node: ExpressionNode): 'principal' | 'resource' | undefined {
  const left = operandOf(node, 'left')
  return (['principal', 'resource'] as const).find((variable) => {
    const isAllowedLeft = isVariable(left, variable) && ALLOWED_LEFT[variable].includes(node.operator)
    return childrenOf(node).some((child) => isVariable(child, variable) && !(isAllowedLeft && child === left))
  })
}
