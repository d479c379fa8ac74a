import type { Clock } from '#base'
import { GatewayError } from '#model'

const FIRST_MS = 250
const LONGEST_MS = 30_000
/** Remembered at most; the oldest is forgotten first. */
const MAX_REMEMBERED = 1_000

interface Setback {
  readonly count: number
  readonly untilMs: number
  readonly why: string
}

/** Servers that failed, by key: each failure in a row makes the next start wait longer. */
export class Setbacks {
  readonly #clock: Clock
  readonly #byKey = new Map<string, Setback>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @throws {GatewayError} `SP_TOOL_SERVER_FAILED` while it has to wait. */
  demandCalm(key: string): void {
    const setback = this.#byKey.get(key)
    const leftMs = (setback?.untilMs ?? 0) - this.#clock.monotonicMs()
    if (setback === undefined || leftMs <= 0) return
    const seconds = Math.ceil(leftMs / 1_000)
    throw new GatewayError('SP_TOOL_SERVER_FAILED', `${setback.why}; it is started again in ${seconds} s`)
  }

  note(key: string, why: string): void {
    const count = (this.#byKey.get(key)?.count ?? 0) + 1
    this.#byKey.delete(key)
    const [oldest] = this.#byKey.keys()
    if (oldest !== undefined && this.#byKey.size >= MAX_REMEMBERED) this.#byKey.delete(oldest)
    const waitMs = Math.min(FIRST_MS * 2 ** (count - 1), LONGEST_MS)
    this.#byKey.set(key, { count, untilMs: this.#clock.monotonicMs() + waitMs, why })
  }

  /** It did what it should. */
  forget(key: string): void {
    this.#byKey.delete(key)
  }
}
