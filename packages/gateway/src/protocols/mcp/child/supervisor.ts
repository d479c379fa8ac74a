/** Keeps the children of all callers: one for each, started when needed, ended when nobody needs it. */
import type { Ids } from '#base'
import { GatewayError, type PinnedTool } from '#model'
import type { Caller, McpResource, ToolServerProcess, ToolServers } from '../server-port.ts'
import type { Probed } from './isolation/probe.ts'
import type { Isolation } from './isolation/sandbox.ts'
import { KeptChild } from './kept-child.ts'
import { Setbacks } from './setbacks.ts'
import { type StartedChild, startChild, type StartPorts } from './start-child.ts'

/** Children at a time. */
interface ChildLimits {
  readonly children: number
  /** Of one identity. */
  readonly childrenEach: number
}

/** What the supervisor is made of. */
export interface SupervisorOptions extends StartPorts {
  /** How children are kept apart, as `probeIsolation` found it. */
  readonly isolation: Probed
  /** For servers whose block says `isolation: none`. */
  readonly unisolated: Isolation
  readonly ids: Ids
  readonly limits?: ChildLimits
}

const DEFAULT_LIMITS: ChildLimits = { children: 64, childrenEach: 8 }
const MINUTE_MS = 60_000
const OWN_BUSY = 'as many MCP servers as may be are at work for you; wait until one of your calls has ended'
const ALL_BUSY = 'as many MCP servers as may run at once are at work, for others too'

interface Entry {
  readonly kept: KeptChild
  /** The pins under which it was started: what it may be behind is told by them. */
  readonly tools: readonly PinnedTool[]
  readonly process: Promise<ToolServerProcess>
  /** Resolves when all of it is gone; also when it never came to be. */
  readonly cleared: Promise<void>
}

/** Makes the supervisor. It starts nothing before somebody calls. */
export function createToolServers(options: SupervisorOptions): ToolServers {
  return new Supervisor(options)
}

