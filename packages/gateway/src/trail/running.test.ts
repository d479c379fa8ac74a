import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type TestContext, test } from 'node:test'
import type { Worker } from 'node:worker_threads'
import { GatewayError, type IntentEntry, MAX_PAYLOAD_BYTES } from '#model'
import { openTrail, type Trail } from './index.ts'
import { checkLog, DIRECTORY, type FoundRecord, openOn, type Promises, readRecords } from './testkit/disk-trail.ts'
import { LossyDisk } from './testkit/lossy-disk.ts'
import { MovedClock, passTime } from './testkit/moved-clock.ts'
import { keepLog, makeSealer, ORIGIN, processClock, scrubber, select, session, VERSION } from './testkit/samples.ts'
import { work } from './testkit/workload.ts'

async function emptyDisk(): Promise<LossyDisk> {
  const disk = new LossyDisk()
  await disk.makeFolder('/srv')
  await disk.syncFolder('/')
  return disk
}

/** Nothing promised yet. */
function nothing(): Promises {
  return { receipts: new Map(), checkpoints: new Set() }
}

function intent(statement: string): IntentEntry {
  return { kind: 'intent', timeMs: 1_795_262_400_000, session, decided: select, payload: Buffer.from(statement) }
}

function recordsOn(disk: LossyDisk, trail: Trail): FoundRecord[] {
  return readRecords((path) => disk.contentOf(join(DIRECTORY, path)), trail)
}

let probes = 0

async function isRefused(trail: Trail): Promise<boolean> {
  try {
    probes += 1
    await trail.record([intent(`{"statement":"probe ${probes}"}`)])
    return false
  } catch (error) {
    assert.ok(error instanceof GatewayError && error.code === 'SP_TRAIL_UNAVAILABLE')
    return true
  }
}

test('the sequencer goes on by itself when the disk of the log was full', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const disk = await emptyDisk()
  const { trail, log } = await openOn(disk)
  let isFull = true
  disk.mishap = ({ path, operation }) =>
    isFull && operation === 'write' && path.startsWith(DIRECTORY) ? { kind: 'error', code: 'ENOSPC' } : undefined
  await work(trail, nothing(), (next) => next >= 30)
  assert.equal(trail.status().writable, true, 'records wait in the write-ahead files')
  const publishedBefore = trail.status().size
  isFull = false
  for (let turn = 0; trail.status().size === publishedBefore && turn < 1_000; turn += 1) await nextTurn()
  await trail[Symbol.asyncDispose]()
  assert.ok(log.lines.some(({ event, facts }) => event === 'trail.sequencer_trouble' && facts['error'] === 'ENOSPC'))
  await checkLog(disk, trail, nothing())
})

test('writers are refused when the sequencer is too far behind, and let in again, with a record of the gap', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const disk = await emptyDisk()
  const clock = new MovedClock()
  const { trail, log } = await openOn(disk, { clock, limits: { lagRecords: 40 } })
  let release = (): void => undefined
  const released = new Promise<void>((resolve) => (release = resolve))
  disk.mishap = ({ path }) => (path.startsWith(DIRECTORY) ? { kind: 'slow', until: released } : undefined)
  const causes: string[] = []
  trail.onAvailability((now) => causes.push(now.writable ? 'again' : now.cause))
  while (!(await isRefused(trail))) {
    clock.move(300)
    t.mock.timers.tick(250)
  }
  assert.deepEqual(causes, ['behind'])
  const { lagRecords, lagMs, writable, outage } = trail.status()
  assert.ok(lagRecords >= 40 && lagRecords < 50 && lagMs > 5_000, `${lagRecords} records, ${lagMs} ms`)
  assert.equal(writable, false)
  assert.equal(outage, 'behind')
  let isOver = false
  const time = passTime(t, clock, () => isOver)
  for (let turn = 0; !log.lines.some(({ event }) => event === 'trail.sequencer_behind') && turn < 100; turn += 1)
    await nextTurn()
  release()
  while (causes.length < 2) await nextTurn()
  assert.equal(await isRefused(trail), false)
  isOver = true
  await time
  await trail[Symbol.asyncDispose]()
  const records = await checkLog(disk, trail, nothing())
  const gaps = records.filter(({ leaf }) => leaf.unmapped.lifecycle === 'gap')
  assert.deepEqual(
    gaps.map(({ leaf }) => leaf.unmapped.details?.['cause']),
    ['behind'],
  )
  assert.ok(
    log.lines.some(({ event }) => event === 'trail.sequencer_behind'),
    'the log says so',
  )
})

test('heartbeats count what was recorded', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const disk = await emptyDisk()
  const clock = new MovedClock()
  const { trail } = await openOn(disk, { clock, heartbeatMs: 60_000 })
  await work(trail, nothing(), (next) => next >= 20)
  const startMs = clock.monotonicMs()
  await passTime(t, clock, () => clock.monotonicMs() - startMs > 130_000)
  await trail[Symbol.asyncDispose]()
  const beats = recordsOn(disk, trail).filter(({ leaf }) => leaf.unmapped.lifecycle === 'heartbeat')
  assert.ok(beats.length >= 2)
  const intents = beats.map(({ leaf }) => Number(leaf.unmapped.details?.['intents']))
  assert.ok((intents[0] ?? 0) >= 20)
  assert.deepEqual(
    intents.slice(1),
    intents.slice(1).map(() => 0),
  )
})

