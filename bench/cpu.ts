import { existsSync, readdirSync, readFileSync } from 'node:fs'

/** `USER_HZ`: what /proc counts in, 100 on every Linux that matters. */
const TICKS_PER_SECOND = 100
const SAMPLE_EVERY_MS = 50

/** What a process had used by a moment. */
export interface CpuSample {
  readonly atMs: number
  readonly cpuMs: number
}

/** Reads again and again what a process has used, until it is told to stop. */
export class CpuSampler {
  readonly samples: CpuSample[] = []
  readonly #timer: NodeJS.Timeout
  readonly #pid: number | undefined

  constructor(pid: number | undefined) {
    this.#pid = pid
    this.#take()
    this.#timer = setInterval(() => {
      this.#take()
    }, SAMPLE_EVERY_MS)
  }

  stop(): readonly CpuSample[] {
    clearInterval(this.#timer)
    return this.samples
  }

  #take(): void {
    this.samples.push({ atMs: Date.now(), cpuMs: this.#pid === undefined ? 0 : cpuMsOf(`/proc/${this.#pid}/stat`) })
  }
}

/** Processor time in ms of the threads of a process: by thread name, threads of one name together, the first thread as `main`. */
export type ThreadTimes = ReadonlyMap<string, number>

/** What the threads of a process have used. */
export function threadTimes(pid: number): ThreadTimes {
  const total = new Map<string, number>()
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const folder = `/proc/${pid}/task/${task}`
    try {
      const name = task === String(pid) ? 'main' : readFileSync(`${folder}/comm`, 'utf8').trim()
      total.set(name, (total.get(name) ?? 0) + cpuMsOf(`${folder}/stat`))
    } catch (error) {
      // A thread that ended in between has nothing to add.
      if (existsSync(folder)) throw error
    }
  }
  return total
}

/** User and system time of a process with all its threads, or of one thread. */
function cpuMsOf(file: string): number {
  const text = readFileSync(file, 'utf8')
  // "pid (name) state ppid …"; the name may hold anything, parentheses included. proc_pid_stat(5): utime is field 14, stime 15.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND
}
