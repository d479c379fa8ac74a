import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isNeedMet, joinNeeds, parseNeed } from './needs.ts'

const CASES: readonly (readonly [
  need: string,
  approvers: readonly (readonly [id: string, ...groups: string[]])[],
  isMet: boolean,
])[] = [
  ['a:1', [], false],
  ['a:1', [['p', 'a']], true],
  ['a:1', [['p', 'b']], false],
  [
    'a:2',
    [
      ['p', 'a'],
      ['p', 'a'],
    ],
    false,
  ],
  [
    'a:2',
    [
      ['p', 'a'],
      ['q', 'a'],
    ],
    true,
  ],
  ['a:1 and b:1', [['p', 'a', 'b']], false],
  [
    'a:1 and b:1',
    [
      ['p', 'a', 'b'],
      ['q', 'a'],
    ],
    true,
  ],
  [
    'a:1 and b:1',
    [
      ['q', 'a'],
      ['p', 'a', 'b'],
    ],
    true,
  ],
  [
    'a:2 and b:1',
    [
      ['p', 'a', 'b'],
      ['q', 'a', 'b'],
      ['r', 'a'],
    ],
    true,
  ],
  [
    'a:2 and b:1',
    [
      ['p', 'a', 'b'],
      ['q', 'a', 'b'],
      ['r', 'c'],
    ],
    false,
  ],
]

for (const [need, approvers, isMet] of CASES) {
  test(`${need}, answered by ${JSON.stringify(approvers)}`, () => {
    const people = approvers.map(([id, ...groups]) => ({ id, groups }))
    assert.equal(isNeedMet(parseNeed(need) ?? assert.fail(), people), isMet)
  })
}

test('a need is read as it is written, and several come to the highest counts', () => {
  for (const text of ['', 'a', 'a:0', 'a:10', 'a:1 and', ' a:1', `${'a'.repeat(9_000)}:1`])
    assert.equal(parseNeed(text), undefined, text)
  assert.equal(parseNeed(Array.from({ length: 29 }, (_, group) => `g${group}:9`).join(' and ')), undefined)
  const needs = ['b:1 and a:2', 'a:1 and c d:3'].map((text) => parseNeed(text) ?? assert.fail())
  assert.equal(joinNeeds(needs), 'a:2 and b:1 and c d:3')
  assert.equal(joinNeeds([]), '')
})

test('many answers to the largest need are an answer, not an end', () => {
  const groups = Array.from({ length: 28 }, (_, group) => `g${group}`)
  const need = parseNeed(groups.map((group) => `${group}:9`).join(' and ')) ?? assert.fail()
  const people = Array.from({ length: 100_000 }, (_, person) => ({ id: `p${person}`, groups: groups.slice(0, 27) }))
  assert.equal(isNeedMet(need, people), false)
})
