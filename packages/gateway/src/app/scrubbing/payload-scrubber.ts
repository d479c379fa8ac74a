import { setTimeout as delay } from 'node:timers/promises'
import type { Bytes } from '#base'
import type { Log, PayloadScrubber, Scrubber } from '#model'
import { ScrubThread } from './scrub-thread.ts'

/** What bounds the scrubbing of payloads; given by tests only. */
export interface ScrubLimits {
  /** From so many bytes on a payload is scrubbed in the other thread: the worst text of this size takes this one about two milliseconds. */
  readonly largeBytes: number
  /** From so many bytes on the rest of a batch is scrubbed there, however small its payloads are. */
  readonly batchBytes: number
  /** Payloads that may wait, and their bytes. */
  readonly waiting: number
  readonly waitingBytes: number
  /** Payloads that the thread gets at once, in bytes; at least one. */
  readonly orderBytes: number
  /** From when a payload is handed over until it is scrubbed or given up. */
  readonly waitMs: number
  /** From when the thread has it. */
  readonly workMs: number
  /** How long after a thread broke another is started. */
  readonly restartMs: number
}

const DEFAULT_LIMITS: ScrubLimits = {
  largeBytes: 16_384,
  batchBytes: 65_536,
  waiting: 16_384,
  waitingBytes: 33_554_432,
  orderBytes: 1_048_576,
  waitMs: 10_000,
  workMs: 5_000,
  restartMs: 250,
}

/** How payloads are scrubbed. */
export interface PayloadScrubberOptions {
  /** For small payloads, in this thread. */
  readonly scrubber: Scrubber
  readonly log: Log
  readonly limits?: Partial<ScrubLimits>
  /** What runs in the other thread, for tests. */
  readonly entry?: URL
}

/** A payload that waits for the thread. */
interface Waiting {
  readonly payload: Bytes
  readonly resolve: (scrubbed: Bytes | undefined) => void
  readonly late: NodeJS.Timeout
}

/**
 * Scrubs small payloads at once and large ones in a thread of its own, so that nobody else's statements wait for them. The thread is replaced
 * when it breaks. Whatever goes wrong, the answer is `undefined`, and the operation is not carried out.
 */
export class ThreadedScrubber implements PayloadScrubber, AsyncDisposable {
  readonly #scrubber: Scrubber
  readonly #log: Log
  readonly #limits: ScrubLimits
  readonly #entry: URL
  readonly #waiting = new Set<Waiting>()
  #waitingBytes = 0
  #thread: ScrubThread | undefined
  #isWorking = false
  #isClosed = false
  readonly #closing = new AbortController()

  constructor({ scrubber, log, limits, entry }: PayloadScrubberOptions) {
    this.#scrubber = scrubber
    this.#log = log
    this.#limits = { ...DEFAULT_LIMITS, ...limits }
    this.#entry = entry ?? new URL('./scrub-worker.ts', import.meta.url)
  }

  /** Starts the thread, so that the first large payload need not wait for it. */
  async start(): Promise<void> {
    await this.#running()
  }

  scrub(payload: Bytes, ahead = 0): Bytes | undefined | Promise<Bytes | undefined> {
    const { largeBytes, batchBytes } = this.#limits
    const isSmall = payload.length < largeBytes && ahead + payload.length < batchBytes
    return isSmall ? this.#scrubHere(payload) : this.#enqueue(payload)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    this.#closing.abort()
    for (const waiting of this.#waiting) this.#settle(waiting, undefined)
    await this.#thread?.dispose()
  }

  #scrubHere(payload: Bytes): Bytes | undefined {
    try {
      return this.#scrubber.scrub(payload)
    } catch {
      this.#failed('threw', payload)
      return undefined
    }
  }

  #enqueue(payload: Bytes): Promise<Bytes | undefined> {
    const { waiting, waitingBytes, waitMs } = this.#limits
    if (this.#isClosed) return Promise.resolve(undefined)
    if (this.#waiting.size >= waiting || this.#waitingBytes + payload.length > waitingBytes) {
      this.#failed('full', payload)
      return Promise.resolve(undefined)
    }
    return new Promise((resolve) => {
      const late = setTimeout(() => {
        this.#failed('late', payload)
        this.#settle(entry, undefined)
      }, waitMs)
      const entry: Waiting = { payload, resolve, late }
      this.#waiting.add(entry)
      this.#waitingBytes += payload.length
      void this.#work()
    })
  }

  /** Gives the thread what waits, the longest waiting first. */
  async #work(): Promise<void> {
    if (this.#isWorking) return
    this.#isWorking = true
    while (this.#waiting.size > 0) {
      const thread = await this.#running()
      if (this.#isClosed) break
      if (thread !== undefined) await this.#scrubThere(this.#nextOrder(), thread)
    }
    this.#isWorking = false
  }

  /** What has waited longest, as much as the thread gets at once. */
  #nextOrder(): readonly Waiting[] {
    const order: Waiting[] = []
    let bytes = 0
    for (const waiting of this.#waiting) {
      bytes += waiting.payload.length
      if (order.length > 0 && bytes > this.#limits.orderBytes) break
      order.push(waiting)
    }
    return order
  }

  async #scrubThere(order: readonly Waiting[], thread: ScrubThread): Promise<void> {
    const payloads = order.map(({ payload }) => payload)
    const scrubbed = await thread.scrub(payloads, this.#limits.workMs)
    for (const [index, waiting] of order.entries()) {
      if (scrubbed === undefined && !this.#isClosed) this.#failed('broke', waiting.payload)
      this.#settle(waiting, scrubbed?.[index])
    }
  }

  /** The thread, ready; a new one after a moment when the last one broke. */
  async #running(): Promise<ScrubThread | undefined> {
    if (this.#thread?.isGone === true) {
      this.#thread = undefined
      await delay(this.#limits.restartMs, undefined, { signal: this.#closing.signal }).catch(() => undefined)
    }
    if (this.#isClosed) return undefined
    this.#thread ??= new ScrubThread(this.#entry)
    return (await this.#thread.ready) ? this.#thread : undefined
  }

  #settle(waiting: Waiting, scrubbed: Bytes | undefined): void {
    if (!this.#waiting.delete(waiting)) return
    this.#waitingBytes -= waiting.payload.length
    clearTimeout(waiting.late)
    waiting.resolve(scrubbed)
  }

  #failed(why: 'threw' | 'full' | 'late' | 'broke', payload: Bytes): void {
    this.#log.error('scrubber.failed', { why, bytes: payload.length, waiting: this.#waiting.size })
  }
}
