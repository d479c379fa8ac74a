import type { Clock } from '#base'

const WINDOW_MS = 60_000
/** Refused tokens of one address within the window at most; people behind one address share it. */
const MAX_REFUSED = 60
/** Addresses remembered at most; the oldest is forgotten first. */
const MAX_ADDRESSES = 10_000

/** Counts refused tokens by address: each is a record, and nobody may write records without end before they are known. */
export class RefusedTokens {
  readonly #clock: Clock
  readonly #byAddress = new Map<string, { count: number; readonly untilMs: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether an address had too many refused just now. */
  isBlocked(address: string): boolean {
    return (this.#current(address)?.count ?? 0) >= MAX_REFUSED
  }

  /** Notes one more. */
  note(address: string): void {
    const entry = this.#current(address)
    if (entry !== undefined) {
      entry.count++
      return
    }
    const [oldest] = this.#byAddress.keys()
    if (this.#byAddress.size >= MAX_ADDRESSES && oldest !== undefined) this.#byAddress.delete(oldest)
    this.#byAddress.set(address, { count: 1, untilMs: this.#clock.monotonicMs() + WINDOW_MS })
  }

  #current(address: string): { count: number } | undefined {
    const entry = this.#byAddress.get(address)
    if (entry === undefined || this.#clock.monotonicMs() < entry.untilMs) return entry
    this.#byAddress.delete(address)
    return undefined
  }
}
