import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openPayload, parsePayloads, sealPayload } from './payloads.ts'
import { canonicalJson, parseRecord } from './record.ts'
import { type Files, MemorySource } from './testkit/memory-source.ts'
import { filesOf, payloadText, recordKey, type SampleLog, sampleLog, signer } from './testkit/sample-log.ts'
import { edited, forged, leaf, rewritten } from './testkit/tampering.ts'
import type { Trust } from './trail-head.ts'
import type { Verification } from './verification.ts'
import { ed25519SignerFromSeed } from './verifier-key.ts'
import { verifyTrail } from './verify.ts'

const log = sampleLog(50)
const files = filesOf(log)
const longLog = sampleLog(600)
const longFiles = filesOf(longLog)

const payload50 = 'payload/000.p/50'

const verify = (changed: Files, trust: Trust = { keys: [signer.key] }): Promise<Verification> =>
  verifyTrail(new MemorySource(changed), trust)

const unmapped = (record: Record<string, unknown> | undefined): Record<string, unknown> =>
  (record?.['unmapped'] ?? assert.fail()) as Record<string, unknown>
test('an intact log is intact, and says what was not shown', async () => {
  const verification = await verify(files)
  assert.equal(verification.verdict, 'intact')
  assert.equal(verification.finding, undefined)
  assert.equal(verification.known, undefined)
  assert.deepEqual(verification.counts, { records: 50, tiles: 1, payloads: 25, outcomes: 18, openIntents: 7 })
  assert.equal(verification.gapCount, 1)
  assert.deepEqual(verification.gaps[0]?.cuts, [{ segment: 3, offset: 4096, firstIndex: 24 }])
  assert.equal(verification.keyOrigin, 'given')
  assert.equal((await verify(files, {})).keyOrigin, 'folder')
})

for (const size of [0, 1, 2, 255, 256, 257, 511, 512, 513, 70_000]) {
  test(`an intact log of ${size} is intact`, async () => {
    const verification = await verify(filesOf(sampleLog(size)))
    assert.equal(verification.finding, undefined)
    assert.equal(verification.counts.records, size)
  })
}

const checkpointOf = (size: number): Uint8Array => filesOf(sampleLogPrefix(size)).get('checkpoint') ?? assert.fail()
const sampleLogPrefix = (size: number): SampleLog => ({
  leaves: longLog.leaves.slice(0, size),
  blobs: longLog.blobs.slice(0, size),
})

for (const size of [0, 1, 255, 256, 257, 599, 600]) {
  test(`a log continues the checkpoint of ${size} that was given`, async () => {
    const { verdict, known } = await verify(longFiles, { keys: [signer.key], knownCheckpoint: checkpointOf(size) })
    assert.deepEqual([verdict, known], ['intact', { size, isConsistent: true }])
  })
}

test('a log that was rolled back to an older signed checkpoint is found', async () => {
  const older = filesOf(sampleLogPrefix(50))
  const { verdict, finding } = await verify(older, { keys: [signer.key], knownCheckpoint: checkpointOf(90) })
  assert.deepEqual([verdict, finding?.code], ['altered', 'rolled-back'])
  assert.equal(finding?.message, 'rolled back: you hold a checkpoint of size 90, this folder ends at 50')
})

for (const [size, message] of [
  [300, 'forked: the first 300 records are not those of the checkpoint that you hold, though both are signed'],
  [600, 'forked: you hold a checkpoint of the same size 600 with another root'],
] as const) {
  test(`a fork from the checkpoint of ${size} that was given is found`, async () => {
    const fork = filesOf({ ...longLog, leaves: longLog.leaves.with(299, forged(longLog, 299)) })
    const { verdict, finding } = await verify(fork, { keys: [signer.key], knownCheckpoint: checkpointOf(size) })
    assert.deepEqual([verdict, finding?.code, finding?.message], ['altered', 'forked', message])
  })
}