class Supervisor implements ToolServers {
  readonly #options: SupervisorOptions
  readonly #limits: ChildLimits
  readonly #setbacks: Setbacks
  /** Children that take calls, or will, by the key of their callers. */
  readonly #current = new Map<string, Entry>()
  /** All that are not cleared away yet, oldest use first. */
  readonly #alive = new Set<Entry>()
  #isClosed = false

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.#limits = options.limits ?? DEFAULT_LIMITS
    this.#setbacks = new Setbacks(options.clock)
  }

  async take(caller: Caller, server: McpResource): Promise<ToolServerProcess> {
    if (this.#isClosed) throw new GatewayError('SP_SHUTDOWN')
    if (caller.ended.aborted) throw new GatewayError('SP_SESSION_REVOKED', 'the session has ended')
    const key = keyOf(caller)
    const known = this.#current.get(key)
    if (known !== undefined && isUsable(known, server)) {
      known.kept.join(caller)
      this.#alive.delete(known)
      this.#alive.add(known)
      return await known.process
    }
    if (known?.tools !== server.resource.tools) known?.kept.retire()
    this.#setbacks.demandCalm(key)
    const isolation = this.#isolationFor(server)
    await this.#makeRoom(caller)
    if (this.#isClosed) throw new GatewayError('SP_SHUTDOWN')
    // Somebody may have come while there was no room.
    const now = this.#current.get(key)
    return await (now !== undefined && isUsable(now, server) ? now : this.#begin(caller, server, { key, isolation }))
      .process
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all(
      [...this.#alive].map(({ kept, cleared }) => kept.end(new GatewayError('SP_SHUTDOWN')).then(() => cleared)),
    )
    this.#options.isolation.isolation?.close?.()
  }

  #isolationFor({ resource, settings }: McpResource): Isolation {
    if (settings.isolation === 'none') return this.#options.unisolated
    const { isolation, tried } = this.#options.isolation
    if (isolation !== undefined) return isolation
    throw new GatewayError('SP_ISOLATION_UNAVAILABLE', `${resource.name} is not started: ${tried.join('; ')}`)
  }

  #begin(
    caller: Caller,
    server: McpResource,
    { key, isolation }: { readonly key: string; readonly isolation: Isolation },
  ): Entry {
    const slot = freeSlot([...this.#alive].map(({ kept }) => kept.slot))
    const kept = new KeptChild(caller, {
      key,
      slot,
      idleMs: server.settings.limits.idleMinutes * MINUTE_MS,
      worked: () => {
        this.#setbacks.forget(key)
      },
      elsewhere: async (other, signal) => await (await this.take(other, server)).turn(signal),
    })
    const childId = this.#options.ids.next()
    const session = (): Caller['session'] => kept.session()
    const starting = startChild({ childId, slot, server, isolation, session }, this.#options)
    const { tools } = server.resource
    const entry = { kept, tools, process: this.#started(kept, starting), cleared: clearedOf(starting) }
    // Whoever took it hears of it; there may be nobody any more.
    entry.process.catch(() => undefined)
    this.#current.set(key, entry)
    this.#alive.add(entry)
    void entry.cleared.then(() => {
      this.#alive.delete(entry)
      if (this.#current.get(key) === entry) this.#current.delete(key)
    })
    return entry
  }

  async #started(kept: KeptChild, starting: Promise<StartedChild>): Promise<ToolServerProcess> {
    try {
      const started = await starting
      const { over } = started.child
      over.addEventListener('abort', () => {
        this.#noteEnd(kept, over.reason)
      })
      return kept.begin(started)
    } catch (error) {
      this.#noteEnd(kept, error)
      throw error
    }
  }

  /** A failure of the server's own makes the next start wait; an end that we wanted does not, nor that it kept silent about a cancelled call. */
  #noteEnd(kept: KeptChild, reason: unknown): void {
    if (
      kept.wasEnded ||
      kept.isStopping ||
      !(reason instanceof GatewayError) ||
      reason.code !== 'SP_TOOL_SERVER_FAILED'
    )
      return
    this.#setbacks.note(kept.key, reason.message)
  }

  /** Ends a child that rests when there are too many. @throws {GatewayError} `SP_BUSY` when none does. */
  async #makeRoom({ session }: Caller): Promise<void> {
    const own = [...this.#alive].filter(({ kept }) => kept.identityId === session.identity.id)
    if (own.length >= this.#limits.childrenEach) await evict(own, OWN_BUSY)
    if (this.#alive.size >= this.#limits.children) await evict([...this.#alive], ALL_BUSY)
  }
}

/** Whether the next call can go there. */
function isUsable({ kept, tools }: Entry, { resource }: McpResource): boolean {
  return tools === resource.tools && !kept.isOver && !kept.isStopping
}

async function evict(entries: readonly Entry[], busy: string): Promise<void> {
  const resting = entries.find(({ kept }) => kept.isIdle)
  if (resting === undefined) throw new GatewayError('SP_BUSY', busy)
  await resting.kept.end(new GatewayError('SP_TOOL_SERVER_FAILED', 'it was ended to make room'))
  await resting.cleared
}

async function clearedOf(starting: Promise<StartedChild>): Promise<void> {
  try {
    await (
      await starting
    ).cleared
  } catch {
    // It did not start, and left nothing behind; whoever wanted it is told why.
  }
}

/**
 * Whom a child is for: issuer, subject, client and resource, and also the login and what it says of them: what a child asks of the database is
 * asked as they were when it connected.
 */
function keyOf({ session }: Caller): string {
  const { identity, resource, grantId } = session
  const { issuer, subject, agent, groups, mfa } = identity
  return JSON.stringify([issuer, subject, agent?.id ?? null, resource.name, grantId, mfa, groups])
}

function freeSlot(taken: readonly number[]): number {
  const used = new Set(taken)
  let slot = 1
  while (used.has(slot)) slot++
  return slot
}
