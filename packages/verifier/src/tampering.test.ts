import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeBundle } from './bundle.ts'
import { encodePayloads, parsePayloads } from './payloads.ts'
import { type Files, MemorySource } from './testkit/memory-source.ts'
import { filesOf, sampleLog, signer } from './testkit/sample-log.ts'
import { type Edit, edited, forged, inBundle, leaf, rewritten, swap } from './testkit/tampering.ts'
import type { Trust } from './trail-head.ts'
import type { FindingCode, Verification } from './verification.ts'
import { ed25519SignerFromSeed } from './verifier-key.ts'
import { verifyTrail } from './verify.ts'

const log = sampleLog(50)
const files = filesOf(log)
const longLog = sampleLog(600)
const longFiles = filesOf(longLog)

const bundle50 = 'tile/entries/000.p/50'
const payload50 = 'payload/000.p/50'

const verify = (changed: Files, trust: Trust = { keys: [signer.key] }): Promise<Verification> =>
  verifyTrail(new MemorySource(changed), trust)

interface Tampering {
  readonly name: string
  readonly of?: Files
  readonly edit: Edit
  readonly trust?: Trust
  readonly code: FindingCode
  readonly verdict?: Verification['verdict']
  readonly record?: number
  readonly file?: string
  readonly message?: RegExp
}