test('a new day has a new key, and an erased day cannot be opened while the log stays valid', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const disk = await emptyDisk()
  const clock = new MovedClock()
  const { trail } = await openOn(disk, { clock })
  const [yesterday] = await trail.record([intent('{"statement":"yesterday"}')])
  clock.move(12 * 3_600_000)
  await assert.rejects(trail.eraseDay('2026-11-21'), RangeError, 'its segment is still being written')
  const endMs = clock.monotonicMs() + 10_000
  await passTime(t, clock, () => clock.monotonicMs() > endMs)
  const [today] = await trail.record([intent('{"statement":"today"}')])
  await assert.rejects(trail.eraseDay('2026-11-22'), RangeError, 'the day is not over')
  for (let turn = 0; trail.status().size <= (today?.sequence ?? 0) && turn < 1_000; turn += 1) await nextTurn()
  const keyIds = recordsOn(disk, trail).flatMap(({ leaf }) => leaf.unmapped.payload?.key_id.slice(0, 10) ?? [])
  assert.deepEqual(keyIds, ['2026-11-21', '2026-11-22'])

  const [erased, ...more] = await trail.eraseDay('2026-11-21')
  assert.equal(more.length, 0)
  assert.equal(trail.payloadKeys.recordKey(erased ?? '', yesterday?.sequence ?? -1), undefined)
  await trail[Symbol.asyncDispose]()
  const again = await openOn(disk, { clock })
  await again.trail[Symbol.asyncDispose]()
  assert.equal(again.trail.payloadKeys.recordKey(erased ?? '', yesterday?.sequence ?? -1), undefined)
})

test('what many records of one call share counts once', async () => {
  const { trail } = await openOn(await emptyDisk())
  const { decided } = intent('{}')
  const wide = { ...decided, shape: { ...decided.shape, template: 'x'.repeat(10_000) } }
  const batch = Array.from({ length: 1000 }, () => ({ ...intent('{}'), decided: wide }))
  assert.equal((await trail.record(batch)).length, 1000)
  await trail[Symbol.asyncDispose]()
})

test('what is too large, not valid or unknown is refused, and nothing of it is recorded', async () => {
  const disk = await emptyDisk()
  const { trail, log } = await openOn(disk)
  const large = { ...intent(''), payload: Buffer.alloc(MAX_PAYLOAD_BYTES + 1) }
  await assert.rejects(trail.record([large]), { code: 'SP_OPERATION_TOO_LARGE' })
  const nobody = { ...intent('{}'), session: { ...session, identity: { ...session.identity, id: '' } } }
  await assert.rejects(trail.record([intent('{}'), nobody]), {
    code: 'SP_TRAIL_UNAVAILABLE',
    message: /actor\.user\.uid/,
  })
  trail.conclude({
    kind: 'outcome',
    timeMs: 0,
    intent: 99,
    outcome: { status: 'success', rows: 0, bytes: 0, durationMs: 0 },
  })
  assert.ok(log.lines.some(({ event }) => event === 'trail.outcome_without_intent'))
  await trail[Symbol.asyncDispose]()
  assert.deepEqual(
    recordsOn(disk, trail).map(({ leaf }) => leaf.unmapped.lifecycle),
    ['start', 'stop'],
  )
  await assert.rejects(trail.record([intent('{}')]), { code: 'SP_TRAIL_UNAVAILABLE' })
})

test('a payload and a name that hold a card number are recorded without it', async () => {
  const disk = await emptyDisk()
  const { trail } = await openOn(disk)
  const pan = '4111111111111111'
  const decided = { ...select, shape: { ...select.shape, template: `select "${pan}"`, incomplete: pan } }
  await trail.record([{ ...intent('{}'), decided }])
  await trail[Symbol.asyncDispose]()
  const [, record] = recordsOn(disk, trail)
  const text = Buffer.from(record?.bytes ?? '').toString('utf8')
  assert.ok(!text.includes(pan) && text.includes('************1111'))
})

function realOptions(folder: string): Parameters<typeof openTrail>[0] {
  return {
    directory: join(folder, 'a/b/trail'),
    walDirectory: join(folder, 'wal'),
    keyDirectory: join(folder, 'keys'),
    origin: ORIGIN,
    version: VERSION,
    clock: processClock,
    sealer: makeSealer(Buffer.alloc(32, 9)),
    scrubber,
    log: keepLog(),
    checkpointMs: 20,
    limits: { segmentBytes: 1_048_576 },
  }
}

async function realFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-trail-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

test('a second process, or a second opening, does not get the trail', async (t) => {
  const folder = await realFolder(t)
  const trail = await openTrail(realOptions(folder))
  await assert.rejects(openTrail(realOptions(folder)), { code: 'SP_TRAIL_UNAVAILABLE' })
  await trail[Symbol.asyncDispose]()
  const next = await openTrail(realOptions(folder))
  await next[Symbol.asyncDispose]()
})

test('a thread of the sequencer that dies pauses the trail and is replaced', async (t) => {
  const folder = await realFolder(t)
  const workers: Worker[] = []
  const noteWorker = (worker: Worker): void => void workers.push(worker)
  process.on('worker', noteWorker)
  t.after(() => process.off('worker', noteWorker))
  const trail = await openTrail(realOptions(folder))
  const changes: string[] = []
  const again = new Promise<void>((resolve) => {
    trail.onAvailability((now) => {
      changes.push(now.writable ? 'again' : now.cause)
      if (now.writable) resolve()
    })
  })
  await trail.record([intent('{"statement":"before"}')])
  await workers[0]?.terminate()
  await nextTurn()
  assert.equal(await isRefused(trail), true)
  await again
  assert.deepEqual(changes, ['sequencer-died', 'again'])
  await trail.record([intent('{"statement":"after"}')])
  await trail[Symbol.asyncDispose]()
  assert.equal(workers.length, 2)
})
