import type { Clock } from '#base'
import { FairQueue } from './fair-queue.ts'
import type { Parsed } from './parse.ts'
import type { BatchOutcome } from './parser-worker.ts'
import type { Job } from './worker.ts'

/** What takes batches: a parsing worker. */
export interface BatchWorker {
  run(batch: readonly Job[], timeoutMs: number): Promise<BatchOutcome>
}

/** Where a lane has its workers from. */
export interface WorkerSource {
  /** A worker that is up, or undefined when none came up. */
  take(): Promise<BatchWorker | undefined>
  /** Ends a worker. */
  discard(worker: BatchWorker): void
}

/** What may wait, how it is taken, and for how long. */
export interface LaneLimits {
  readonly workers: number
  /** Texts in one message to a worker. */
  readonly batch: number
  /** Texts that may wait, of all sessions and of one. */
  readonly queued: number
  readonly queuedPerSession: number
  /** UTF-16 units of text that may wait. */
  readonly queuedLength: number
  /** How long a text may wait, in seconds (up to one more). */
  readonly waitSeconds: number
  /** How long a batch may take in a worker, in milliseconds. */
  readonly timeoutMs: number
  /** A worker is replaced when it has parsed this much text, in UTF-16 units: its memory grows and never shrinks. */
  readonly recycleLength: number
  /** How long the lane rests when a worker broke, in milliseconds: starting the next one costs the machine some 100 ms. */
  readonly restMs: number
  /** How long it rests after a batch, as a share of the time that it took: whoever keeps the lane busy leaves that of the machine to others. */
  readonly restShare: number
}

/** What a lane works with. */
export interface LanePorts {
  readonly clock: Clock
  /** Is told whose text broke a worker. */
  readonly onBreak: (session: object) => void
}

/** What became of a text in a lane. */
export type LaneResult = Parsed | { readonly kind: 'broken' } | { readonly kind: 'busy' }

interface Ticket {
  readonly job: Job
  readonly session: object
  readonly settle: (result: LaneResult) => void
  /** Whether it already was in a batch whose worker broke at another text. */
  isRetry: boolean
  /** When it came, in ticks of the lane. */
  readonly tick: number
}

const BROKEN: LaneResult = { kind: 'broken' }
const BUSY: LaneResult = { kind: 'busy' }

/** After so many workers in a row that did not come up, what waits is given up. */
const MAX_FAILED_STARTS = 3

/**
 * Texts on their way to workers of their own. All that waits at the end of a turn goes in one message, one text of each session after the
 * other. When a worker breaks, the text that broke it fails and the others of its batch are tried again, each alone, on a fresh worker.
 */
export class Lane {
  readonly #pool: WorkerSource
  readonly #limits: LaneLimits
  readonly #ports: LanePorts
  readonly #queue = new FairQueue<Ticket>()
  readonly #retries: Ticket[] = []
  #queuedLength = 0
  #running = 0
  #isScheduled = false
  /** Workers of this lane that have nothing to do. */
  readonly #idle: BatchWorker[] = []
  /** UTF-16 units that each worker has parsed. */
  readonly #parsedLength = new WeakMap<BatchWorker, number>()
  /** Seconds in which something waited. */
  #tick = 0
  #ticker: NodeJS.Timeout | undefined

  constructor(pool: WorkerSource, limits: LaneLimits, ports: LanePorts) {
    this.#pool = pool
    this.#limits = limits
    this.#ports = ports
  }

  /** Parses a text as soon as its session's turn comes. Never rejects. */
  submit(job: Job, session: object): Promise<LaneResult> {
    const isFull =
      this.#queue.size >= this.#limits.queued ||
      this.#queue.sizeOf(session) >= this.#limits.queuedPerSession ||
      this.#queuedLength + job.text.length > this.#limits.queuedLength
    if (isFull) return Promise.resolve(BUSY)
    return new Promise((settle) => {
      this.#queue.push(session, { job, session, settle, isRetry: false, tick: this.#tick })
      this.#queuedLength += job.text.length
      this.#schedule()
    })
  }

