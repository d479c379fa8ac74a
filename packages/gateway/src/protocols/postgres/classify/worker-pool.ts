import type { WorkerSource } from './lane.ts'
import { ParserWorker } from './parser-worker.ts'

/** Gives out parsing workers and keeps one more warm, so that the loss of one costs nobody the start of another. */
export class WorkerPool implements WorkerSource {
  #spare: ParserWorker | undefined
  readonly #given = new Set<ParserWorker>()
  readonly #isBackground: boolean
  #isClosed = false

  constructor(isBackground: boolean) {
    this.#isBackground = isBackground
  }

  /** Starts the spare. */
  warm(): void {
    if (!this.#isClosed) this.#spare ??= new ParserWorker(this.#isBackground)
  }

  /** Hands out a worker that is up, or undefined when none came up. */
  async take(): Promise<ParserWorker | undefined> {
    if (this.#isClosed) return undefined
    const worker = this.#spare ?? new ParserWorker(this.#isBackground)
    this.#spare = undefined
    this.#given.add(worker)
    const isReady = await worker.ready
    // Only now: two workers that start at once take twice as long.
    this.warm()
    if (isReady) return worker
    this.discard(worker)
    return undefined
  }

  /** Ends a worker that was handed out. */
  discard(worker: ParserWorker): void {
    this.#given.delete(worker)
    void worker.dispose()
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
