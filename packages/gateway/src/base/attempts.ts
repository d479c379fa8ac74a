import type { Clock } from './clock.ts'

const WINDOW_MS = 60_000
/** Who is remembered at most; the one whose window began first is forgotten first. */
const MAX_REMEMBERED = 10_000

/** Counts what failed, by who tried it, within a minute: nobody may guess secrets in a loop, or fill the trail with records of what failed. */
export class FailedAttempts {
  readonly #clock: Clock
  readonly #max: number
  readonly #byWho = new Map<string, { count: number; readonly sinceMs: number }>()

  /** @param max of one address, session or whoever tries, within the window. */
  constructor(clock: Clock, max: number) {
    this.#clock = clock
    this.#max = max
  }

  /** Whether so many of theirs failed just now that no more are looked at. */
  isBlocked(who: string): boolean {
    return (this.#current(who)?.count ?? 0) >= this.#max
  }

  /** Notes one that failed. */
  note(who: string): void {
    const entry = this.#current(who)
    if (entry !== undefined) {
      entry.count++
      return
    }
    this.#byWho.delete(who)
    const [oldest] = this.#byWho.keys()
    if (this.#byWho.size >= MAX_REMEMBERED && oldest !== undefined) this.#byWho.delete(oldest)
    this.#byWho.set(who, { count: 1, sinceMs: this.#clock.monotonicMs() })
  }

  #current(who: string): { count: number } | undefined {
    const entry = this.#byWho.get(who)
    return entry === undefined || this.#clock.monotonicMs() - entry.sinceMs > WINDOW_MS ? undefined : entry
  }
}