const tamperings: readonly Tampering[] = [
  {
    name: 'a record is edited',
    edit: inBundle(bundle50, (entries) => (entries[17] = forged(log, 17))),
    code: 'record-changed',
    record: 17,
    file: bundle50,
    message: /^record 17 changed$/,
  },
  {
    name: 'two records are swapped',
    edit: inBundle(bundle50, (entries) => swap(entries, 16, 17)),
    code: 'record-moved',
    record: 16,
    message: /^record 17 stands where 16 should$/,
  },
  {
    name: 'a record is written over its successor',
    edit: inBundle(bundle50, (entries) => (entries[18] = leaf(log, 17))),
    code: 'record-copied',
    record: 18,
    message: /^record 18 is a copy of 17$/,
  },
  {
    name: 'a record is put in twice',
    edit: inBundle(bundle50, (entries) => entries.splice(18, 0, leaf(log, 17))),
    code: 'record-copied',
    record: 18,
    message: /^record 18 is a copy of 17$/,
  },
  {
    name: 'a record is deleted',
    edit: inBundle(bundle50, (entries) => entries.splice(17, 1)),
    code: 'record-missing',
    record: 17,
    message: /^record 17 is missing: record 18 stands there$/,
  },
  {
    name: 'three records are deleted',
    edit: inBundle(bundle50, (entries) => entries.splice(17, 3)),
    code: 'record-missing',
    record: 17,
    message: /^records 17 to 19 are missing: record 20 stands there$/,
  },
  {
    name: 'the last records are deleted',
    edit: inBundle(bundle50, (entries) => entries.splice(41)),
    code: 'log-short',
    verdict: 'incomplete',
    record: 41,
    message: /^log ends at 41 but the checkpoint says 50$/,
  },
  {
    name: 'the last bundle is an older one',
    edit: (all) => {
      all.set('tile/entries/000.p/41', encodeBundle(log.leaves.slice(0, 41)))
      all.delete(bundle50)
    },
    code: 'log-short',
    verdict: 'incomplete',
    record: 41,
    file: 'tile/entries/000.p/41',
    message: /^log ends at 41 but the checkpoint says 50$/,
  },
  {
    name: 'the only bundle is deleted',
    edit: (all) => all.delete(bundle50),
    code: 'log-short',
    verdict: 'incomplete',
    record: 0,
    message: /^log ends at 0 but/,
  },
  {
    name: 'a bundle in the middle is deleted',
    of: longFiles,
    edit: (all) => all.delete('tile/entries/001'),
    code: 'bundle-missing',
    verdict: 'incomplete',
    record: 256,
    file: 'tile/entries/001',
    message: /^records 256 to 511 are missing/,
  },
  {
    name: 'a bundle in the middle is cut at a record',
    of: longFiles,
    edit: inBundle('tile/entries/001', (entries) => entries.splice(200)),
    code: 'record-missing',
    record: 456,
    file: 'tile/entries/001',
  },
  {
    name: 'a bundle is cut within a record',
    edit: (all) => all.set(bundle50, (all.get(bundle50) ?? assert.fail()).subarray(0, -10)),
    code: 'record-changed',
    record: 49,
    message: /cannot be read from there on/,
  },
  {
    name: 'something is added behind the last record',
    edit: inBundle(bundle50, (entries) => entries.push(Buffer.from('{}'))),
    code: 'bundle-changed',
    record: 49,
  },
  {
    name: 'records of two bundles are swapped',
    of: longFiles,
    edit: (all) => {
      inBundle('tile/entries/000', (entries) => (entries[10] = leaf(longLog, 300)))(all)
      inBundle('tile/entries/001', (entries) => (entries[44] = leaf(longLog, 10)))(all)
    },
    code: 'record-moved',
    record: 10,
    message: /^record 300 stands where 10 should$/,
  },
  {
    name: 'a record is edited, and another one later',
    of: longFiles,
    edit: (all) => {
      inBundle('tile/entries/000', (entries) => (entries[33] = forged(longLog, 33)))(all)
      inBundle('tile/entries/002.p/88', (entries) => (entries[1] = forged(longLog, 513)))(all)
    },
    code: 'record-changed',
    record: 33,
  },
  {
    name: 'a record is edited and its tile with it',
    of: longFiles,
    edit: (all) => {
      const leaves = longLog.leaves.with(300, forged(longLog, 300))
      const changed = filesOf({ ...longLog, leaves })
      for (const path of ['tile/entries/001', 'tile/0/001']) all.set(path, changed.get(path) ?? assert.fail())
    },
    code: 'record-changed',
    record: 256,
    file: 'tile/0/001',
    message: /^at least one of the records 256 to 511 changed, and tile\/0\/001 with it$/,
  },
  {
    name: 'a record is moved and its tile with it',
    of: longFiles,
    edit: (all) => {
      const leaves = [...longLog.leaves]
      swap(leaves, 300, 301)
      const changed = filesOf({ ...longLog, leaves })
      for (const path of ['tile/entries/001', 'tile/0/001']) all.set(path, changed.get(path) ?? assert.fail())
    },
    code: 'record-moved',
    record: 300,
    file: 'tile/entries/001',
  },
  {
    name: 'a tile is damaged and a later record edited',
    of: longFiles,
    edit: (all) => {
      all.set('tile/0/000', Buffer.from(all.get('tile/0/000') ?? assert.fail()).fill(1, 17 * 32, 18 * 32))
      inBundle('tile/entries/001', (entries) => (entries[1] = forged(longLog, 257)))(all)
    },
    code: 'tile-changed',
    record: 0,
    file: 'tile/0/000',
    message: /the records 0 to 255 are intact/,
  },
  {
    name: 'a record is edited and all tiles with it',
    edit: (all) => {
      const changed = rewritten(log.leaves.with(17, forged(log, 17)), log.blobs, files)
      for (const [path, bytes] of changed) all.set(path, bytes)
    },
    code: 'root-changed',
    record: 0,
    message: /at least one of the records 0 to 49 changed/,
  },
  {
    name: 'a record is edited and all tiles with it, but the known checkpoint vouches for the first',
    edit: (all) => {
      for (const [path, bytes] of rewritten(log.leaves.with(17, forged(log, 17)), log.blobs, files))
        all.set(path, bytes)
    },
    trust: { keys: [signer.key], knownCheckpoint: filesOf(sampleLog(10)).get('checkpoint') ?? assert.fail() },
    code: 'root-changed',
  },
  {
    name: 'a record is deleted, the rest moved up, and all tiles with it',
    of: longFiles,
    edit: (all) => {
      const leaves = [...longLog.leaves.toSpliced(17, 1), leaf(longLog, 599)]
      const blobs = [...longLog.blobs.toSpliced(17, 1), longLog.blobs[599]]
      for (const [path, bytes] of rewritten(leaves, blobs, longFiles)) all.set(path, bytes)
    },
    code: 'record-missing',
    record: 17,
    message: /^record 17 is missing: record 18 stands there$/,
  },
  {
    name: 'a tile is damaged',
    of: longFiles,
    edit: (all) => all.set('tile/0/001', Buffer.from(all.get('tile/0/001') ?? assert.fail()).fill(1, 64, 65)),
    code: 'tile-changed',
    record: 258,
    file: 'tile/0/001',
    message: /its hash 2 is not that of record 258; the records themselves are intact/,
  },
  {
    name: 'an upper tile is damaged',
    of: longFiles,
    edit: (all) => all.set('tile/1/000.p/2', Buffer.from(all.get('tile/1/000.p/2') ?? assert.fail()).fill(1, 32)),
    code: 'tile-changed',
    record: 256,
    message: /its hash 1 is not that of tile tile\/0\/001/,
  },
  {
    name: 'a tile is longer',
    edit: (all) =>
      all.set('tile/0/000.p/50', Buffer.concat([all.get('tile/0/000.p/50') ?? assert.fail(), Buffer.of(0)])),
    code: 'tile-changed',
    message: /longer than it should be/,
  },
  {
    name: 'a tile is deleted',
    of: longFiles,
    edit: (all) => all.delete('tile/0/000'),
    code: 'tile-missing',
    verdict: 'incomplete',
    file: 'tile/0/000',
  },
  {
    name: 'a payload is replaced by another of the same log',
    edit: (all) => {
      const blobs = [...parsePayloads(all.get(payload50) ?? assert.fail())]
      blobs[17] = blobs[18]
      all.set(payload50, encodePayloads(blobs))
    },
    code: 'payload-changed',
    record: 17,
    file: payload50,
    message: /^payload of record 17 changed: its digest/,
  },
  {
    name: 'a payload is emptied',
    edit: (all) => {
      const blobs = [...parsePayloads(all.get(payload50) ?? assert.fail())]
      blobs[17] = undefined
      all.set(payload50, encodePayloads(blobs))
    },
    code: 'payload-missing',
    verdict: 'incomplete',
    record: 17,
    message: /^payload missing: that of record 17/,
  },
  {
    name: 'the payload file is deleted',
    edit: (all) => all.delete(payload50),
    code: 'payload-missing',
    verdict: 'incomplete',
    record: 1,
    message: /^payload missing: that of record 1, payload\/000.p\/50 \(the file is not there\)/,
  },
  {
    name: 'the payload file is cut',
    edit: (all) => all.set(payload50, (all.get(payload50) ?? assert.fail()).subarray(0, -8)),
    code: 'payload-changed',
    record: 49,
    message: /the file ends within it/,
  },
  {
    name: 'a payload is added for a record without one',
    edit: (all) => {
      const blobs = [...parsePayloads(all.get(payload50) ?? assert.fail())]
      blobs[16] = blobs[17]
      all.set(payload50, encodePayloads(blobs))
    },
    code: 'payload-unexpected',
    record: 16,
  },
  {
    name: 'the payload file goes on behind its last record',
    edit: (all) => all.set(payload50, Buffer.concat([all.get(payload50) ?? assert.fail(), Buffer.alloc(4)])),
    code: 'payload-unexpected',
    record: 49,
  },
  {
    name: 'the checkpoint is edited',
    edit: (all) =>
      all.set(
        'checkpoint',
        Buffer.from(
          Buffer.from(all.get('checkpoint') ?? assert.fail())
            .toString()
            .replace('\n50\n', '\n49\n'),
        ),
      ),
    code: 'checkpoint-changed',
    file: 'checkpoint',
  },
  {
    name: 'the checkpoint is no note',
    edit: (all) => all.set('checkpoint', Buffer.from('hello\n')),
    code: 'checkpoint-changed',
  },
  {
    name: 'the checkpoint is deleted',
    edit: (all) => all.delete('checkpoint'),
    code: 'checkpoint-missing',
    verdict: 'incomplete',
  },
  {
    name: 'the checkpoint is signed by another key',
    edit: (all) =>
      all.set(
        'checkpoint',
        filesOf(log, { signers: [ed25519SignerFromSeed(signer.key.name, Buffer.alloc(32))] }).get('checkpoint') ??
          assert.fail(),
      ),
    code: 'key-unknown',
    verdict: 'undecided',
  },
  { name: 'there is no key', edit: (all) => all.delete('vkey'), trust: {}, code: 'key-missing', verdict: 'undecided' },
  {
    name: 'the key is none',
    edit: (all) => all.set('vkey', Buffer.from('hello\n')),
    trust: {},
    code: 'key-malformed',
    verdict: 'undecided',
  },
]

