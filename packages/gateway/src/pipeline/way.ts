import type { RecordedVia, ViaFacts, ViaLink } from '#model'

/** The way of what a session asks now: as it is recorded, and as policy is asked about it. */
export interface Way {
  readonly recorded?: RecordedVia
  /** One for each tool that may be behind it; exactly one when that is certain. Undefined facts: somebody's own connection. */
  readonly candidates: readonly (ViaFacts | undefined)[]
}

const OWN: Way = { candidates: [undefined] }

/**
 * What is under way in the MCP server at this moment. No call: the server alone asks (a start-up query); one: it is the cause; several: any of
 * them may be, so policy is asked about each.
 */
export function wayOf(link: ViaLink | undefined): Way {
  if (link === undefined) return OWN
  const { server, childId } = link
  const running = link.running()
  const tools = [...new Set(running.map(({ tool }) => tool))]
  const [first, ...others] = tools
  const cause = running.length === 0 ? 'none' : running.length === 1 ? 'exact' : 'one-of'
  const calls = running.map(({ sequence }) => sequence)
  const isCertain = first !== undefined && others.length === 0
  return {
    recorded: { server, childId, cause, calls, ...(isCertain ? { tool: first } : {}) },
    candidates: first === undefined ? [{ server }] : tools.map((tool) => ({ server, tool })),
  }
}
