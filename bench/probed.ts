import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { nowUs } from './clock.ts'
import { type ThreadTimes, threadTimes } from './cpu.ts'
import type { Span, ThreadReport } from './profile.ts'

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

/** A while of a process, with what its threads used in it. */
export interface Watched extends Span {
  /** The same on the wall clock. */
  readonly fromMs: number
  readonly toMs: number
  readonly cpuMs: ThreadTimes
}

/** Watches a process for a while. */
export async function watch(pid: number, forMs: number): Promise<Watched> {
  const from = { fromUs: nowUs(), fromMs: Date.now() }
  const before = threadTimes(pid)
  await delay(forMs)
  const after = threadTimes(pid)
  const cpuMs = new Map([...after].map(([name, ms]) => [name, ms - (before.get(name) ?? 0)]))
  return { ...from, toUs: nowUs(), toMs: Date.now(), cpuMs }
}

/** All threads have begun by then. */
const BEGUN_WITHIN_MS = 3000
const WRITTEN_WITHIN_MS = 120_000

/** The probe in a process that was started with it. */
export class Probe {
  readonly #pid: number
  readonly #folder: string

  constructor(pid: number, folder: string) {
    this.#pid = pid
    this.#folder = folder
  }

  /** Begins the profiles; to be called when nothing goes on, since it holds up each thread, the longer the busier the machine is. */
  async start(): Promise<void> {
    process.kill(this.#pid, 'SIGUSR2')
    await delay(BEGUN_WITHIN_MS)
  }

  /** Ends the profiles and collects them: every thread that began has to report, or its part would be missing. */
  async stop(): Promise<readonly ThreadReport[]> {
    process.kill(this.#pid, 'SIGUSR2')
    const until = performance.now() + WRITTEN_WITHIN_MS
    while (!this.#isWritten()) {
      if (performance.now() > until) throw new Error('a thread of the gateway did not report its profile')
      await delay(50)
    }
    return this.#named('.report').map(
      (file) => JSON.parse(readFileSync(join(this.#folder, file), 'utf8')) as ThreadReport,
    )
  }

  #isWritten(): boolean {
    return this.#named('.started').every((file) => existsSync(join(this.#folder, file.replace('.started', '.done'))))
  }

  #named(ending: string): readonly string[] {
    return readdirSync(this.#folder).filter((file) => file.endsWith(ending))
  }
}
