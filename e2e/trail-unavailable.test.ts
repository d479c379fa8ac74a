/**
 * The disk of the trail fills up: each statement gets an error, sessions live, nothing reaches the database, and when there is room again
 * everything goes on by itself, with the gap declared.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmdirSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test, type TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { loadConfig, openFoundation, verifyTrailFolder } from '#app'
import { type Boundary, startBoundary } from '../demo/boundary.ts'
import { SERVICE_USER } from '../demo/data.ts'
import { connect, jobToken } from '../demo/people.ts'
import { openedTrail } from './opened-trail.ts'
import { jobPolicy, testPlan } from './plan.ts'
import { WireClient } from './wire-client.ts'

/** Room for what the test records; what stands for the neighbours that fill the disk comes on top. */
const DISK = '400m'
/** Two segments of 16 MiB are prepared at any time, and are used up before the disk is needed. */
const MOST_BEFORE_OUTAGE = 60
const STATEMENT_BYTES = 900_000
/** An outage is looked at again each second. */
const RECOVERED_WITHIN_MS = 10_000

/** A file system of its own that can be filled. */
class SmallDisk {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'sallyport-disk-'))
  /** Why there is none. */
  readonly failure: string | undefined

  constructor() {
    const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK},mode=700`, 'tmpfs', this.folder])
    this.failure = status === 0 ? undefined : `needs to mount a tmpfs, as root: ${String(stderr ?? '').trim()}`
    if (this.failure !== undefined) rmdirSync(this.folder)
  }

  fill(): void {
    const file = openSync(join(this.folder, 'ballast'), 'w')
    const block = Buffer.alloc(65_536)
    try {
      for (;;) writeSync(file, block)
    } catch (error) {
      assert.ok(error instanceof Error && 'code' in error && error.code === 'ENOSPC', String(error))
    } finally {
      closeSync(file)
    }
  }

  free(): void {
    rmSync(join(this.folder, 'ballast'))
  }

  remove(): void {
    spawnSync('umount', ['--lazy', this.folder])
    rmdirSync(this.folder)
  }
}

const disk = new SmallDisk()

describe('a trail that cannot be written', { skip: disk.failure ?? false }, () => {
  let boundary: Boundary

  before(async () => {
    mkdirSync(join(disk.folder, 'data'), { mode: 0o700 })
    boundary = await startBoundary(
      testPlan({
        sql: ['create table marks (mark text)', `alter table marks owner to ${SERVICE_USER}`],
        tables: ['public.marks'],
        policy: jobPolicy({ 'public.marks': ['insert', 'select'] }),
        configuration: `data: ${join(disk.folder, 'data')}`,
      }),
    )
  })
  after(async () => {
    await boundary.stop(false)
    disk.remove()
  })

  test('stops access, says so, and opens it again by itself', { timeout: 120_000 }, async (t) => {
    const session = await connectWire()
    const other = await connectWire()
    await insert(session, 'before')
    await other.play({ query: 'begin' })
    await insert(other, 'rolled-back')
    disk.fill()
    const lasted = await untilRefused(session)
    t.diagnostic(`${lasted} statements of ${STATEMENT_BYTES} bytes went into what was prepared`)

    assert.deepEqual(await insert(session, 'refused-1'), ['E 58030', 'Z I'])
    assert.deepEqual(await session.play({ query: 'select 1' }), ['E 58030', 'Z I'])
    const pipeline = ["insert into marks values ('mark-refused-2.')", 'select 1']
    assert.deepEqual(await session.play({ pipeline }), ['E 58030', 'Z I'])
    // A transaction that was open fails, as on any error.
    assert.deepEqual(await insert(other, 'refused-3'), ['E 58030', 'Z E'])
    assert.deepEqual(await readiness(), { status: 503, trail: false })
    await assert.rejects(connect(boundary, 'ci-bot', await jobToken(boundary)), {
      ...{ severity: 'FATAL', code: '58030' },
      message: /access is paused: the audit trail cannot be written/,
    })

    disk.free()
    const recovered = await untilAccepted(t, session)
    assert.ok(recovered < RECOVERED_WITHIN_MS, `${recovered} ms`)
    assert.deepEqual(await readiness(), { status: 200, trail: true })
    assert.deepEqual(await other.play({ query: 'commit' }), ['C ROLLBACK', 'Z I'])
    assert.deepEqual(await insert(other, 'after-2'), ['C INSERT 0 1', 'Z I'])
    await session[Symbol.asyncDispose]()
    await other[Symbol.asyncDispose]()
  })

  test('the words are for people', async () => {
    const client = await connect(boundary, 'ci-bot', await jobToken(boundary))
    await client.query('select 1')
    disk.fill()
    try {
      await assert.rejects(
        fillUp(async (text) => await client.query(text)),
        {
          ...{ severity: 'ERROR', code: '58030', message: 'access is paused: the audit trail cannot be written' },
          hint: 'nothing was sent; try again when whoever runs Sallyport has mended the trail',
        },
      )
    } finally {
      disk.free()
    }
    await client.end()
  })

  test('nothing reached the database without a record, and the gaps are declared', async (t) => {
    await untilWritable()
    await boundary.gateway().stop()
    const reached = marksIn(readFileSync(boundary.database.logFile, 'utf8'))
    const recorded = await recordedMarks()
    assert.deepEqual(
      [...reached].filter((mark) => !recorded.has(mark)),
      [],
    )
    assert.deepEqual(
      [...reached].filter((mark) => mark.includes('refused')),
      [],
    )
    for (const mark of ['before', 'rolled-back', 'after', 'after-2']) assert.ok(reached.has(`mark-${mark}.`), mark)
    const { exitCode, lines } = await verifyTrailFolder(join(disk.folder, 'data/trail'))
    assert.equal(exitCode, 0, lines.join('\n'))
    assert.match(lines.at(-1) ?? '', /^RESULT: intact, 2 declared gaps, by whoever holds key /)
    const gaps = lines.filter((line) => line.startsWith('! gap declared'))
    assert.equal(gaps.length, 2)
    t.diagnostic(gaps[0] ?? '')
  })

  async function connectWire(): Promise<WireClient> {
    const target = { host: '127.0.0.1', port: boundary.postgresPort, user: 'ci-bot', database: 'cards' }
    return await WireClient.connect({ ...target, password: await jobToken(boundary) })
  }

  async function readiness(): Promise<{ status: number; trail: unknown }> {
    const response = await fetch(`${boundary.url}/readyz`)
    const { trail } = (await response.json()) as { trail: unknown }
    return { status: response.status, trail }
  }

  async function untilWritable(): Promise<void> {
    const deadline = performance.now() + RECOVERED_WITHIN_MS
    while ((await readiness()).status !== 200) {
      assert.ok(performance.now() < deadline, 'it does not recover')
      await delay(100)
    }
  }

  /** Opens the whole trail, recovering it once more on the way. */
  async function recordedMarks(): Promise<ReadonlySet<string>> {
    await using foundation = await openFoundation(loadConfig(boundary.config), { environment: {}, logLevel: 'error' })
    const marks = new Set<string>()
    for (const { payload } of openedTrail(join(disk.folder, 'data/trail'), foundation.trail.payloadKeys))
      for (const mark of marksIn(payload ?? '')) marks.add(mark)
    return marks
  }
})

async function insert(client: WireClient, mark: string): Promise<readonly string[]> {
  return await client.play({ query: `insert into marks values ('mark-${mark}.')` })
}

/** Sends large statements until one is refused; how many went through. */
async function untilRefused(client: WireClient): Promise<number> {
  let lasted = 0
  await fillUp(async (text) => {
    const [answer = ''] = await client.play({ query: text })
    if (answer === 'E 58030') throw new Error(answer)
    assert.equal(answer, 'C INSERT 0 1')
    lasted++
  }).catch((error: unknown) => {
    assert.ok(error instanceof Error && error.message === 'E 58030', String(error))
  })
  return lasted
}

/** Runs large statements until one is refused, and rejects with that. */
async function fillUp(run: (text: string) => Promise<unknown>): Promise<void> {
  for (let turn = 0; turn < MOST_BEFORE_OUTAGE; turn++)
    await run(`insert into marks values ('mark-large-${turn}.') /* ${'x'.repeat(STATEMENT_BYTES)} */`)
}

/** Tries until the session is served again; after how many milliseconds. */
async function untilAccepted(t: TestContext, client: WireClient): Promise<number> {
  const began = performance.now()
  for (;;) {
    const answer = await insert(client, 'after')
    const ms = performance.now() - began
    if (answer[0] === 'C INSERT 0 1') {
      t.diagnostic(`served again ${ms.toFixed(0)} ms after there was room, in the same session`)
      return ms
    }
    assert.deepEqual(answer, ['E 58030', 'Z I'])
    assert.ok(ms < RECOVERED_WITHIN_MS, 'it does not recover')
    await delay(50)
  }
}

function marksIn(text: string): ReadonlySet<string> {
  return new Set(text.match(/mark-[a-z0-9-]+\./g))
}
