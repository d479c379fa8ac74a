/** Those who wait for an answer to a request, and are told at once. */
export class WaitingRoom {
  readonly #waiting = new Map<string, Set<() => void>>()

  /** Resolves when the request was answered or has ended, when the time is over, or when the signal aborts, whichever is first. */
  async wait(ref: string, timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || timeoutMs <= 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const others = this.#waiting.get(ref) ?? new Set()
    this.#waiting.set(ref, others.add(resolve))
    const timer = setTimeout(resolve, Math.min(timeoutMs, MAX_TIMEOUT_MS))
    const leave = (): void => resolve()
    signal.addEventListener('abort', leave, { once: true })
    try {
      await promise
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', leave)
      others.delete(resolve)
      if (others.size === 0 && this.#waiting.get(ref) === others) this.#waiting.delete(ref)
    }
  }

  /** Wakes everybody who waits for this request. */
  wake(ref: string): void {
    for (const resolve of this.#waiting.get(ref) ?? []) resolve()
  }
}

/** A longer timer of Node's would fire at once. */
const MAX_TIMEOUT_MS = 2_147_483_647
