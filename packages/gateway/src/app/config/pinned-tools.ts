import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PinnedTool } from '#model'
import { readPins } from '#protocols/mcp'
import type { Problem } from './problems.ts'

/** Where the pinned tools of an MCP server are kept: beside the policy that names them. */
export function pinsFile(policyFolder: string, server: string): string {
  return join(policyFolder, `${server}.tools.json`)
}

/** The pinned tools of a server, or what is wrong with their file. Without a file no tool is pinned, so none can be called. */
export function readPinnedTools(
  policyFolder: string,
  server: string,
): { readonly tools: readonly PinnedTool[]; readonly problems: readonly Problem[] } {
  const file = pinsFile(policyFolder, server)
  if (!existsSync(file)) return { tools: [], problems: [] }
  const pins = readPins(readFileSync(file, 'utf8'))
  if (pins.kind === 'problems')
    return { tools: [], problems: pins.problems.map((message) => ({ file, line: 1, column: 1, message })) }
  if (pins.server !== server)
    return {
      tools: [],
      problems: [{ file, line: 1, column: 1, message: `it holds the tools of "${pins.server}", not of "${server}"` }],
    }
  return {
    tools: pins.tools.map(({ name, hash, inputSchema }) => ({ name, hash, inputSchema })),
    problems: [],
  }
}
