/**
 * Cancels what a session runs, on one connection at a time, however often it is asked. Who asks while one is under way is served by it when the
 * same batch still runs; when another has begun, it is cancelled afterwards, if it is not over by then.
 */
export class Cancellation {
  readonly #send: () => Promise<void>
  readonly #running: () => object | undefined
  /** What the connection under way is to cancel. */
  #target: object | undefined
  #next: object | undefined

  /** `send` makes a connection and never rejects; `running` says what the server is at. */
  constructor(send: () => Promise<void>, running: () => object | undefined) {
    this.#send = send
    this.#running = running
  }

  /** Asks for it. */
  request(): void {
    const running = this.#running()
    if (running === undefined) return
    if (this.#target === undefined) void this.#cancel(running)
    else if (running !== this.#target) this.#next = running
  }

  async #cancel(target: object): Promise<void> {
    this.#target = target
    await this.#send()
    this.#target = undefined
    const next = this.#next
    this.#next = undefined
    if (next !== undefined && next === this.#running()) void this.#cancel(next)
  }
}
