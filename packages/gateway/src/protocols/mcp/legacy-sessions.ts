import { type Bytes, toHex } from '#base'
import type { OpenSession } from '#model'

/** A session of a client up to 2025-11-25: an id that it was given, and nothing that would let it in. */
export interface LegacySession {
  readonly id: string
  readonly version: string
  /** The session of the boundary that it was last used under; a renewed token has a new one. */
  open: OpenSession
  /** How to cancel what is under way, by the request's id. */
  readonly running: Map<string, AbortController>
}

/** MCP 2025-11-25, Session Management: "globally unique and cryptographically secure", "visible ASCII characters". */
const ID_BYTES = 32
/** Of one person or workload. */
const MAX_EACH = 256

/** The sessions of clients up to 2025-11-25. */
export class LegacySessions {
  /** By id; the one used longest ago first. */
  readonly #sessions = new Map<string, LegacySession>()
  readonly #random: (bytes: number) => Bytes
  readonly #max: number

  constructor(random: (bytes: number) => Bytes, max: number) {
    this.#random = random
    this.#max = max
  }

  /** Begins one. Who has too many loses the one that they used longest ago; so does everybody, when there are too many at all. */
  begin(open: OpenSession, version: string): LegacySession {
    const own = [...this.#sessions.values()].filter(
      (other) => other.open.session.identity.id === open.session.identity.id,
    )
    const oldest = own.length >= MAX_EACH ? own[0] : this.#sessions.size >= this.#max ? this.#first() : undefined
    if (oldest !== undefined) this.end(oldest)
    const session: LegacySession = { id: toHex(this.#random(ID_BYTES)), version, open, running: new Map() }
    this.#sessions.set(session.id, session)
    return session
  }

  /**
   * The session of an id, for whoever is let in now. MCP, Security Best Practices: "MCP servers SHOULD bind session IDs to user-specific
   * information": it is the same identity, through the same agent, under the same login, at the same resource; and the session of the boundary
   * has not ended. Anybody else is told what they would be told of an id that does not exist.
   */
  find(id: string, open: OpenSession): LegacySession | undefined {
    const session = this.#sessions.get(id)
    if (session === undefined || !isSame(session.open, open)) return undefined
    if (session.open.ended.aborted) {
      this.end(session)
      return undefined
    }
    session.open = open
    this.#sessions.delete(id)
    this.#sessions.set(id, session)
    return session
  }

  /** Ends one, with what is under way in it. */
  end(session: LegacySession): void {
    this.#sessions.delete(session.id)
    for (const controller of session.running.values()) controller.abort()
  }

  /** Forgets those that were last used under a session of the boundary that has ended. */
  forget(open: OpenSession): void {
    for (const session of this.#sessions.values()) if (session.open === open) this.end(session)
  }

  #first(): LegacySession | undefined {
    for (const session of this.#sessions.values()) return session
    return undefined
  }
}

function isSame({ session: a }: OpenSession, { session: b }: OpenSession): boolean {
  return (
    a.identity.id === b.identity.id &&
    a.identity.issuer === b.identity.issuer &&
    a.identity.subject === b.identity.subject &&
    a.identity.agent?.id === b.identity.agent?.id &&
    a.grantId === b.grantId &&
    a.resource.name === b.resource.name
  )
}

/** A request's id such that two spellings of the same are one. */
export function idKey(id: string): string {
  return JSON.stringify(id.startsWith('"') ? JSON.parse(id) : { number: id })
}
