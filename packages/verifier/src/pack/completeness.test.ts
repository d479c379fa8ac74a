import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Completeness } from './completeness.ts'
import type { JsonObject } from './members.ts'

const life = (lifecycle: string, details: JsonObject = {}): JsonObject => ({
  unmapped: { phase: 'event', lifecycle, details },
})
const intent: JsonObject = { unmapped: { phase: 'intent' } }
const recovered = (status: string): JsonObject => ({ unmapped: { phase: 'outcome', status, recovered: true } })
const previous = { size: 3, root: 'x' }

function take(first: number, ...leaves: readonly JsonObject[]): Completeness {
  const completeness = new Completeness()
  leaves.forEach((leaf, at) => {
    completeness.take(first + at, { time: 1_000 * at, ...leaf })
  })
  return completeness
}

function counts(completeness: Completeness): Record<string, unknown> {
  const wanted = [
    'starts',
    'stops',
    'crashes',
    'records unsigned at a crash',
    'operations of unknown end',
    'operations refused, said after a crash',
  ]
  return Object.fromEntries(
    completeness.statement(0).flatMap(({ what, value }) => (wanted.includes(what) ? [[what, value]] : [])),
  )
}

test('a start behind a stop is none, a start behind anything else is a crash with what it left', () => {
  const crashed = take(
    0,
    life('start', { recovered: 0, open: 0 }),
    life('stop'),
    life('start', { previous, recovered: 0, open: 0 }),
    intent,
    intent,
    life('start', { previous, recovered: 2, open: 2 }),
    recovered('unknown'),
    recovered('refused'),
  )
  assert.deepEqual(counts(crashed), {
    starts: 3,
    stops: 1,
    crashes: 1,
    'records unsigned at a crash': 2,
    'operations of unknown end': 1,
    'operations refused, said after a crash': 1,
  })
  assert.deepEqual(crashed.crashes, [
    { record: 5, from: '1970-01-01T00:00:04.000Z', until: '1970-01-01T00:00:05.000Z', unsigned: 2, open: 2 },
  ])
})

test('of a start that a pack begins with the record before is not here, so it is not called a crash', () => {
  assert.deepEqual(take(7, life('start', { previous, recovered: 2, open: 0 })).crashes, [])
})