  /** Ends what waits. */
  close(): void {
    for (const ticket of [...this.#retries.splice(0), ...this.#expire(() => true)]) ticket.settle(BROKEN)
  }

  #schedule(): void {
    this.#keepTime()
    if (this.#isScheduled || this.#running >= this.#limits.workers) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      while (this.#running < this.#limits.workers && this.#hasWork()) void this.#serve()
    })
  }

  #hasWork(): boolean {
    return this.#retries.length > 0 || this.#queue.size > 0
  }

  /** Lets one worker work until nothing waits. */
  async #serve(): Promise<void> {
    this.#running++
    try {
      while (this.#hasWork()) {
        const worker = await this.#worker()
        if (worker === undefined) this.close()
        else await this.#serveBatches(worker)
      }
    } finally {
      this.#running--
    }
  }

  async #worker(): Promise<BatchWorker | undefined> {
    const idle = this.#idle.pop()
    if (idle !== undefined) return idle
    for (let failures = 0; failures < MAX_FAILED_STARTS; failures++) {
      const worker = await this.#pool.take()
      if (worker !== undefined) return worker
    }
    return undefined
  }

  /** Gives batches to a worker until nothing waits or it must go. */
  async #serveBatches(worker: BatchWorker): Promise<void> {
    for (;;) {
      const batch = this.#nextBatch()
      if (batch.length === 0) {
        this.#idle.push(worker)
        return
      }
      const jobs = batch.map((ticket) => ticket.job)
      const beganMs = this.#ports.clock.monotonicMs()
      const outcome = await worker.run(jobs, this.#limits.timeoutMs)
      const tookMs = this.#ports.clock.monotonicMs() - beganMs
      this.#settle(batch, outcome.answers, outcome.brokenAt)
      if (outcome.brokenAt !== undefined) {
        this.#pool.discard(worker)
        if (this.#limits.restMs > 0) await rest(this.#limits.restMs)
        return
      }
      if (this.#limits.restShare > 0) await rest(tookMs * this.#limits.restShare)
      const parsed = jobs.reduce((length, job) => length + job.text.length, this.#parsedLength.get(worker) ?? 0)
      this.#parsedLength.set(worker, parsed)
      if (parsed > this.#limits.recycleLength) {
        this.#pool.discard(worker)
        return
      }
    }
  }

  #nextBatch(): readonly Ticket[] {
    const retry = this.#retries.shift()
    if (retry !== undefined) return [retry]
    const batch: Ticket[] = []
    while (batch.length < this.#limits.batch) {
      const ticket = this.#queue.take()
      if (ticket === undefined) break
      this.#queuedLength -= ticket.job.text.length
      batch.push(ticket)
    }
    return batch
  }

  #settle(batch: readonly Ticket[], answers: readonly Parsed[], brokenAt: number | undefined): void {
    for (const [index, ticket] of batch.entries()) {
      const answer = answers[index]
      const isCulprit = index === brokenAt
      if (answer !== undefined) ticket.settle(answer)
      else if (isCulprit || ticket.isRetry) ticket.settle(BROKEN)
      else {
        ticket.isRetry = true
        this.#retries.push(ticket)
      }
      if (isCulprit) this.#ports.onBreak(ticket.session)
    }
  }

  /** Counts seconds while something waits, and gives up on what waited too long. */
  #keepTime(): void {
    if (this.#ticker !== undefined) return
    this.#ticker = setInterval(() => {
      this.#tick++
      const oldest = this.#tick - this.#limits.waitSeconds
      for (const ticket of this.#expire((waiting) => waiting.tick < oldest)) ticket.settle(BUSY)
      if (this.#hasWork()) return
      clearInterval(this.#ticker)
      this.#ticker = undefined
    }, 1000)
    this.#ticker.unref()
  }

  #expire(test: (ticket: Ticket) => boolean): readonly Ticket[] {
    const expired = this.#queue.remove(test)
    for (const ticket of expired) this.#queuedLength -= ticket.job.text.length
    return expired
  }
}

function rest(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds)
  })
}
