import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type ThreadTimes, threadTimes } from './cpu.ts'
import type { ThreadReport } from './profile.ts'

/** What was found between the two signals. */
export interface Probed {
  readonly threads: readonly ThreadReport[]
  /** Processor time of each thread by its name, from `fromMs` to `toMs`, which lie in between. */
  readonly cpuMs: ThreadTimes
  readonly fromMs: number
  readonly toMs: number
}

/** What puts the probe into a program that Node runs. */
export interface ProbeStart {
  readonly nodeArguments: readonly string[]
  readonly environment: NodeJS.ProcessEnv
}

/** By argument, not by NODE_OPTIONS: a worker with an environment of its own would not see those. */
export function probeStart(folder: string): ProbeStart {
  return {
    nodeArguments: [`--import=${join(import.meta.dirname, 'probe.ts')}`],
    environment: { BENCH_PROBE_FOLDER: folder },
  }
}

/** Profiles a process with the probe in it for a while; `folder` is the one that it was started with. */
export async function probe(pid: number, folder: string, forMs: number): Promise<Probed> {
  for (const file of readdirSync(folder)) rmSync(join(folder, file))
  process.kill(pid, 'SIGUSR2')
  // Beginning a profile takes a thread a while, which is not the work that is looked for.
  await delay(SETTLE_MS)
  const fromMs = Date.now()
  const before = threadTimes(pid)
  await delay(forMs)
  const toMs = Date.now()
  const after = threadTimes(pid)
  process.kill(pid, 'SIGUSR2')
  await written(folder)
  const threads = named(folder, '.report').map(
    (id) => JSON.parse(readFileSync(join(folder, id), 'utf8')) as ThreadReport,
  )
  const cpuMs = new Map([...after].map(([name, ms]) => [name, ms - (before.get(name) ?? 0)]))
  return { threads, cpuMs, fromMs, toMs }
}

const SETTLE_MS = 1000
const WRITTEN_WITHIN_MS = 20_000

/** Every thread that began has to report: what is missing would be missing in the shares. */
async function written(folder: string): Promise<void> {
  const until = performance.now() + WRITTEN_WITHIN_MS
  while (named(folder, '.started').some((file) => !existsSync(join(folder, file.replace('.started', '.done'))))) {
    if (performance.now() > until) throw new Error('a thread of the gateway did not report its profile')
    await delay(50)
  }
}

function named(folder: string, ending: string): readonly string[] {
  return readdirSync(folder).filter((file) => file.endsWith(ending))
}
