import assert from 'node:assert/strict'
import { readFile, rm } from 'node:fs/promises'
import { env } from 'node:process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { signCheckpoint } from '../checkpoint.ts'
import { writeFiles } from '../testkit/folder.ts'
import { fuzzRuns } from '../testkit/fuzz-runs.ts'
import type { Files } from '../testkit/memory-source.ts'
import { ORIGIN, signer } from '../testkit/sample-log.ts'
import { MemoryPack, type PackChanges, packFiles, packLeaves } from '../testkit/sample-pack.ts'
import type { Trust } from '../trail-head.ts'
import { formatJsonPackReport, formatPackReport } from './pack-report.ts'
import { PackFolderSource } from './pack-source.ts'
import type { PackVerification } from './pack-verification.ts'
import { verifyPack } from './verify-pack.ts'

const trust: Trust = { keys: [signer.key] }
const verify = (files: Files, given: Trust = trust): Promise<PackVerification> =>
  verifyPack(new MemoryPack(files), given)

const golden = fileURLToPath(new URL('../../../../testdata/pack/sample', import.meta.url))
const sample = packFiles(300, { records: { first: 20, last: 119 } })

if (env['SALLYPORT_WRITE_GOLDEN'] === '1') {
  await rm(golden, { recursive: true, force: true })
  await writeFiles(golden, sample)
}

// Packs are kept for years: a change of the rules is a new format, not a change of this one.
test('the sample pack is written byte for byte as it lies in testdata, and is intact there', async () => {
  for (const [path, bytes] of sample) assert.deepEqual(await readFile(`${golden}/${path}`), Buffer.from(bytes), path)
  const verification = await verifyPack(new PackFolderSource(golden), trust)
  assert.equal(verification.finding, undefined)
  assert.deepEqual(verification.counts, { ...verification.counts, records: 100, rows: 168, payloads: 30, tables: 9 })
  assert.ok(verification.statement?.checks.every(({ count }) => count === 0))
})

test('packs of logs of all shapes, whole or in part', async () => {
  for (const [size, first, last] of [
    [1, 0, 0],
    [10, 0, 9],
    [256, 0, 255],
    [257, 255, 256],
    [600, 256, 511],
    [600, 300, 310],
    [70_000, 65_530, 65_540],
  ] as const) {
    const verification = await verify(
      packFiles(size, {
        records: { first, last },
        ...(size === 1 ? { manifest: { policy: undefined, extraRecords: [] } } : {}),
      }),
    )
    assert.equal(verification.finding, undefined, `${size}: ${first} to ${last}`)
    assert.equal(verification.counts.records, last - first + 1)
  }
})

test('a byte changed anywhere is found, and the first change named by its file', async () => {
  const paths = [...sample.keys()].filter((path) => (sample.get(path)?.length ?? 0) > 0)
  const place = fc.record({ path: fc.constantFrom(...paths), at: fc.nat(), change: fc.integer({ min: 1, max: 255 }) })
  const property = fc.asyncProperty(place, fc.boolean(), async ({ path, at, change }, isKeyGiven) => {
    const bytes = Buffer.from(sample.get(path) ?? [])
    const index = at % bytes.length
    bytes[index] = (bytes[index] ?? 0) ^ change
    const { verdict, finding } = await verify(new Map(sample).set(path, bytes), isKeyGiven ? trust : {})
    assert.notEqual(verdict, 'intact')
    assert.ok(finding !== undefined && finding.message !== '')
    if (isKeyGiven && finding.file !== undefined) assert.equal(finding.file, path)
  })
  await fc.assert(property, { numRuns: Math.max(300, fuzzRuns(0.003)) })
})

test('a file that is gone, moved or besides is found', async () => {
  for (const path of sample.keys()) {
    const files = new Map(sample)
    files.delete(path)
    const { verdict, finding } = await verify(files)
    assert.deepEqual([verdict, finding?.file], ['incomplete', path])
  }
  const more = await verify(new Map(sample).set('artifacts/6-more.csv', Buffer.from('')))
  assert.deepEqual([more.verdict, more.finding?.code], ['altered', 'pack-file-unexpected'])
})

test('a record that was removed is not called changed', async () => {
  const path = 'trail/tile/entries/000'
  const entries = Buffer.from(sample.get(path) ?? assert.fail())
  let at = 0
  for (let record = 0; record < 88; record += 1) at += 2 + entries.readUInt16BE(at)
  const behind = at + 2 + entries.readUInt16BE(at)
  const without = Buffer.concat([entries.subarray(0, at), entries.subarray(behind)])
  const { finding } = await verify(new Map(sample).set(path, without))
  assert.equal(finding?.message, 'record 88 removed or replaced: in its place stands one that calls itself 89')
})

