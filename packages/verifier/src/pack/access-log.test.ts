import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ACCESS_LOG, type Operation } from './access-log.ts'
import type { JsonObject } from './members.ts'
import { Roster } from './roster.ts'

function operation(asked: JsonObject | undefined, ended: JsonObject | undefined): Operation {
  return {
    record: 1,
    intent: asked === undefined ? undefined : { unmapped: asked },
    outcome: ended === undefined ? undefined : { record: 2, leaf: { unmapped: ended } },
    statement: undefined,
    roster: new Roster(new Map()),
  }
}

function cell(name: string, of: Operation): unknown {
  return (ACCESS_LOG.columns.find((column) => column.name === name) ?? assert.fail()).of(of)
}

const reads = { decision: { outcome: 'allow' }, accesses: [{ effect: 'select' }] }
const calls = { decision: { outcome: 'allow' }, accesses: [{ effect: 'callTool' }] }
const writes = { decision: { outcome: 'allow' }, accesses: [{ effect: 'insert' }] }
const refused = { decision: { outcome: 'deny' }, accesses: [{ effect: 'select' }] }
const masked = (status: string, count: number): JsonObject => ({ status, masking: { columns: [{ masked: count }] } })

const CASES: readonly (readonly [string, JsonObject | undefined, JsonObject | undefined, string | null])[] = [
  ['a result with card numbers', reads, masked('success', 2), 'truncated'],
  ['card numbers before an error', reads, masked('error', 1), 'truncated'],
  ['card numbers before one that could not be truncated', reads, masked('masking-refused', 1), 'truncated'],
  ['a tool call of which nothing left', calls, { ...masked('masking-refused', 1), bytes: 0 }, null],
  ['a result without', reads, masked('success', 0), null],
  ['an error before any row', reads, { status: 'error' }, null],
  ['a crash', reads, { status: 'unknown' }, 'perhaps'],
  ['a crash in a tool call', calls, { status: 'unknown' }, 'perhaps'],
  ['a crash while it wrote', writes, { status: 'unknown' }, null],
  ['a connection that broke', reads, { status: 'lost' }, 'perhaps'],
  ['no end within the pack', reads, undefined, 'perhaps'],
  ['one that was asked before the pack, and broke', undefined, { status: 'lost' }, 'perhaps'],
  ['one that was asked before the pack, and ended', undefined, { status: 'success' }, null],
  ['a refusal', refused, { status: 'refused' }, null],
  ['a refusal whose end is missing', refused, undefined, null],
]

for (const [what, asked, ended, expected] of CASES) {
  test(`whether card data was given out: ${what}`, () => {
    assert.equal(cell('card_data', operation(asked, ended)), expected)
  })
}

test('a reference is the number of a record', () => {
  const under = (request: string): Operation => operation({ approval: { request } }, undefined)
  assert.equal(cell('approval_held_record', under('002HQ')), 81)
  for (const text of ['', '2HQ', 'not one', 'ZZZZZZZZZZZZZ'])
    assert.equal(cell('approval_held_record', under(text)), null)
})

test('how somebody came in is said in words', () => {
  const session = (mfa: boolean): Operation => ({
    ...operation(undefined, undefined),
    intent: { actor: { session: { is_mfa: mfa } }, unmapped: { client_tls: !mfa } },
  })
  assert.deepEqual([cell('mfa', session(true)), cell('client_tls', session(true))], ['yes', 'no'])
  assert.deepEqual([cell('mfa', session(false)), cell('mfa', operation(reads, undefined))], ['no', null])
})
