import type { Clock } from '#base'

const WINDOW_MS = 60_000
/** An office behind one address, all logging in at once, stays below this. */
const PER_ADDRESS = 120
/** Each of these leaves a row in the store for some minutes. */
const IN_ALL = 3000
/** Addresses counted at once; beyond that only the sum counts. */
const MAX_ADDRESSES = 10_000

/** Bounds how often logins can be begun: anybody can, and each is kept for some minutes. */
export class Throttle {
  readonly #clock: Clock
  readonly #counts = new Map<string, number>()
  #sum = 0
  #windowEndsAtMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Counts one attempt; false when it is one too many. */
  admit(address: string): boolean {
    const now = this.#clock.monotonicMs()
    if (now >= this.#windowEndsAtMs) {
      this.#counts.clear()
      this.#sum = 0
      this.#windowEndsAtMs = now + WINDOW_MS
    }
    const key = networkOf(address)
    const count = (this.#counts.get(key) ?? 0) + 1
    if (count > 1 || this.#counts.size < MAX_ADDRESSES) this.#counts.set(key, count)
    this.#sum += 1
    return count <= PER_ADDRESS && this.#sum <= IN_ALL
  }
}

/** One household has a whole /64 of IPv6. */
function networkOf(address: string): string {
  return address.includes(':') && !address.includes('.') ? address.split(':').slice(0, 4).join(':') : address
}
