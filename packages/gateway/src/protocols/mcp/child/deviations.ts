import type { Clock, JsonObject } from '#base'
import type { Log, Session, TrailEvent, TrailOutlet } from '#model'
import { compare } from '../live-tools.ts'
import type { LiveTool, McpResource } from '../server-port.ts'

/** Whose tools they are. */
export interface Listed {
  readonly childId: string
  readonly server: McpResource
  readonly session: () => Session
}

/** What records them. */
export interface DeviationPorts {
  readonly trail: TrailOutlet
  readonly clock: Clock
  readonly log: Log
}

/** Tools that are recorded one by one. */
const MAX_RECORDED = 50

/**
 * Puts on record what of a child's tools is not what was reviewed, each time that it lists them: a tool that is defined differently or not at all,
 * and how many nobody reviewed. They are hidden and refused whether that is on record or not, so it never rejects.
 */
export async function recordDeviations(
  tools: readonly LiveTool[],
  listed: Listed,
  { trail, clock, log }: DeviationPorts,
): Promise<void> {
  const events = deviations(tools, listed)
  if (events.length === 0) return
  const facts = { resource: listed.server.resource.name, child: listed.childId }
  log.warn('mcp.tools_deviate', { ...facts, records: events.length })
  try {
    const timeMs = clock.nowMs()
    await trail.record(events.map((event) => ({ kind: 'event', timeMs, event })))
  } catch (error) {
    log.error('mcp.deviations_not_recorded', { ...facts, error: String(error) })
  }
}

function deviations(tools: readonly LiveTool[], listed: Listed): readonly TrailEvent[] {
  const { name: server, tools: pinned } = listed.server.resource
  const { changed, unpinned } = compare(tools, pinned)
  const live = new Map(tools.map(({ name, hash }) => [name, hash]))
  const events = changed.slice(0, MAX_RECORDED).map((name) => {
    const entity = { type: 'tool', uid: `${server}/${name}` }
    const definition = live.get(name)
    return definition === undefined
      ? eventOf('tool-missing', listed, { entity })
      : eventOf('tool-changed', listed, { entity, definition })
  })
  if (unpinned === 0) return events
  return [...events, eventOf('tool-unpinned', listed, { entity: { type: 'server', uid: server }, tools: unpinned })]
}

function eventOf(activity: string, { childId, server, session }: Listed, details: JsonObject): TrailEvent {
  const current = session()
  return {
    class: 'entity-management',
    activity,
    actor: current.identity,
    session: current,
    resource: server.resource.name,
    status: 'success',
    details: { ...details, child: childId },
  }
}
