import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execArgv, execPath } from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'node:test'
import { FolderSource, verifyTrail } from '@sallyport/verifier'
import { openTrail } from './index.ts'
import { checkCheckpoints, readRecords } from './testkit/disk-trail.ts'
import { killedTrailOptions, notesFile } from './testkit/writing-process.ts'

const CRASHES = Number(process.env['SALLYPORT_CRASHES'] ?? 20)
/** The longest that a run writes before it is killed; the shortest is none. */
const LIFE_MS = 160
/** A machine that does much else may take long to start a process. */
const FIRST_RECEIPT_MS = 60_000

/** Starts a writing process and kills it a while after its first receipt. */
async function killOnce(folder: string, run: number): Promise<void> {
  const script = join(import.meta.dirname, 'testkit/writing-process.ts')
  const flags = execArgv.filter((flag) => flag.startsWith('--conditions'))
  const child = spawn(execPath, [...flags, script, folder, String(run)], { stdio: ['ignore', 'ignore', 'inherit'] })
  const ended = once(child, 'exit')
  for (let waited = 0; !existsSync(notesFile(folder, run)); waited += 5) {
    const { exitCode, signalCode } = child
    assert.ok(exitCode === null && signalCode === null, `run ${run} ended by itself: ${exitCode ?? signalCode}`)
    assert.ok(waited < FIRST_RECEIPT_MS, `run ${run} has no receipt after ${FIRST_RECEIPT_MS} ms`)
    await delay(5)
  }
  await delay(((run * 7_919) % 100) * (LIFE_MS / 100))
  child.kill('SIGKILL')
  await ended
}

test(`${CRASHES} processes killed while they write lose no receipt`, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-kill-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const checkpoints = new Set<string>()
  for (let run = 0; run < CRASHES; run += 1) {
    await killOnce(folder, run)
    const published = join(folder, 'trail', 'checkpoint')
    if (existsSync(published)) checkpoints.add(readFileSync(published, 'utf8'))
  }

  const trail = await openTrail(killedTrailOptions(folder))
  await trail[Symbol.asyncDispose]()
  const verification = await verifyTrail(new FolderSource(join(folder, 'trail')))
  assert.equal(verification.verdict, 'intact', verification.finding?.message ?? '')
  assert.equal(verification.counts.openIntents, 0)

  const records = readRecords((path) => readFileSync(join(folder, 'trail', path)), trail)
  let receipts = 0
  for (let run = 0; run < CRASHES; run += 1) {
    // What stands behind the last line feed is a note that the kill cut off: a write that crosses a page can be.
    for (const line of readFileSync(notesFile(folder, run), 'utf8').split('\n').slice(0, -1)) {
      const [index, ...payload] = line.split(' ')
      assert.equal(records[Number(index)]?.payload, payload.join(' '), `receipt ${index} of run ${run}`)
      receipts += 1
    }
  }
  checkCheckpoints(checkpoints, records)
  const starts = records.filter(({ leaf }) => leaf.unmapped.lifecycle === 'start')
  assert.equal(starts.length, CRASHES + 1)
  const unknown = records.filter(({ leaf }) => leaf.unmapped.status === 'unknown').length
  t.diagnostic(`${receipts} receipts, ${records.length} records, ${checkpoints.size} checkpoints, ${unknown} unknown`)
})
