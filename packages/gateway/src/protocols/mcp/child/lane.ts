import { GatewayError } from '#model'

/** One at a time; the others wait in order, and only so many. */
export class Lane {
  readonly #maxWaiting: number
  readonly #waiting: (() => void)[] = []
  #isTaken = false

  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting
  }

  get isFree(): boolean {
    return !this.#isTaken
  }

  /**
   * Waits for its turn; resolves to what ends it. Whoever gives up while waiting is out of the queue.
   *
   * @param signals each of them ends the waiting.
   * @throws {GatewayError} `SP_BUSY`; or a signal's reason.
   */
  async enter(...signals: readonly AbortSignal[]): Promise<() => void> {
    for (const signal of signals) signal.throwIfAborted()
    // Most find it free, and joining signals costs more than all the rest.
    if (this.#isTaken) await this.#turn(AbortSignal.any([...signals]))
    this.#isTaken = true
    let isOver = false
    return () => {
      if (!isOver) this.#leave()
      isOver = true
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    if (this.#waiting.length >= this.#maxWaiting) {
      const many = `no more than ${String(this.#maxWaiting)} may wait`
      throw new GatewayError('SP_BUSY', `your MCP server does one call at a time, and of your calls ${many}`)
    }
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const begin = (): void => {
      resolve(true)
    }
    const giveUp = (): void => {
      const index = this.#waiting.indexOf(begin)
      if (index >= 0) this.#waiting.splice(index, 1)
      resolve(false)
    }
    this.#waiting.push(begin)
    signal.addEventListener('abort', giveUp, { once: true })
    const isOurs = await promise
    signal.removeEventListener('abort', giveUp)
    if (isOurs && signal.aborted) this.#leave()
    signal.throwIfAborted()
  }

  /** The next one's turn; it stays taken in between, because that one goes on in a later turn of the event loop. */
  #leave(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#isTaken = false
    else next()
  }
}
