import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import { isComplaint, parsePolicy, type PolicyJson } from './cedar.ts'
import { entityLiteral, factsRead, nodesOf } from './expressions.ts'

function conditionsOf(text: string): PolicyJson['conditions'] {
  const policy = parsePolicy(`permit (principal, action, resource) ${text};`)
  assert.ok(!isComplaint(policy))
  return policy.conditions
}

describe('which facts a condition reads', () => {
  const cases: readonly { readonly text: string; readonly facts: readonly string[] | 'all' }[] = [
    { text: '', facts: [] },
    { text: 'when { context.mfa }', facts: ['mfa'] },
    { text: 'when { context["mfa"] }', facts: ['mfa'] },
    { text: 'when { context has agent }', facts: ['agent'] },
    { text: 'when { context has agent.name }', facts: ['agent'] },
    { text: 'when { context.mfa } unless { context.net.isInRange(ip("::1")) }', facts: ['mfa', 'net'] },
    { text: 'when { if true then [1, 2].contains(1) else !(context.now > datetime("2026-01-01")) }', facts: ['now'] },
    { text: 'when { {Var: 1, Value: context.mfa}.Value }', facts: ['mfa'] },
    { text: 'when { [ip("::1"), context.net].contains(ip("::1")) }', facts: ['net'] },
    { text: 'when { principal.mfa }', facts: [] },
    { text: 'when { context == {mfa: true} }', facts: 'all' },
    { text: 'when { context.mfa && [context].contains(context) }', facts: 'all' },
    { text: 'when { {c: context}.c.mfa }', facts: 'all' },
    { text: 'when { (if true then context else context).mfa }', facts: 'all' },
    { text: 'when { context has other && context.other }', facts: 'all' },
  ]
  for (const { text, facts } of cases) {
    test(text === '' ? 'no condition' : text, () => {
      const read = factsRead(conditionsOf(text))
      assert.deepEqual(read === 'all' ? 'all' : [...read].sort(), facts)
    })
  }
})

test('every literal entity is found, wherever it stands', () => {
  const text = `when { [Group::"a", Group::"b"].contains(Group::"c") && {x: Group::"d", Value: Group::"e"} == {x: Group::"f"} }
    unless { principal is Person in Group::"g" || !(if principal in [Group::"h"] then resource == Group::"i" else 1 < -2) }`
  const found = conditionsOf(text).flatMap(({ body }) =>
    [...nodesOf(body)].map((node) => entityLiteral({ [node.operator]: node.operands })?.id ?? ''),
  )
  assert.equal(found.sort().join(''), 'abcdefghi')
})

test('a chain of thousands is walked', () => {
  const chain = `when { context.mfa${' && context.mfa'.repeat(2_000)} }`
  assert.deepEqual([...factsRead(conditionsOf(chain))], ['mfa'])
})
