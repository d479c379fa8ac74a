import { toUtf8 } from '#base'
import { GatewayError } from '#model'
import { MAX_TOOLS, readToolPage } from '../definitions.ts'
import type { LiveTool } from '../server-port.ts'
import type { Conversation } from './conversation.ts'

/** A server whose list has no end. */
const MAX_PAGES = 50

/**
 * Asks a server for all pages of its tools.
 *
 * @throws {GatewayError} `SP_TOOL_SERVER_FAILED` when it does not tell, or has no end of them.
 */
export async function readTools(conversation: Conversation): Promise<readonly LiveTool[]> {
  const tools: LiveTool[] = []
  let cursor: string | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const params = cursor === undefined ? undefined : toUtf8(JSON.stringify({ cursor }))
    const answer = await conversation.request('tools/list', params).answer
    if (answer.kind === 'error') throw new GatewayError('SP_TOOL_SERVER_FAILED', 'it does not list its tools')
    const { tools: more, nextCursor } = readToolPage(answer.value)
    tools.push(...more)
    if (nextCursor === undefined) return withoutTwins(tools)
    if (tools.length > MAX_TOOLS) break
    cursor = nextCursor
  }
  throw new GatewayError('SP_TOOL_SERVER_FAILED', 'its list of tools has no end')
}

/** Of two tools of the same name nobody could say which is called. */
function withoutTwins(tools: readonly LiveTool[]): readonly LiveTool[] {
  const counts = new Map<string, number>()
  for (const { name } of tools) counts.set(name, (counts.get(name) ?? 0) + 1)
  return tools.filter(({ name }) => counts.get(name) === 1)
}
