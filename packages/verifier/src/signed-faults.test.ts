import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalJson } from './record.ts'
import { type Files, MemorySource } from './testkit/memory-source.ts'
import { filesOf, sampleLog, signer } from './testkit/sample-log.ts'
import { leaf } from './testkit/tampering.ts'
import type { FindingCode, Verification } from './verification.ts'
import { verifyTrail } from './verify.ts'

const log = sampleLog(50)

const verify = (files: Files): Promise<Verification> => verifyTrail(new MemorySource(files), { keys: [signer.key] })

/** A log that its own key signed: only what the records say of each other can be wrong. */
async function signedLog(change: (records: Record<string, unknown>[]) => void): Promise<Verification> {
  const records = log.leaves.map((entry) => JSON.parse(Buffer.from(entry).toString()) as Record<string, unknown>)
  change(records)
  return verify(filesOf({ leaves: records.map((record) => Buffer.from(canonicalJson(record))), blobs: log.blobs }))
}

const unmapped = (record: Record<string, unknown> | undefined): Record<string, unknown> =>
  (record?.['unmapped'] ?? assert.fail()) as Record<string, unknown>
const metadata = (record: Record<string, unknown> | undefined): Record<string, unknown> =>
  (record?.['metadata'] ?? assert.fail()) as Record<string, unknown>

const signedFaults: readonly (readonly [
  string,
  (records: Record<string, unknown>[]) => void,
  FindingCode,
  number,
  RegExp,
])[] = [
  [
    'an outcome of a later record',
    (all) => (unmapped(all[4])['intent'] = 9),
    'outcome-without-intent',
    4,
    /outcome of 9, which does not come before/,
  ],
  [
    'an outcome of itself',
    (all) => (unmapped(all[4])['intent'] = 4),
    'outcome-without-intent',
    4,
    /does not come before/,
  ],
  [
    'an outcome of no intent',
    (all) => (unmapped(all[4])['intent'] = 0),
    'outcome-without-intent',
    4,
    /outcome of 0, which is not an intent/,
  ],
  [
    'a second outcome',
    (all) => (unmapped(all[5])['intent'] = 1),
    'outcome-repeated',
    5,
    /record 5 is a second outcome of 1/,
  ],
  [
    'a number that is not its place',
    (all) => (metadata(all[9])['sequence'] = 10),
    'record-moved',
    9,
    /record 10 stands where 9 should/,
  ],
  ['no number', (all) => delete metadata(all[9])['sequence'], 'record-changed', 9, /it has no sequence number/],
  [
    'a record of another log',
    (all) => (metadata(all[9])['log_name'] = 'other'),
    'record-of-another-log',
    9,
    /of another log, other/,
  ],
]
for (const [name, change, code, record, message] of signedFaults) {
  test(`found although it is signed: ${name}`, async () => {
    const { verdict, finding } = await signedLog(change)
    assert.deepEqual([verdict, finding?.code, finding?.record], ['altered', code, record])
    assert.match(finding?.message ?? '', message)
  })
}

test('a record that is not canonical is found although it is signed', async () => {
  const spaced = Buffer.from(Buffer.from(leaf(log, 9)).toString().replace(',', ', '))
  const { finding } = await verify(filesOf({ ...log, leaves: log.leaves.with(9, spaced) }))
  assert.deepEqual(
    [finding?.code, finding?.record, finding?.message],
    ['record-changed', 9, 'record 9 changed: not in canonical form'],
  )
})

test('time that runs backwards is reported and does not fail', async () => {
  const { verdict, clockSteps } = await signedLog((all) => {
    for (const [index, record] of all.entries()) if (index >= 20) record['time'] = (record['time'] as number) - 9000
    for (const [index, record] of all.entries()) if (index >= 30) record['time'] = (record['time'] as number) - 900
  })
  assert.equal(verdict, 'intact')
  assert.deepEqual(clockSteps, { count: 1, firstRecord: 20, largestMs: 8750 })
})
