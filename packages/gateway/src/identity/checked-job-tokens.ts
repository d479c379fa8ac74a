import { hash } from 'node:crypto'
import type { JobToken } from './job-tokens.ts'

/** A key that its issuer withdraws is trusted until our copy of the keys is ten minutes old; this adds a minute at most. */
const KEPT_MS = 60_000
const MAX_KEPT = 4096

interface Checked {
  readonly token: JobToken
  readonly fromMs: number
  readonly untilMs: number
}

/**
 * Job tokens that were accepted within the last minute: an agent sends its token with each request, and checking a signature takes longer than all
 * else. Kept by digest, for one audience, and not beyond the end of the token. Whether it was revoked is for the caller to ask each time.
 */
export class CheckedJobTokens {
  readonly #kept = new Map<string, Checked>()

  get(text: string, audience: string, nowMs: number): JobToken | undefined {
    const checked = this.#kept.get(keyOf(text, audience))
    // A clock that was set back may lie before what the token says of its beginning.
    return checked !== undefined && nowMs >= checked.fromMs && nowMs < checked.untilMs ? checked.token : undefined
  }

  set(text: string, audience: string, { token, nowMs }: { readonly token: JobToken; readonly nowMs: number }): void {
    const key = keyOf(text, audience)
    this.#kept.delete(key)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size >= MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest)
    this.#kept.set(key, { token, fromMs: nowMs, untilMs: Math.min(nowMs + KEPT_MS, token.expiresAtMs) })
  }
}

function keyOf(text: string, audience: string): string {
  return hash('sha256', `${text}\n${audience}`, 'base64')
}
