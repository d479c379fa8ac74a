import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Trail } from './index.ts'
import { checkLog, type FoundRecord, openOn } from './testkit/disk-trail.ts'
import { MovedClock, passTime } from './testkit/moved-clock.ts'
import { LossyDisk, type Mishap, type Point } from './testkit/lossy-disk.ts'
import { crashEverywhere, type CrashPoint, Witness, work } from './testkit/workload.ts'

const seed = Number(process.env['SALLYPORT_CRASH_SEED'] ?? 20_261_121)
/** One point in three, since there are five troubles; every point when the crash tests are asked for more than usual. */
const stride = process.env['SALLYPORT_CRASHES'] === undefined ? 3 : 1

interface Trouble {
  readonly name: string
  /** Whether an operation fails; `count` is how many of this kind came before, since the trouble was armed. */
  readonly mishap: (point: Point, count: number, released: Promise<void>) => Mishap | undefined
  readonly cause: string
}

const isWalWrite = ({ operation, path }: Point): boolean => operation === 'write' && path.endsWith('.wal')
const isPreparation = ({ operation, path }: Point): boolean => operation === 'write' && path.endsWith('.wal.new')

const troubles: readonly Trouble[] = [
  {
    name: 'a write fails and nothing of it is on disk',
    mishap: (point, count) => (isWalWrite(point) && count < 1 ? { kind: 'error', code: 'EIO' } : undefined),
    cause: 'write-failed',
  },
  {
    name: 'writes fail, and all of them are on disk nevertheless',
    mishap: (point, count) =>
      isWalWrite(point) && count < 3 ? { kind: 'error', code: 'EIO', written: 1e9 } : undefined,
    cause: 'write-failed',
  },
  {
    name: 'writes stop short',
    mishap: (point, count) => (isWalWrite(point) && count < 2 ? { kind: 'short', written: 700 } : undefined),
    cause: 'write-failed',
  },
  {
    name: 'the disk is full when the next segment is prepared',
    mishap: (point, count) => (isPreparation(point) && count < 3 ? { kind: 'error', code: 'ENOSPC' } : undefined),
    cause: 'no-segment',
  },
  {
    name: 'a write hangs, and comes after all when nobody waits for it any more',
    mishap: (point, count, released) =>
      isWalWrite(point) && count < 1 ? { kind: 'slow', until: released } : undefined,
    cause: 'write-timeout',
  },
]

/** Runs statements through a trouble; the interval of the trail is moved by hand. */
async function runThrough(t: TestContext, trouble: Trouble): Promise<Ran> {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const disk = new LossyDisk()
  await disk.makeFolder('/srv')
  await disk.syncFolder('/')
  const clock = new MovedClock()
  const witness = new Witness(disk)
  const { trail } = await openOn(disk, { clock, limits: { segmentBytes: 32_768 } })
  const causes: string[] = []
  trail.onAvailability((now) => causes.push(now.writable ? 'again' : now.cause))
  let count = 0
  let isArmed = false
  let release = (): void => undefined
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  disk.mishap = (point) => {
    if (!isArmed) return undefined
    const mishap = trouble.mishap(point, count, released)
    if (mishap !== undefined) count += 1
    return mishap
  }
  let isOver = false
  const time = passTime(t, clock, () => isOver)
  const before = await work(trail, witness, (next) => next >= 20)
  isArmed = true
  const armedAt = witness.points.length
  let end = Infinity
  const after = await work(
    trail,
    witness,
    (next) => {
      if (end === Infinity && causes.includes('again')) {
        end = next + 12
        release()
      }
      return next >= end
    },
    before.next,
  )
  isOver = true
  await time
  disk.mishap = () => undefined
  await trail[Symbol.asyncDispose]()
  t.mock.timers.reset()
  const points = witness.points.slice(armedAt)
  return {
    disk,
    trail,
    witness,
    points,
    causes,
    refused: [...before.refused, ...after.refused],
    concluded: before.concluded.union(after.concluded),
  }
}

interface Ran {
  readonly disk: LossyDisk
  readonly trail: Trail
  readonly witness: Witness
  /** From where the trouble began. */
  readonly points: readonly CrashPoint[]
  readonly causes: readonly string[]
  readonly refused: readonly string[]
  readonly concluded: ReadonlySet<number>
}

function gapsOf(records: readonly FoundRecord[]): readonly FoundRecord['leaf']['unmapped'][] {
  return records.map(({ leaf }) => leaf.unmapped).filter(({ lifecycle }) => lifecycle === 'gap')
}

for (const trouble of troubles) {
  test(`it goes on by itself, and a crash at any point loses nothing, when ${trouble.name}`, async (t) => {
    const { disk, trail, witness, points, causes, refused, concluded } = await runThrough(t, trouble)
    assert.deepEqual(causes, [trouble.cause, 'again'])
    assert.ok(refused.length > 0)
    const records = await checkLog(disk, trail, witness)
    const recorded = new Set(records.map(({ payload }) => payload))
    for (const payload of refused) assert.ok(!recorded.has(payload), 'what was refused is not on record')
    const ended = new Set(records.map(({ leaf }) => leaf.unmapped.intent))
    for (const intent of concluded) assert.ok(ended.has(intent), 'an outcome is kept over the outage')
    const [gap, ...more] = gapsOf(records)
    assert.equal(more.length, 0)
    assert.equal(gap?.details?.['cause'], trouble.cause)
    assert.equal(gap?.cut !== undefined, trouble.cause !== 'no-segment', 'a write of unknown fate is named')
    assert.ok(Number(gap?.details?.['refused']) > 0)
    const starts = records.filter(({ leaf }) => leaf.unmapped.lifecycle === 'start')
    assert.equal(starts.length, 1, 'without a restart')

    const { crashes, nested } = await crashEverywhere(points, { seed, nestedEvery: 12, stride })
    t.diagnostic(`${crashes} crash points, ${nested} of them crashed again in recovery`)
  })
}
