import type { Arm, Requests } from './arm.ts'
import { CpuSampler, type CpuSample } from './cpu.ts'
import type { Job } from './family.ts'

/** One way, measured once. */
export interface Measure {
  readonly rps: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Of the process in the middle, per request; undefined when there is none. */
  readonly cpuUs: number | undefined
}

/** How long to measure. */
export interface Setting {
  readonly seconds: number
  /** Requests per second that every arm gets, instead of as many as it takes. */
  readonly rate?: number | undefined
}

/** Connecting, and what is new in a connection, is not counted. */
const WARM_UP_MS = 500

/** So many requests make the code of a way warm; where a machine has other things to do, they take several runs. */
const WARM_UP_REQUESTS = 5000
const WARM_UP_RUNS = 5

/** Lets the code of a way become warm, as that of a service is. */
export async function warmUp<L>(setting: Setting, job: Job<L>, arm: Arm<L>): Promise<void> {
  let requests = 0
  for (let run = 0; run < WARM_UP_RUNS && requests < WARM_UP_REQUESTS; run++) {
    const { endMs } = await arm.run({ ...setting, request: job.request, clients: job.profiledClients })
    requests += endMs.length
  }
}

/** Fewer requests have no 99th percentile. */
const LEAST_REQUESTS = 100
/** A machine that has little time for the load gets so many times as long for them, at most. */
const LONGEST = 8

/**
 * Puts one load on one way, and measures between two readings of the processor time, after the warm-up; once more and for longer when too little
 * was answered in between.
 */
export async function measure<L>(setting: Setting, job: Job<L>, arm: Arm<L>, clients: number): Promise<Measure> {
  for (let times = 1; times <= LONGEST; times *= 2) {
    const measured = await measureOnce({ ...setting, seconds: setting.seconds * times }, job, arm, clients)
    if (measured !== undefined) return measured
  }
  throw new Error(`${job.name}: ${arm.name} answers too little to be measured`)
}

async function measureOnce<L>(
  setting: Setting,
  job: Job<L>,
  arm: Arm<L>,
  clients: number,
): Promise<Measure | undefined> {
  const sampler = new CpuSampler(arm.pid)
  try {
    const requests = await arm.run({ ...setting, request: job.request, clients })
    return between(requests, sampler.stop(), arm.pid !== undefined)
  } finally {
    sampler.stop()
  }
}

/** Undefined when it is too little to be measured. */
function between(
  { endMs, latencyUs }: Requests,
  samples: readonly CpuSample[],
  hasMiddle: boolean,
): Measure | undefined {
  const first = endMs.reduce((least, at) => Math.min(least, at), Infinity)
  const last = endMs.reduce((most, at) => Math.max(most, at), -Infinity)
  const inside = samples.filter(({ atMs }) => atMs >= first + WARM_UP_MS && atMs <= last)
  const from = inside[0]
  const to = inside.at(-1)
  if (from === undefined || to === undefined) return undefined
  const latencies = latencyUs.filter((_, index) => {
    const at = endMs[index] ?? 0
    return at > from.atMs && at <= to.atMs
  })
  if (latencies.length < LEAST_REQUESTS) return undefined
  latencies.sort()
  return {
    rps: (latencies.length * 1000) / (to.atMs - from.atMs),
    p50Ms: quantile(latencies, 0.5) / 1000,
    p99Ms: quantile(latencies, 0.99) / 1000,
    cpuUs: hasMiddle ? ((to.cpuMs - from.cpuMs) * 1000) / latencies.length : undefined,
  }
}

function quantile(sorted: Float64Array, q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN
}

/** The middle one of each figure over the rounds. */
export function medianOf(rounds: readonly Measure[]): Measure {
  const of = (pick: (round: Measure) => number): number => median(rounds.map(pick))
  return {
    rps: of((round) => round.rps),
    p50Ms: of((round) => round.p50Ms),
    p99Ms: of((round) => round.p99Ms),
    cpuUs: rounds[0]?.cpuUs === undefined ? undefined : of((round) => round.cpuUs ?? Number.NaN),
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}
