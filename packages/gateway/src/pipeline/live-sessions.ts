import type { Clock } from '#base'
import type { Revocation, Session, SessionEnd } from '#model'

/** An open session as administrators see it. */
export interface LiveSession {
  readonly session: Session
  readonly lastActiveMs: number
  readonly operations: number
  readonly running: number
}

/** What may be open at once over all sessions; one identity may have a quarter of it, so that nobody shuts the others out. */
export interface SessionLimits {
  readonly sessions: number
  /** Operations without an outcome. */
  readonly operations: number
}

/** The part of each limit that one identity may use. */
const IDENTITY_SHARE = 1 / 4

/** What one identity has open. Changed by its sessions' gates in their turns only. */
export interface Holdings {
  sessions: number
  /** Permits handed out or about to be, and not completed. */
  operations: number
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
  /** Of its identity, over all sessions. */
  readonly holdings: Holdings
}

/** All open sessions, and the rules that end them. */
export class LiveSessions {
  readonly #entries = new Map<string, SessionEntry>()
  /** Revocations seen by sessions that are just being opened: their credential may have been verified before. */
  readonly #watches = new Set<Revocation[]>()
  /** By the id of the identity; of those that have a session. */
  readonly #holdings = new Map<string, Holdings>()
  readonly #clock: Clock
  readonly #limits: SessionLimits
  /** Operations that one identity may have open. */
  readonly operationsEach: number
  readonly #sessionsEach: number

  constructor(clock: Clock, limits: SessionLimits) {
    this.#clock = clock
    this.#limits = limits
    this.operationsEach = shareOf(limits.operations)
    this.#sessionsEach = shareOf(limits.sessions)
  }

  /** Whether there is no room for any session. */
  get isFull(): boolean {
    return this.#entries.size >= this.#limits.sessions
  }

  /** Whether this identity may open one more session. */
  hasRoomFor(identityId: string): boolean {
    return !this.isFull && this.holdingsOf(identityId).sessions < this.#sessionsEach
  }

  /** What an identity has open; of one without a session, nothing. */
  holdingsOf(identityId: string): Holdings {
    return this.#holdings.get(identityId) ?? { sessions: 0, operations: 0 }
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

  /** Lists a session, whose holdings are those of its identity. */
  add(entry: SessionEntry): void {
    this.#entries.set(entry.session.id, entry)
    this.#holdings.set(entry.session.identity.id, entry.holdings)
    entry.holdings.sessions++
  }

  remove(id: string): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    this.#entries.delete(id)
    entry.holdings.sessions--
    if (entry.holdings.sessions === 0) this.#holdings.delete(entry.session.identity.id)
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

/** The share of one identity: at least 1, or nobody could do anything. */
function shareOf(limit: number): number {
  return Math.max(1, Math.floor(limit * IDENTITY_SHARE))
}
