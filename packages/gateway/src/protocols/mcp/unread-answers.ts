import type { ServerResponse } from 'node:http'

/** What is smaller the system takes at once, whether the client reads it or not. */
const LARGE_BYTES = 65_536

/** How much may lie ready that nobody takes. */
export interface UnreadLimits {
  /** Bytes of answers to one identity that its clients have not taken; with more, it gets no further ones. */
  readonly maxUnreadBytes: number
  /** A client that takes nothing of its answer for so long is let go. */
  readonly answerTimeoutMs: number
}

/** Keeps account of the answers that lie in memory until their clients take them. */
export class UnreadAnswers {
  readonly #limits: UnreadLimits
  /** Bytes by the id of the identity; none that has none. */
  readonly #bytes = new Map<string, number>()

  constructor(limits: UnreadLimits) {
    this.#limits = limits
  }

  /** Whether there is room for one more answer, however large that one is. */
  hasRoom(identityId: string): boolean {
    return (this.#bytes.get(identityId) ?? 0) < this.#limits.maxUnreadBytes
  }

  /** Counts an answer that is about to be sent, until its client has taken it or is gone. */
  count(identityId: string, response: ServerResponse, bytes: number): void {
    if (bytes < LARGE_BYTES || response.closed) return
    response.setTimeout(this.#limits.answerTimeoutMs)
    this.#add(identityId, bytes)
    response.once('close', () => {
      this.#add(identityId, -bytes)
    })
  }

  #add(identityId: string, bytes: number): void {
    const sum = (this.#bytes.get(identityId) ?? 0) + bytes
    if (sum === 0) this.#bytes.delete(identityId)
    else this.#bytes.set(identityId, sum)
  }
}
