import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import fc from 'fast-check'
import { formatNeed, isNeedMet, joinNeeds, missingFor, type Need, parseNeed } from './need.ts'

function need(text: string): Need {
  const parsed = parseNeed(text)
  assert.ok(parsed, text)
  return parsed
}

const good = [
  { text: 'security:1', canonical: 'security:1' },
  { text: 'security:1 and payments-leads:2', canonical: 'payments-leads:2 and security:1' },
  { text: 'security:1 and security:3', canonical: 'security:3' },
  { text: 'card team:1', canonical: 'card team:1' },
  { text: 'a:1 and a-b:1', canonical: 'a:1 and a-b:1' },
]
for (const { text, canonical } of good) {
  test(`"${text}"`, () => {
    assert.equal(formatNeed(need(text)), canonical)
    assert.equal(formatNeed(need(canonical)), canonical)
  })
}

for (const text of [
  '',
  'security',
  'security:0',
  'security:10',
  ':1',
  'a:1 and',
  'a:1 and ',
  ' a:1',
  'a:1 ',
  'a:1 and  b:1',
]) {
  test(`"${text}" is no need`, () => assert.equal(parseNeed(text), undefined))
}
test('a text longer than any need', () => assert.equal(parseNeed(`${'a'.repeat(9_000)}:1`), undefined))

test('several needs come to the highest count of each group', () => {
  assert.equal(formatNeed(joinNeeds(['a:1 and b:2', 'a:3', 'c:1'].map(need))), 'a:3 and b:2 and c:1')
})

describe('who is enough', () => {
  const cases: readonly {
    name: string
    need: string
    answers: Readonly<Record<string, readonly string[]>>
    missing: string
  }[] = [
    { name: 'nobody', need: 'security:1', answers: {}, missing: 'security:1' },
    { name: 'one of the group', need: 'security:1', answers: { s: ['security'] }, missing: '' },
    {
      name: 'somebody of another group',
      need: 'security:1',
      answers: { b: ['payments-leads'] },
      missing: 'security:1',
    },
    {
      name: 'one person in both groups',
      need: 'payments-leads:1 and security:1',
      answers: { x: ['payments-leads', 'security'] },
      missing: 'security:1',
    },
    {
      name: 'one in both and one in the second',
      need: 'payments-leads:1 and security:1',
      answers: { x: ['payments-leads', 'security'], s: ['security'] },
      missing: '',
    },
    {
      name: 'one in both and one in the first',
      need: 'payments-leads:1 and security:1',
      answers: { x: ['payments-leads', 'security'], b: ['payments-leads'] },
      missing: '',
    },
    { name: 'two of a group', need: 'security:2', answers: { s: ['security'], t: ['security'] }, missing: '' },
    { name: 'one of two', need: 'security:2', answers: { s: ['security'] }, missing: 'security:1' },
    {
      name: 'three who have to move',
      need: 'a:1 and b:1 and c:1',
      answers: { x: ['a', 'b'], y: ['a', 'c'], z: ['a'] },
      missing: '',
    },
    { name: 'more than enough', need: 'a:1', answers: { x: ['a'], y: ['a'], z: ['b'] }, missing: '' },
  ]
  for (const { name, need: text, answers, missing } of cases) {
    test(name, () => {
      const given = Object.entries(answers).map(([identityId, groups]) => ({ identityId, groups }))
      assert.equal(formatNeed(missingFor(need(text), given)), missing)
      assert.equal(isNeedMet(need(text), given), missing === '')
    })
  }
  test('a person who answers twice counts once', () => {
    const twice = [
      { identityId: 's', groups: ['security'] },
      { identityId: 's', groups: ['security', 'dba'] },
    ]
    assert.equal(isNeedMet(need('security:2'), twice), false)
    assert.equal(isNeedMet(need('dba:1'), twice), false)
  })
  test('an empty need is met by nobody', () =>
    assert.equal(isNeedMet(new Map(), [{ identityId: 's', groups: ['x'] }]), false))
})

test('as many slots are filled as trying every assignment fills', () => {
  const groups = ['a', 'b', 'c']
  const property = fc.property(
    fc.dictionary(fc.constantFrom(...groups), fc.integer({ min: 1, max: 2 }), { minKeys: 1 }),
    fc.array(fc.subarray(groups), { maxLength: 5 }),
    (counts, people) => {
      const wanted: Need = new Map(Object.entries(counts))
      const answers = people.map((inGroups, index) => ({ identityId: String(index), groups: inGroups }))
      const total = [...missingFor(wanted, answers).values()].reduce((sum, count) => sum + count, 0)
      assert.equal(total, fewestMissing(new Map(wanted), people))
    },
  )
  fc.assert(property, { numRuns: 2_000 })
})

function fewestMissing(open: Map<string, number>, [first, ...others]: readonly (readonly string[])[]): number {
  const left = [...open.values()].reduce((sum, count) => sum + count, 0)
  if (first === undefined) return left
  const choices = first.filter((group) => (open.get(group) ?? 0) > 0)
  const without = fewestMissing(open, others)
  return Math.min(
    without,
    ...choices.map((group) => fewestMissing(new Map(open).set(group, (open.get(group) ?? 0) - 1), others)),
  )
}
