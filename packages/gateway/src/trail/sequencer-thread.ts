import { Worker } from 'node:worker_threads'
import type { Bytes } from '#base'
import type { Board } from './board.ts'
import type { SequencerReport } from './sequencer-loop.ts'

/** What the sequencer's thread is started with. */
export interface SequencerOrder {
  readonly folder: string
  readonly walFolder: string
  readonly origin: string
  readonly seed: Bytes
  readonly dayKeys: ReadonlyMap<string, Bytes>
  readonly memory: SharedArrayBuffer
}

/** Whatever runs the sequencer: a thread, or in tests this one. */
export interface SequencerHost {
  /** Passes a new day key on; before the first frame under it is written. */
  addDayKey(id: string, key: Bytes): void
  /** Forgets a day key that was erased. */
  dropDayKey(id: string): void
  /** Resolves when the sequencer has taken in what is durable, signed it and ended, or was made to. */
  stop(timeoutMs: number): Promise<void>
}

/** What becomes of a host: its reports, and its end when nobody asked for it. */
export interface HostListener {
  report(report: SequencerReport): void
  died(error: string): void
}

/** How long a thread that died is waited for before another is started. */
const RESTART_MS = 1_000

/** Runs the sequencer in a thread of its own and starts another when it dies. */
export class SequencerThread implements SequencerHost {
  readonly #order: SequencerOrder
  readonly #dayKeys: Map<string, Bytes>
  readonly #board: Board
  readonly #listener: HostListener
  #worker: Worker
  #restart: NodeJS.Timeout | undefined
  #isRefused = false

  constructor(order: Omit<SequencerOrder, 'memory'>, board: Board, listener: HostListener) {
    this.#order = { ...order, memory: board.memory }
    this.#dayKeys = new Map(order.dayKeys)
    this.#board = board
    this.#listener = listener
    this.#worker = this.#start()
  }

  addDayKey(id: string, key: Bytes): void {
    if (this.#dayKeys.has(id)) return
    this.#dayKeys.set(id, key)
    this.#worker.postMessage([id, key])
  }

  dropDayKey(id: string): void {
    this.#dayKeys.delete(id)
    this.#worker.postMessage([id, undefined])
  }

  async stop(timeoutMs: number): Promise<void> {
    this.#board.isStopping = true
    clearTimeout(this.#restart)
    const ended = new Promise<void>((resolve) => {
      this.#worker.once('exit', () => resolve())
    })
    if (this.#worker.threadId === -1) return
    const timer = setTimeout(() => void this.#worker.terminate(), timeoutMs)
    await ended
    clearTimeout(timer)
  }

  #start(): Worker {
    const workerData: SequencerOrder = { ...this.#order, dayKeys: this.#dayKeys }
    const worker = new Worker(new URL('./sequencer-worker.ts', import.meta.url), { workerData, name: 'sequencer' })
    let death = 'exited'
    worker.on('message', (report: SequencerReport) => {
      if (report.kind === 'refused') this.#isRefused = true
      this.#listener.report(report)
    })
    worker.on('error', (error: unknown) => {
      death = error instanceof Error ? error.message : String(error)
    })
    worker.on('exit', () => this.#exited(death))
    return worker
  }

  #exited(death: string): void {
    if (this.#board.isStopping || this.#isRefused) return
    this.#listener.died(death)
    this.#restart = setTimeout(() => {
      this.#worker = this.#start()
    }, RESTART_MS)
  }
}
