import type { PinnedTool } from '#model'
import type { LiveTool } from './server-port.ts'

/** How a live server stands to what was reviewed. */
export interface Comparison {
  /** Tools that are what was reviewed, by name, in the order of the pins. */
  readonly reviewed: ReadonlyMap<string, LiveTool>
  /** Names of reviewed tools that are defined differently now, or twice, or not at all any more. */
  readonly changed: readonly string[]
  /** How many live tools nobody reviewed. */
  readonly unpinned: number
}

/** Compares the tools of a live server with the pins of its resource. The same lists are compared once. */
export class ToolComparison {
  readonly #pinned: readonly PinnedTool[]
  readonly #known = new WeakMap<readonly LiveTool[], Comparison>()

  constructor(pinned: readonly PinnedTool[]) {
    this.#pinned = pinned
  }

  of(tools: readonly LiveTool[]): Comparison {
    const known = this.#known.get(tools) ?? compare(tools, this.#pinned)
    this.#known.set(tools, known)
    return known
  }
}

/** Compares live tools with the reviewed ones. */
export function compare(tools: readonly LiveTool[], pinned: readonly PinnedTool[]): Comparison {
  const live = Map.groupBy(tools, ({ name }) => name)
  const reviewed = new Map<string, LiveTool>()
  const changed: string[] = []
  for (const { name, hash } of pinned) {
    // Of two tools of one name nobody knows which one a call would reach.
    const [tool, ...others] = live.get(name) ?? []
    if (tool !== undefined && others.length === 0 && tool.hash === hash) reviewed.set(name, tool)
    else changed.push(name)
    live.delete(name)
  }
  return { reviewed, changed, unpinned: live.size }
}
