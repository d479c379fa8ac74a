import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PinnedTool } from '#model'
import { readPins } from '#protocols/mcp'
import type { Problem } from './problems.ts'
import { whyUnreadable } from './unreadable.ts'

/** Where the pinned tools of an MCP server are kept: beside the policy that names them. */
export function pinsFile(policyFolder: string, server: string): string {
  return join(policyFolder, `${server}.tools.json`)
}

interface PinsRead {
  readonly tools: readonly PinnedTool[]
  readonly problems: readonly Problem[]
}

/** The pinned tools of a server, or what is wrong with their file. Without a file no tool is pinned, so none can be called. */
export function readPinnedTools(policyFolder: string, server: string): PinsRead {
  const file = pinsFile(policyFolder, server)
  if (!existsSync(file)) return { tools: [], problems: [] }
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    return wrong(file, [whyUnreadable(file, error)])
  }
  const pins = readPins(text)
  if (pins.kind === 'problems') return wrong(file, pins.problems)
  if (pins.server !== server) return wrong(file, [`it holds the tools of "${pins.server}", not of "${server}"`])
  return {
    tools: pins.tools.map(({ name, hash, inputSchema }) => ({ name, hash, inputSchema })),
    problems: [],
  }
}

function wrong(file: string, messages: readonly string[]): PinsRead {
  return { tools: [], problems: messages.map((message) => ({ file, line: 1, column: 1, message })) }
}
