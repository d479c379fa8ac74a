import type { Clock } from '#base'

/** How much is too much. */
export interface ThrottleLimits {
  readonly windowMs: number
  readonly perAddress: number
  readonly inAll: number
}

/** An office behind one address, all logging in at once, stays below the first; each leaves a row in the store for some minutes. */
const BEGINNING_LIMITS: ThrottleLimits = { windowMs: 60_000, perAddress: 120, inAll: 3000 }
/** A login has three steps here at most, and each way to the identity provider leaves a row too. */
export const STEP_LIMITS: ThrottleLimits = { windowMs: 60_000, perAddress: 480, inAll: 12_000 }
/** An application registers once on a machine; each leaves a row in the store for a day. */
export const REGISTRATION_LIMITS: ThrottleLimits = { windowMs: 60 * 60_000, perAddress: 120, inAll: 1000 }
/** Addresses counted at once; beyond that only the sum counts. */
const MAX_ADDRESSES = 10_000

/** Bounds how often something can be done that anybody can do, and that is kept for a while. */
export class Throttle {
  readonly #clock: Clock
  readonly #limits: ThrottleLimits
  readonly #counts = new Map<string, number>()
  #sum = 0
  #windowEndsAtMs = 0

  constructor(clock: Clock, limits: ThrottleLimits = BEGINNING_LIMITS) {
    this.#clock = clock
    this.#limits = limits
  }

  /** Counts one attempt; false when it is one too many. */
  admit(address: string): boolean {
    const now = this.#clock.monotonicMs()
    if (now >= this.#windowEndsAtMs) {
      this.#counts.clear()
      this.#sum = 0
      this.#windowEndsAtMs = now + this.#limits.windowMs
    }
    const key = networkOf(address)
    const count = (this.#counts.get(key) ?? 0) + 1
    if (count > 1 || this.#counts.size < MAX_ADDRESSES) this.#counts.set(key, count)
    this.#sum += 1
    return count <= this.#limits.perAddress && this.#sum <= this.#limits.inAll
  }
}

/** One household has a whole /64 of IPv6. */
function networkOf(address: string): string {
  return address.includes(':') && !address.includes('.') ? address.split(':').slice(0, 4).join(':') : address
}
