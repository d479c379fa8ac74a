import type { Clock } from '#base'
import type { Revocation, Session, SessionEnd } from '#model'

/** An open session as administrators see it. */
export interface LiveSession {
  readonly session: Session
  readonly lastActiveMs: number
  readonly operations: number
  readonly running: number
}

/** What the book of live sessions knows of one. Owned by the session's gate; changed in its turns only. */
export interface SessionEntry {
  readonly session: Session
  readonly idleLimitMs: number | undefined
  readonly controller: AbortController
  lastActiveMonotonicMs: number
  operations: number
  /** Permits handed out and not completed. */
  running: number
}

/** All open sessions, and the rules that end them. */
export class LiveSessions {
  readonly #entries = new Map<string, SessionEntry>()
  /** Revocations seen by sessions that are just being opened: their credential may have been verified before. */
  readonly #watches = new Set<Revocation[]>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#entries.size
  }

  /** Begins to watch for revocations; to be called before a credential is verified, and ended by `unwatch`. */
  watch(): Revocation[] {
    const seen: Revocation[] = []
    this.#watches.add(seen)
    return seen
  }

  unwatch(seen: Revocation[]): void {
    this.#watches.delete(seen)
  }

  add(entry: SessionEntry): void {
    this.#entries.set(entry.session.id, entry)
  }

  remove(id: string): void {
    this.#entries.delete(id)
  }

  list(): readonly LiveSession[] {
    const offset = this.#clock.nowMs() - this.#clock.monotonicMs()
    return [...this.#entries.values()].map((entry) => ({
      session: entry.session,
      lastActiveMs: Math.round(entry.lastActiveMonotonicMs + offset),
      operations: entry.operations,
      running: entry.running,
    }))
  }

  /** Ends one session; false when there is none of that id. */
  end(id: string, end: SessionEnd): boolean {
    const entry = this.#entries.get(id)
    if (entry === undefined) return false
    entry.controller.abort(end)
    return true
  }

  /** Ends every session that a revocation touches; returns how many. */
  revoke(revocation: Revocation): number {
    for (const seen of this.#watches) seen.push(revocation)
    const end: SessionEnd = { kind: 'revoked', by: revocation.by, reason: revocation.reason }
    let ended = 0
    for (const { session, controller } of this.#entries.values()) {
      if (!isTouched(session, revocation)) continue
      controller.abort(end)
      ended++
    }
    return ended
  }

  /** Ends what has expired or idled; called every second or so. A running operation is not idleness. */
  sweep(): void {
    const now = this.#clock.nowMs()
    const monotonic = this.#clock.monotonicMs()
    for (const entry of this.#entries.values()) {
      if (now >= entry.session.endsAtMs) entry.controller.abort({ kind: 'expired' } satisfies SessionEnd)
      else if (isIdle(entry, monotonic)) entry.controller.abort({ kind: 'idle' } satisfies SessionEnd)
    }
  }

  endAll(end: SessionEnd): void {
    for (const entry of this.#entries.values()) entry.controller.abort(end)
  }
}

/** Whether a revocation is about a session's token, login or identity. */
export function isTouched(session: Session, revocation: Revocation): boolean {
  return (
    (revocation.tokenId !== undefined && session.tokenId === revocation.tokenId) ||
    (revocation.grantId !== undefined && session.grantId === revocation.grantId) ||
    (revocation.identityId !== undefined && session.identity.id === revocation.identityId)
  )
}

function isIdle(entry: SessionEntry, monotonicMs: number): boolean {
  if (entry.idleLimitMs === undefined || entry.running > 0) return false
  return monotonicMs - entry.lastActiveMonotonicMs >= entry.idleLimitMs
}