test('a known checkpoint narrows where records and tiles were changed together', async () => {
  const changed = rewritten(longLog.leaves.with(300, forged(longLog, 300)), longLog.blobs, longFiles)
  const narrowed = async (size: number): Promise<readonly unknown[]> => {
    const { finding } = await verify(changed, { keys: [signer.key], knownCheckpoint: checkpointOf(size) })
    return [finding?.code, finding?.record, finding?.lastRecord, finding?.intactBefore]
  }
  assert.deepEqual(await narrowed(300), ['root-changed', 300, 599, 300])
  assert.deepEqual(await narrowed(301), ['root-changed', 0, 300, undefined])
})

test('a known checkpoint that does not verify, or is of another log, decides nothing', async () => {
  const other = ed25519SignerFromSeed('other.example', Buffer.alloc(32, 5))
  const ofOther = filesOf(log, { origin: 'other.example', signers: [other] }).get('checkpoint') ?? assert.fail()
  for (const trust of [
    { keys: [signer.key], knownCheckpoint: Buffer.from('nonsense') },
    { keys: [signer.key], knownCheckpoint: ofOther },
    { keys: [signer.key, other.key], knownCheckpoint: ofOther },
  ]) {
    const { verdict, finding } = await verify(files, trust)
    assert.deepEqual([verdict, finding?.code], ['undecided', 'known-checkpoint-unusable'])
  }
})

test('what the checkpoint does not cover is not looked at', async () => {
  const grown = edited(longFiles, (all) => {
    all.set('checkpoint', checkpointOf(590))
    for (const path of ['tile/0/002.p/7', 'tile/entries/002.p/7', 'tile/0/009', 'payload/002.p/7'])
      all.set(path, Buffer.from('stale'))
  })
  // The writer has gone on, and the partial files of 590 have not been kept: they are gone, and nothing full is there yet.
  assert.equal((await verify(grown)).verdict, 'incomplete')
  // With the full files there, what is covered of them is enough.
  const full = new Map(filesOf(sampleLog(768)))
  const prefix = { leaves: sampleLog(768).leaves.slice(0, 590), blobs: sampleLog(768).blobs.slice(0, 590) }
  for (const path of ['checkpoint', 'tile/1/000.p/2']) full.set(path, filesOf(prefix).get(path) ?? assert.fail())
  full.set('tile/0/002', Buffer.from(full.get('tile/0/002') ?? assert.fail()).fill(9, 100 * 32))
  const { verdict, counts } = await verify(full)
  assert.deepEqual([verdict, counts.records], ['intact', 590])
})

test('records without payloads need no payload file', async () => {
  const leaves = log.leaves.map((entry) => {
    const record = JSON.parse(Buffer.from(entry).toString()) as Record<string, unknown>
    delete unmapped(record)['payload']
    return Buffer.from(canonicalJson(record))
  })
  const bare = filesOf({ leaves, blobs: leaves.map(() => undefined) })
  assert.equal((await verify(bare)).verdict, 'intact')
  bare.delete(payload50)
  assert.equal((await verify(bare)).verdict, 'intact')
})

test('payloads larger than the window are hashed in pieces', async () => {
  const sealed = sealPayload(Buffer.alloc(3_000_000, 7), { id: 'd', bytes: recordKey(1), nonce: Buffer.alloc(12) })
  const { alg, keyId, keySha256, sha256, size } = sealed.commitment
  const record = JSON.parse(Buffer.from(leaf(log, 1)).toString()) as Record<string, unknown>
  unmapped(record)['payload'] = { alg, key_id: keyId, key_sha256: keySha256, sha256, size }
  const large = {
    leaves: log.leaves.with(1, Buffer.from(canonicalJson(record))),
    blobs: log.blobs.with(1, sealed.blob),
  }
  assert.equal((await verify(filesOf(large))).verdict, 'intact')
  const other = Buffer.from(sealed.blob).fill(8, 2_500_000, 2_500_001)
  const { finding } = await verify(filesOf({ ...large, blobs: large.blobs.with(1, other) }))
  assert.deepEqual([finding?.code, finding?.record], ['payload-changed', 1])
})

test('a payload of the log opens with the key of its record', () => {
  const { payload } = parseRecord(leaf(log, 17))
  const blob = parsePayloads(files.get(payload50) ?? assert.fail())[17]
  assert.ok(payload !== undefined && blob !== undefined)
  assert.equal(Buffer.from(openPayload(blob, recordKey(17), payload)).toString(), payloadText(17))
})
