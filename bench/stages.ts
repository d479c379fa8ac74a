import { closeSync, constants, fsyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import type { Arm, Requests } from './arm.ts'
import type { Job, Ways } from './family.ts'
import { type Setting, warmUp } from './measure.ts'
import { Probe, probeStart, watch, type Watched } from './probed.ts'
import { allocationRate, stageOfThread, type ThreadReport, timesOf } from './profile.ts'

/** The line about where the time of the gateway goes. */
export interface StagesLine {
  readonly job: string
  readonly arm: 'sallyport'
  readonly clients: number
  /** Per request, all threads; higher than unprofiled. */
  readonly cpu_us: number
  /** Shares of it. */
  readonly stages: Readonly<Record<string, number>>
  /** Waiting for one small synced write on the disk of the trail, median, nothing else going on. */
  readonly sync_ms: number
  /** Allocated on the heap of the main thread. */
  readonly heap_bytes_per_request: number
  readonly heap_bytes_per_row?: number
  /** Self time of single functions, µs per request. */
  readonly hot: Readonly<Record<string, number>>
  readonly policy: string
}

const HOT_FUNCTIONS = 15

/** What is looked into, and where there is a folder for it. */
export interface Profiling<L> {
  readonly setting: Setting
  /** On the disk of the trail. */
  readonly folder: string
  readonly ways: Ways<L>
  readonly job: Job<L>
}

/** Runs a job once more on a gateway with the probe in it. */
export async function profileStages<L>(profiling: Profiling<L>): Promise<StagesLine> {
  const { setting, ways, job } = profiling
  const folder = await mkdtemp(join(profiling.folder, 'probe-'))
  const syncMs = measureSync(profiling.folder)
  const arm = await ways.probed(probeStart(folder))
  try {
    const { pid } = arm
    if (pid === undefined) throw new Error('there is no process to look into')
    const probe = new Probe(pid, folder)
    await probe.start()
    await warmUp(setting, job, arm)
    const watched = async (request: L): Promise<WatchedLoad> => await watchLoad(setting, arm, pid, { ...job, request })
    const whole = await watched(job.request)
    const { result } = job
    const tenth = result === undefined ? undefined : await watched(result.tenth)
    const threads = await probe.stop()
    const line = toLine(job, arm, { threads, load: whole }, syncMs)
    if (result === undefined || tenth === undefined) return line
    // The bytes are as many, so the difference is what the rows allocate.
    const bytes = heapBytes({ threads, load: whole }) - heapBytes({ threads, load: tenth })
    return { ...line, heap_bytes_per_row: round(bytes / (result.rows * 0.9), 1) }
  } finally {
    await arm.stop()
  }
}

interface WatchedLoad extends Watched {
  /** Answered in that while. */
  readonly requests: number
}

async function watchLoad<L>(setting: Setting, arm: Arm<L>, pid: number, job: Job<L>): Promise<WatchedLoad> {
  const warm = Promise.withResolvers<void>()
  // Longer than it is watched, so that it does not end meanwhile.
  const seconds = setting.seconds + 3
  const load = arm.run({
    ...setting,
    request: job.request,
    clients: job.profiledClients,
    seconds,
    onWarm: warm.resolve,
  })
  const watching = warm.promise.then(() => watch(pid, setting.seconds * 1000))
  const [requests, watched] = await Promise.all([load, watching])
  return { ...watched, requests: countBetween(requests, watched) }
}

function countBetween({ endMs }: Requests, { fromMs, toMs }: Watched): number {
  return endMs.reduce((count, at) => count + (at > fromMs && at <= toMs ? 1 : 0), 0)
}

interface Profiled {
  readonly threads: readonly ThreadReport[]
  readonly load: WatchedLoad
}

function heapBytes({ threads, load }: Profiled): number {
  const main = threads.find(({ name }) => name === 'main')
  if (main === undefined) throw new Error('the main thread did not report')
  return (allocationRate(main, load) * (load.toUs - load.fromUs)) / load.requests
}

function toLine<L>(job: Job<L>, arm: Arm<L>, profiled: Profiled, syncMs: number): StagesLine {
  const { load } = profiled
  const { stages, functions, totalMs } = spread(profiled)
  const perRequest = (ms: number): number => round((ms * 1000) / load.requests, 1)
  const hot = [...functions].toSorted((a, b) => b[1] - a[1]).slice(0, HOT_FUNCTIONS)
  return {
    job: job.name,
    arm: 'sallyport',
    clients: job.profiledClients,
    cpu_us: perRequest(totalMs),
    stages: Object.fromEntries(
      [...stages].toSorted((a, b) => b[1] - a[1]).map(([name, ms]) => [name, round(ms / totalMs, 3)]),
    ),
    sync_ms: round(syncMs, 3),
    heap_bytes_per_request: round(heapBytes(profiled), 0),
    hot: Object.fromEntries(hot.map(([name, ms]) => [name, perRequest(ms)])),
    policy: arm.policy(job.request),
  }
}

interface Spread {
  readonly stages: Map<string, number>
  readonly functions: Map<string, number>
  readonly totalMs: number
}

/** Spreads each thread's processor time over what its profile says it did. */
function spread({ threads, load }: Profiled): Spread {
  const stages = new Map<string, number>()
  const functions = new Map<string, number>()
  let totalMs = 0
  const reports = Map.groupBy(
    threads.map((report) => timesOf(report, load)),
    ({ name }) => commOf(name),
  )
  for (const [name, ms] of load.cpuMs) {
    if (name === PROFILER_THREAD) continue
    totalMs += ms
    const alike = reports.get(name) ?? []
    const busyUs = alike.reduce((sum, times) => sum + times.busyUs, 0)
    if (busyUs === 0) add(stages, stageOfThread(name), ms)
    for (const times of alike) {
      for (const [stage, us] of times.stages) add(stages, stage, (us * ms) / busyUs)
      for (const [place, us] of times.functions) add(functions, place, (us * ms) / busyUs)
    }
  }
  return { stages, functions, totalMs }
}

/** Reads the samples while the profile is taken. */
const PROFILER_THREAD = 'v8:ProfEvntProc'

/** The kernel keeps 15 bytes of a thread's name. */
function commOf(name: string): string {
  return name.slice(0, 15)
}

function add(sums: Map<string, number>, key: string, value: number): void {
  sums.set(key, (sums.get(key) ?? 0) + value)
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}

const SYNC_BYTES = 4096
const SYNC_WRITES = 200

/** How long one synced write of a block takes here, into a file that has its size already. */
function measureSync(folder: string): number {
  const file = join(folder, 'sync')
  const block = new Uint8Array(SYNC_BYTES)
  const plain = openSync(file, 'w')
  for (let index = 0; index < SYNC_WRITES; index++) writeSync(plain, block)
  fsyncSync(plain)
  closeSync(plain)
  const synced = openSync(file, constants.O_WRONLY | constants.O_DSYNC)
  const times = Array.from({ length: SYNC_WRITES }, (_, index) => {
    const before = performance.now()
    writeSync(synced, block, 0, SYNC_BYTES, index * SYNC_BYTES)
    return performance.now() - before
  })
  closeSync(synced)
  rmSync(file)
  return times.toSorted((a, b) => a - b)[SYNC_WRITES / 2] ?? Number.NaN
}
