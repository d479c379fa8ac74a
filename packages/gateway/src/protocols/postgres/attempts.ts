import type { Clock } from '#base'

/** Failed logins of one address within the window at most. */
const MAX_FAILURES = 10
const WINDOW_MS = 60_000
/** Addresses remembered at most; the oldest is forgotten first. */
const MAX_ADDRESSES = 10_000

/** Counts failed logins by address, so that no flood of them is answered and recorded one by one. */
export class FailedAttempts {
  readonly #clock: Clock
  readonly #byAddress = new Map<string, { count: number; sinceMs: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether the address failed too often just now. */
  isBlocked(address: string): boolean {
    const entry = this.#byAddress.get(address)
    return entry !== undefined && entry.count >= MAX_FAILURES && !this.#isOld(entry.sinceMs)
  }

  /** Notes a failed login. */
  note(address: string): void {
    const entry = this.#byAddress.get(address)
    if (entry !== undefined && !this.#isOld(entry.sinceMs)) {
      entry.count++
      return
    }
    this.#byAddress.delete(address)
    const [oldest] = this.#byAddress.keys()
    if (this.#byAddress.size >= MAX_ADDRESSES && oldest !== undefined) this.#byAddress.delete(oldest)
    this.#byAddress.set(address, { count: 1, sinceMs: this.#clock.monotonicMs() })
  }

  #isOld(sinceMs: number): boolean {
    return this.#clock.monotonicMs() - sinceMs > WINDOW_MS
  }
}
