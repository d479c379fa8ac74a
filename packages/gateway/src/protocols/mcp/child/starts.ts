/** A start that takes longer waits for something, or hangs: others do not wait for it. */
const TURN_MS = 2_000

/**
 * Lets servers start a few at a time, in order. A start is mostly work of the processor: of thirty that begin at once each takes thirty times as long, and
 * none is ready within its time; one after the other each is. Those that wait are children of the supervisor, which bounds them.
 */
export class Starts {
  readonly #atOnce: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  /** @param atOnce at least 1. */
  constructor(atOnce: number) {
    this.#atOnce = atOnce
  }

  /** Waits for a turn; to be disposed of when the server is ready or has failed. */
  async turn(): Promise<Disposable> {
    if (this.#running < this.#atOnce) this.#running++
    else await new Promise<void>((begin) => this.#waiting.push(begin))
    let isOver = false
    const end = (): void => {
      if (isOver) return
      isOver = true
      clearTimeout(late)
      this.#pass()
    }
    const late = setTimeout(end, TURN_MS).unref()
    return { [Symbol.dispose]: end }
  }

  /** The turn goes to the next one; when nobody waits, it is free. */
  #pass(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#running--
    else next()
  }
}
