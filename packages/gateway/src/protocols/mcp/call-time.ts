import { GatewayError } from '#model'

/**
 * The time that one call has, for waiting and running together: until it is over, or one of the signals is aborted. `AbortSignal.any` would stay
 * with a session's signal as long as that lives.
 */
export class CallTime implements Disposable {
  /** Aborted with `SP_TOOL_TIMEOUT`, or with the reason of the signal that was. */
  readonly signal: AbortSignal
  readonly #ends: readonly AbortSignal[]
  readonly #controller = new AbortController()
  readonly #late: NodeJS.Timeout

  constructor(seconds: number, ends: readonly AbortSignal[]) {
    this.signal = this.#controller.signal
    this.#ends = ends
    this.#late = setTimeout(() => {
      this.#controller.abort(new GatewayError('SP_TOOL_TIMEOUT'))
    }, seconds * 1_000)
    for (const end of ends) end.addEventListener('abort', this.#stop, { once: true })
    if (ends.some(({ aborted }) => aborted)) this.#stop()
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#late)
    for (const end of this.#ends) end.removeEventListener('abort', this.#stop)
  }

  readonly #stop = (): void => {
    this.#controller.abort(this.#ends.find(({ aborted }) => aborted)?.reason)
  }
}
