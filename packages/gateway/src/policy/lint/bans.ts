import { isApproved } from '../actions.ts'
import { isVariable, nodesOf, operandOf } from '../expressions.ts'
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

function* lintBanConditions(policy: ParsedPolicy): Generator<Finding> {
  for (const condition of policy.conditions) {
    for (const node of nodesOf(condition.body)) {
      const variable = ['principal', 'resource'].find((name) =>
        operandsOf(node).some((operand) => isVariable(operand, name)),
      )
      const isEquality = node.operator === '==' || node.operator === '!='
      if (variable === undefined || !(isEquality || (node.operator === 'is' && variable === 'principal'))) continue
      yield {
        rule: 'ban',
        message: `a ban with "${variable} ${node.operator}" in a condition misses who acts for them and what lies in it`,
        fix: `write ${variable} in …`,
        at: locateConditions(policy),
      }
    }
  }
}

function operandsOf(node: { readonly operator: string; readonly operands: unknown }): readonly unknown[] {
  return ['left', 'right'].map((side) => operandOf(node, side))
}