// Whoever has the key of the log can sign any pack. What it says must still follow from the log.
const signedLies: readonly (readonly [string, PackChanges, RegExp])[] = [
  [
    'a row left out',
    { edit: dropLine('artifacts/1-access-log.jsonl', 3) },
    /^artifacts\/1-access-log\.jsonl changed: line 4 is not what record 32 says$/,
  ],
  [
    'the last row left out',
    { edit: dropLine('artifacts/5-masking.csv', 10) },
    /^artifacts\/5-masking\.csv changed: line 11 is not what record 113 says$/,
  ],
  ['a row added', { edit: append('artifacts/5-masking.csv', 'x\n') }, /goes on after line 11/],
  [
    'another name for an approver',
    { edit: replace('artifacts/3-approvals.csv', 'Bob Example', 'Rob Example') },
    /^artifacts\/3-approvals\.csv changed: line 2/,
  ],
  [
    'a count that is not 0 made 0',
    { leaves: withForgedUse(), edit: replace('artifacts/3-approval-checks.jsonl', '"count":1', '"count":0') },
    /^artifacts\/3-approval-checks\.jsonl changed/,
  ],
  [
    'a record that the head does not have',
    { edit: replace('trail/tile/entries/000', 'p_bob', 'p_eve') },
    /^record 7 changed: its hash is not the one that the signed head commits to$/,
  ],
  [
    'a period that leaves out its last record',
    { manifest: { records: { first: 20, last: 118 } } },
    /^(record 119 is of the time that the pack claims|artifacts)/,
  ],
  [
    'a period that leaves out its first record',
    { manifest: { records: { first: 21, last: 119 } } },
    /^(record 20 is of the time that the pack claims|artifacts)/,
  ],
  [
    'a policy that no record put in force',
    { manifest: { policy: { hash: '0'.repeat(64), activationRecord: 1, files: ['a.cedar'] } } },
    /^policy\/policy\.json changed/,
  ],
  [
    'a policy file that was not loaded',
    { edit: replace('policy/files/a.cedar', 'permit', 'forbid') },
    /^policy\/files changed/,
  ],
  [
    'a payload with another text',
    { edit: replace('payloads.jsonl', '"record":22', '"record":21') },
    /payload of record 21: that record has none/,
  ],
  ['a payload kept back', { edit: dropLine('payloads.jsonl', 0) }, /^artifacts\/1-/],
  ['a bundle of another place', { edit: swapTiles }, /trail\/tile/],
  [
    'another head',
    { manifest: { checkpoint: { size: 300, rootSha256: 'ab'.repeat(32) } } },
    /is not the head that the manifest names/,
  ],
]

for (const [what, changes, message] of signedLies) {
  test(`signed with the key of the log, but ${what}`, async () => {
    const { verdict, finding } = await verify(packFiles(300, { records: { first: 20, last: 119 }, ...changes }))
    assert.notEqual(verdict, 'intact')
    assert.match(finding?.message ?? '', message)
  })
}

test('what ran without a good approval is counted, and said', async () => {
  const verification = await verify(packFiles(300, { records: { first: 20, last: 119 }, leaves: withForgedUse() }))
  assert.equal(verification.finding, undefined)
  const used = verification.statement?.checks.find(({ count }) => count > 0)
  assert.deepEqual([used?.count, used?.records], [1, [58]])
  assert.match(formatPackReport(verification), /^! approvals/m)
})

test('a checkpoint that the reader holds: continued, forked, rolled back, not to be told', async () => {
  const held = (size: number, leaf: string): Trust => {
    const leaves = packLeaves(size)
    const files = packFiles(size, {
      leaves: [...leaves.slice(0, -1), Buffer.from(leaf)],
      records: { first: 0, last: 0 },
    })
    return { ...trust, knownCheckpoint: files.get('trail/checkpoint') ?? assert.fail() }
  }
  const own = (size: number): Trust => ({
    ...trust,
    knownCheckpoint: packFiles(size).get('trail/checkpoint') ?? assert.fail(),
  })
  assert.deepEqual((await verify(sample, own(120))).known, { kind: 'consistent', size: 120 })
  const forked = '{"metadata":{"sequence":119},"time":1}'
  assert.equal((await verify(sample, held(120, forked))).finding?.code, 'forked')
  assert.equal((await verify(sample, own(310))).finding?.code, 'rolled-back')
  const late = packFiles(1_000, { records: { first: 700, last: 800 } })
  assert.deepEqual((await verify(late, own(300))).known, { kind: 'not-comparable', size: 300 })
})

test('a head of the same key is not a signature of a pack, nor the other way round', async () => {
  const files = new Map(sample)
  files.set(
    'manifest.sig',
    signCheckpoint({ origin: ORIGIN, size: 300, root: Buffer.alloc(32), extensions: [] }, [signer]),
  )
  const { finding } = await verify(files)
  assert.deepEqual([finding?.code, finding?.file], ['pack-changed', 'manifest.json'])
})

test('the report for programs is JSON', async () => {
  const report = JSON.parse(formatJsonPackReport(await verify(sample))) as Record<string, unknown>
  assert.deepEqual(
    [report['kind'], report['verdict'], report['exitCode'], report['finding']],
    ['PackVerification', 'intact', 0, null],
  )
})

type Edit = NonNullable<PackChanges['edit']>

function edited(path: string, change: (text: string) => string): Edit {
  return (files) => {
    const before = Buffer.from(files.get(path) ?? assert.fail(path)).toString('latin1')
    const after = change(before)
    assert.notEqual(after, before)
    files.set(path, Buffer.from(after, 'latin1'))
  }
}

function replace(path: string, from: string, to: string): Edit {
  return edited(path, (text) => text.replace(from, to))
}

function append(path: string, text: string): Edit {
  return edited(path, (before) => before + text)
}

function dropLine(path: string, line: number): Edit {
  return edited(path, (text) => text.split('\n').toSpliced(line, 1).join('\n'))
}

function swapTiles(files: Map<string, Uint8Array>): void {
  const tile = Buffer.from(files.get('trail/tile/0/000') ?? assert.fail())
  files.set('trail/tile/0/000', Buffer.concat([tile.subarray(32), tile.subarray(0, 32)]))
}

/** The operation at 58 runs under the request that the one at 48 used. */
function withForgedUse(): readonly Uint8Array[] {
  return packLeaves(300).map((leaf, record) =>
    record === 58 ? Buffer.from(Buffer.from(leaf).toString().replace('"request":"R50"', '"request":"R40"')) : leaf,
  )
}
