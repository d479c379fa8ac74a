import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import { isComplaint, parsePolicy, type PolicyJson } from './cedar.ts'
import { contextReads, entityLiteral, nodesOf } from './expressions.ts'

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
      const read = contextReads(conditionsOf(text))
      assert.deepEqual(read === 'all' ? 'all' : [...read.facts].sort(), facts)
    })
  }
})

describe('which arguments a condition reads', () => {
  const cases: readonly { readonly text: string; readonly args: unknown }[] = [
    { text: 'context.mfa', args: undefined },
    { text: 'context.args.amount > 5', args: { amount: 'whole' } },
    { text: 'context.args["a b"] == "x" && context.args.amount > 5', args: { 'a b': 'whole', amount: 'whole' } },
    { text: 'context.args has note', args: { note: {} } },
    { text: 'context.args has note && context.args.note == ""', args: { note: 'whole' } },
    {
      text: 'context.args.customer.id == 5 && context.args has customer.name',
      args: { customer: { id: 'whole', name: {} } },
    },
    { text: 'context has args.customer', args: { customer: {} } },
    { text: 'context has args', args: {} },
    { text: '[context.args].contains(context.args)', args: 'whole' },
    { text: 'context.args.customer == {id: 5} || context.args.customer.name == ""', args: { customer: 'whole' } },
  ]
  for (const { text, args } of cases) {
    test(text, () => {
      const read = contextReads(conditionsOf(`when { ${text} }`))
      assert.ok(read !== 'all')
      assert.deepEqual(plain(read.args), args)
    })
  }
  function plain(tree: unknown): unknown {
    if (!(tree instanceof Map)) return tree
    return Object.fromEntries([...tree].map(([name, below]) => [String(name), plain(below)]))
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
  const read = contextReads(conditionsOf(chain))
  assert.deepEqual(read === 'all' ? read : [...read.facts], ['mfa'])
})
