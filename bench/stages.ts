import { closeSync, constants, fsyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import type { Arm } from './arm.ts'
import { type GatewayGround, startGatewayArm } from './gateway.ts'
import type { Job } from './jobs.ts'
import { type Requests, runLoad } from './load.ts'
import { type Setting, warmUp } from './measure.ts'
import { probe, type Probed, probeStart } from './probed.ts'
import { stageOfThread, timesOf } from './profile.ts'

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

/** Runs a job once more on a gateway with the probe in it. */
export async function profileStages(setting: Setting, ground: GatewayGround, job: Job): Promise<StagesLine> {
  const folder = await mkdtemp(join(setting.folder, 'probe-'))
  const syncMs = measureSync(ground.folder)
  const arm = await startGatewayArm(ground, probeStart(folder))
  try {
    await warmUp(setting, job, arm)
    const whole = await probedLoad(setting, arm, job, folder)
    const line = toLine(job, arm, whole, syncMs)
    if (job.result === undefined) return line
    // The rest is the same, so the difference is what the rows allocate.
    const { rows, script } = job.result
    const tenth = await probedLoad(setting, arm, { ...job, script: script(rows / 10) }, folder)
    const bytes = whole.heapBytesPerRequest - tenth.heapBytesPerRequest
    return { ...line, heap_bytes_per_row: round(bytes / (rows * 0.9), 1) }
  } finally {
    await arm.stop()
  }
}

interface ProbedLoad extends Probed {
  /** Answered while the processor time was measured. */
  readonly requests: number
  readonly heapBytesPerRequest: number
}

async function probedLoad(setting: Setting, arm: Arm, job: Job, folder: string): Promise<ProbedLoad> {
  const { pid } = arm
  if (pid === undefined) throw new Error('there is no process to look into')
  // Longer than the probe, so that the load does not end while it looks.
  const seconds = setting.seconds + 4
  const warm = Promise.withResolvers<void>()
  const load = runLoad({
    ...setting,
    ...job,
    target: arm.target,
    clients: job.profiledClients,
    seconds,
    onWarm: warm.resolve,
  })
  const probing = warm.promise.then(() => probe(pid, folder, setting.seconds * 1000))
  const [requests, probed] = await Promise.all([load, probing])
  const { startedMs, stoppedMs, allocatedBytes } = mainOf(probed)
  return {
    ...probed,
    requests: countBetween(requests, probed.fromMs, probed.toMs),
    heapBytesPerRequest: allocatedBytes / countBetween(requests, startedMs, stoppedMs),
  }
}

function countBetween({ endMs }: Requests, fromMs: number, toMs: number): number {
  return endMs.reduce((count, at) => count + (at > fromMs && at <= toMs ? 1 : 0), 0)
}

function mainOf({ threads }: Probed): Probed['threads'][number] {
  const main = threads.find(({ name }) => name === 'main')
  if (main === undefined) throw new Error('the main thread did not report')
  return main
}

function toLine(job: Job, arm: Arm, load: ProbedLoad, syncMs: number): StagesLine {
  const { stages, functions, totalMs } = spread(load)
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
    heap_bytes_per_request: round(load.heapBytesPerRequest, 0),
    hot: Object.fromEntries(hot.map(([name, ms]) => [name, perRequest(ms)])),
    policy: arm.policy,
  }
}

interface Spread {
  readonly stages: Map<string, number>
  readonly functions: Map<string, number>
  readonly totalMs: number
}

/** Spreads each thread's processor time over what its profile says it did. */
function spread({ threads, cpuMs }: Probed): Spread {
  const stages = new Map<string, number>()
  const functions = new Map<string, number>()
  let totalMs = 0
  const reports = Map.groupBy(threads.map(timesOf), ({ name }) => commOf(name))
  for (const [name, ms] of cpuMs) {
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
