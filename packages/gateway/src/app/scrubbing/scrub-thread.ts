import { Worker } from 'node:worker_threads'
import type { Bytes } from '#base'

/** A thread that is not up by then is no use (milliseconds). */
const START_TIMEOUT_MS = 15_000

/** Heap of the thread in MB; payloads lie outside it. */
const HEAP_MB = 64

/** What the thread is given; its answer is the same bytes, scrubbed. */
export interface ScrubOrder {
  /** Payloads, one behind the other. */
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Where each of them ends. */
  readonly ends: readonly number[]
}

/** This side of one scrubbing thread: one order at a time, never a rejection, and after a fault only disposal. */
export class ScrubThread {
  readonly #worker: Worker
  /** Ends the wait for the order in work. */
  #settle: ((scrubbed: Bytes | undefined) => void) | undefined
  #isGone = false
  /** Resolves when it came up, or did not. */
  readonly ready: Promise<boolean>

  /** `entry` is the file that runs in it. */
  constructor(entry: URL) {
    this.#worker = new Worker(entry, {
      name: 'scrubber',
      env: {},
      // Of the flags of this process only how our own modules are found.
      execArgv: process.execArgv.filter((option) => option.startsWith('--conditions=')),
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: 16 },
      // What it prints when it breaks may quote a payload: kept from our own output, and read by nobody.
      stdout: true,
      stderr: true,
    })
    this.ready = this.#started()
  }

  /** Whether it can be given work no more. */
  get isGone(): boolean {
    return this.#isGone
  }

  /**
   * Scrubs payloads within a time, in copies of them; undefined when that failed, for all. Only one call at a time may be made, and only once
   * it is ready.
   */
  async scrub(payloads: readonly Bytes[], timeoutMs: number): Promise<readonly Bytes[] | undefined> {
    const bytes = new Uint8Array(payloads.reduce((sum, { length }) => sum + length, 0))
    let end = 0
    const ends = payloads.map((payload) => {
      bytes.set(payload, end)
      end += payload.length
      return end
    })
    const scrubbed = await this.#send({ bytes, ends }, timeoutMs)
    if (scrubbed?.length !== end) return undefined
    return ends.map((last, index) => scrubbed.subarray(ends[index - 1] ?? 0, last))
  }

  #send(order: ScrubOrder, timeoutMs: number): Promise<Bytes | undefined> {
    if (this.#isGone) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      const late = setTimeout(() => {
        this.#break()
      }, timeoutMs)
      this.#settle = (scrubbed) => {
        clearTimeout(late)
        this.#settle = undefined
        this.#worker.unref()
        resolve(scrubbed)
      }
      this.#worker.ref()
      this.#worker.postMessage(order, [order.bytes.buffer])
    })
  }

  /** Ends the thread, whatever it is doing; resolves when it is gone. */
  async dispose(): Promise<void> {
    this.#isGone = true
    this.#settle?.(undefined)
    await this.#worker.terminate()
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
        this.#worker.on('message', (scrubbed: Bytes | undefined) => {
          this.#settle?.(scrubbed)
        })
        // Only work keeps the process alive.
        this.#worker.unref()
        done(true)
      })
      // An error is always followed by the exit; what it says may quote the payload.
      this.#worker.on('error', () => undefined)
      this.#worker.once('exit', () => {
        this.#break()
        done(false)
      })
    })
  }

  #break(): void {
    void this.dispose()
  }
}
