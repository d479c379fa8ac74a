import assert from 'node:assert/strict'
import { readFile, rm } from 'node:fs/promises'
import { env } from 'node:process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { FolderSource } from './source.ts'
import { writeFiles } from './testkit/folder.ts'
import { filesOf, type SampleLog, sampleLog, signer } from './testkit/sample-log.ts'
import { verifyTrail } from './verify.ts'

// The formats as they were when records were written with them: a change here would make older trails unreadable.
const folder = fileURLToPath(new URL('../../../testdata/tlog/sample', import.meta.url))
const knownSize = 41

const log = sampleLog(300)
const known: SampleLog = { leaves: log.leaves.slice(0, knownSize), blobs: log.blobs.slice(0, knownSize) }
const files = filesOf(log)
files.set('known-checkpoint', filesOf(known).get('checkpoint') ?? assert.fail())

if (env['SALLYPORT_WRITE_GOLDEN'] === '1') {
  await rm(folder, { recursive: true, force: true })
  await writeFiles(folder, files)
}

test('the sample log is written byte for byte as it lies in testdata', async () => {
  for (const [path, bytes] of files) assert.deepEqual(await readFile(`${folder}/${path}`), Buffer.from(bytes), path)
})

test('the sample log in testdata is intact and continues its older checkpoint', async () => {
  const knownCheckpoint = await readFile(`${folder}/known-checkpoint`)
  const verification = await verifyTrail(new FolderSource(folder), { keys: [signer.key], knownCheckpoint })
  assert.equal(verification.finding, undefined)
  assert.deepEqual(verification.known, { size: knownSize, isConsistent: true })
  assert.deepEqual(verification.counts, { records: 300, tiles: 3, payloads: 151, outcomes: 111, openIntents: 40 })
})