for (const { name, of = files, edit, trust, code, verdict = 'altered', ...wanted } of tamperings) {
  test(`found and named: ${name}`, async () => {
    const { verdict: found, finding } = await verify(edited(of, edit), trust)
    assert.ok(finding)
    assert.deepEqual([finding.code, found], [code, verdict], finding.message)
    if (wanted.record !== undefined) assert.equal(finding.record, wanted.record)
    if (wanted.file !== undefined) assert.equal(finding.file, wanted.file)
    if (wanted.message !== undefined) assert.match(finding.message, wanted.message)
  })
}

test('what stands before the first change is said to be intact', async () => {
  const { finding } = await verify(
    edited(
      longFiles,
      inBundle('tile/entries/001', (entries) => (entries[4] = forged(longLog, 260))),
    ),
  )
  assert.equal(finding?.intactBefore, 260)
})

test('the lowest level of tiles that is what was signed names the run of records', async () => {
  const largeLog = sampleLog(66_000)
  const signed = filesOf(largeLog)
  const changed = filesOf({ ...largeLog, leaves: largeLog.leaves.with(300, forged(largeLog, 300)) })
  const named = async (...paths: readonly string[]): Promise<readonly unknown[]> => {
    const all = new Map(signed)
    for (const path of paths) all.set(path, changed.get(path) ?? assert.fail(path))
    const { finding } = await verify(all)
    return [finding?.code, finding?.record, finding?.lastRecord, finding?.file]
  }
  assert.deepEqual(await named('tile/entries/001'), ['record-changed', 300, undefined, 'tile/entries/001'])
  assert.deepEqual(await named('tile/entries/001', 'tile/0/001'), ['record-changed', 256, 511, 'tile/0/001'])
  const upTo1 = ['tile/entries/001', 'tile/0/001', 'tile/1/000']
  assert.deepEqual(await named(...upTo1), ['record-changed', 0, 65_535, 'tile/1/000'])
  assert.deepEqual(await named(...upTo1, 'tile/2/000.p/1'), ['root-changed', 0, 65_999, undefined])
})
