import { getCompileCacheDir } from 'node:module'
import { Worker } from 'node:worker_threads'
import type { Parsed } from './parse.ts'
import type { BatchReply, Job, WorkerSetup } from './worker.ts'

/** How a batch ended. */
export interface BatchOutcome {
  /** The answers in order; all of them unless the worker broke. */
  readonly answers: readonly Parsed[]
  /** Set when the worker broke: the index of the job that broke it, or -1 when it had begun none. It must be discarded. */
  readonly brokenAt?: number
}

/** A worker that has not said `ready` by then is no use (milliseconds). */
const START_TIMEOUT_MS = 15_000

/** Heap of the worker in MB. The parser's own memory is not in it: WebAssembly, at most 1 GB, normally some 5 MB. */
const HEAP_MB = 384

/**
 * Parsing needs at most 500 bytes of native stack a level, so the limits of depth stay far below this; what reaches it is an exception, and
 * the parser's own stack in its linear memory (32 MB) stays far from its end.
 */
const STACK_MB = 4

/** The main thread's side of one parsing worker: one batch at a time, never a rejection, and after a break only disposal. */
export class ParserWorker {
  readonly #worker: Worker
  readonly #working: Int32Array
  /** Ends the wait for the batch in work. */
  #settle: ((outcome: BatchOutcome) => void) | undefined
  /** Jobs in the batch in work. */
  #expected = 0
  #isBroken = false
  /** Whether it came up. */
  readonly ready: Promise<boolean>

  /** `isBackground` makes it leave the processor to others where the platform can. */
  constructor(isBackground: boolean) {
    // Of the environment of this process only where compiled code is kept: a worker starts in half the time with it.
    const cacheDirectory = getCompileCacheDir()
    const progress = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
    this.#working = new Int32Array(progress)
    const setup: WorkerSetup = { progress, isBackground }
    this.#worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: setup,
      name: 'sql-parser',
      env: cacheDirectory === undefined ? {} : { NODE_COMPILE_CACHE: cacheDirectory },
      // Of the flags of this process only how our own modules are found.
      execArgv: process.execArgv.filter((option) => option.startsWith('--conditions=')),
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: 32, stackSizeMb: STACK_MB },
      // The parser may print what it was given when it breaks: kept from our own output, and read by nobody.
      stdout: true,
      stderr: true,
    })
    this.ready = this.#started()
  }

  #started(): Promise<boolean> {
    return new Promise((resolve) => {
      const late = setTimeout(() => {
        this.#break()
      }, START_TIMEOUT_MS)
      late.unref()
      const done = (isReady: boolean): void => {
        clearTimeout(late)
        resolve(isReady)
      }
      this.#worker.once('message', () => {
        this.#worker.on('message', (reply: BatchReply) => {
          this.#answered(reply)
        })
        // Only work keeps the process alive.
        this.#worker.unref()
        done(true)
      })
      // An error is always followed by the exit; what it says may quote the text.
      this.#worker.on('error', () => undefined)
      this.#worker.once('exit', () => {
        this.#break()
        done(false)
      })
    })
  }

  /** Parses a batch (of at least one) within a time. Only one batch at a time may be given, and only once it is ready. */
  run(batch: readonly Job[], timeoutMs: number): Promise<BatchOutcome> {
    return new Promise((resolve) => {
      if (this.#isBroken) {
        resolve({ answers: [], brokenAt: -1 })
        return
      }
      Atomics.store(this.#working, 0, -1)
      const timer = setTimeout(() => {
        this.#break()
      }, timeoutMs)
      this.#settle = (outcome) => {
        clearTimeout(timer)
        this.#settle = undefined
        this.#worker.unref()
        resolve(outcome)
      }
      this.#expected = batch.length
      this.#worker.ref()
      this.#worker.postMessage(batch)
    })
  }

  #answered(reply: BatchReply): void {
    const { answers } = reply
    if (answers.length === this.#expected) this.#settle?.({ answers })
    else {
      this.#settle?.({ answers, brokenAt: answers.length })
      void this.dispose()
    }
  }

  /** Blames the job in work and gives up on the worker. */
  #break(): void {
    this.#isBroken = true
    this.#settle?.({ answers: [], brokenAt: Atomics.load(this.#working, 0) })
    void this.dispose()
  }

  /** Ends the worker, whatever it is doing; resolves when it is gone. */
  async dispose(): Promise<void> {
    this.#isBroken = true
    await this.#worker.terminate()
  }
}
