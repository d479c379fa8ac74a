import type { WorkerSource } from './lane.ts'
import { ParserWorker } from './parser-worker.ts'

/** What kind of workers a pool gives out. */
export interface WorkerPoolOptions {
  /** Whether they leave the processor to others. */
  readonly isBackground: boolean
  /** Whether one more than is in use is kept warm, so that the loss of one costs nobody the start of another; some 35 MB. */
  readonly keepsSpare: boolean
}

/** Gives out parsing workers, each to one taker, and starts the next one as soon as one is lost. */
export class WorkerPool implements WorkerSource {
  readonly #options: WorkerPoolOptions
  readonly #given = new Set<ParserWorker>()
  #spare: ParserWorker | undefined
  #isClosed = false

  constructor(options: WorkerPoolOptions) {
    this.#options = options
  }

  /** Hands out a worker that is up, or undefined when none came up. */
  async take(): Promise<ParserWorker | undefined> {
    if (this.#isClosed) return undefined
    const worker = this.#spare ?? this.#start()
    this.#spare = undefined
    if (worker === undefined) return undefined
    this.#given.add(worker)
    const isReady = await worker.ready
    // Only now: two workers that start at once take twice as long.
    if (this.#options.keepsSpare) this.#warm()
    if (isReady) return worker
    this.discard(worker)
    return undefined
  }

  /** Ends a worker that was handed out. */
  discard(worker: ParserWorker): void {
    this.#given.delete(worker)
    void worker.dispose()
    this.#warm()
  }

  /** A worker that may come up; undefined when the machine has no thread for it. */
  #start(): ParserWorker | undefined {
    try {
      return new ParserWorker(this.#options.isBackground)
    } catch {
      return undefined
    }
  }

  #warm(): void {
    if (!this.#isClosed) this.#spare ??= this.#start()
  }

  /** Ends them all; resolves when they are gone. */
  async close(): Promise<void> {
    this.#isClosed = true
    const workers = [...this.#given, ...(this.#spare === undefined ? [] : [this.#spare])]
    this.#spare = undefined
    this.#given.clear()
    await Promise.all(workers.map((worker) => worker.dispose()))
  }
}
