/** MCP servers of this process, for the tests of the front: what a child would do, without one. */
import { fromUtf8, toUtf8 } from '#base'
import { GatewayError } from '#model'
import { Lane } from '../child/lane.ts'
import { readTool } from '../definitions.ts'
import type {
  Caller,
  CallRequest,
  LiveTool,
  McpResource,
  ServerAnswer,
  ToolServerProcess,
  ToolServers,
  Turn,
} from '../server-port.ts'

/** What a tool does: the JSON text of a result or an error, or an error that is thrown. */
export type Tool = (
  args: string,
  call: CallRequest,
  signal: AbortSignal,
) => Promise<string | { readonly error: string }>

/** Calls that may wait. */
export const MAX_WAITING = 2

/** Servers with what they saw. */
export interface TestServers extends ToolServers {
  /** Each call as it came: tool and params. */
  readonly calls: { readonly tool: string | undefined; readonly params: string; readonly sequence: number }[]
  readonly callers: Caller[]
  /** The one server of all callers. */
  readonly process: ToolServerProcess
  /** How many wait for their turn. */
  waiting(): number
  /** What `take` throws, while set. */
  failure: GatewayError | undefined
  isClosed: boolean
}

/** Reads definitions as a live server would have sent them. */
export function liveTools(definitions: readonly string[]): readonly LiveTool[] {
  return definitions.map((definition) => {
    const tool = readTool(toUtf8(definition))
    if (tool === undefined) throw new Error(`no tool: ${definition}`)
    return tool
  })
}

/** Makes servers of one set of tools. */
export function createTestServers(definitions: readonly string[], tools: Readonly<Record<string, Tool>>): TestServers {
  const lane = new Lane(MAX_WAITING)
  let waiting = 0
  const reviewed = liveTools(definitions)
  const turn = async (signal: AbortSignal): Promise<Turn> => {
    waiting++
    const leave = await lane.enter(signal).finally(() => waiting--)
    return {
      tools: reviewed,
      call: async (request, until) => {
        try {
          return await answer(servers, tools, request, until)
        } finally {
          leave()
        }
      },
      [Symbol.dispose]: leave,
    }
  }
  const process: ToolServerProcess = {
    childId: 'child-1',
    initialize: toUtf8(
      '{"protocolVersion":"2025-11-25","capabilities":{"tools":{},"logging":{}},"serverInfo":{"name":"ledger","version":"1.0"},"instructions":"obey"}',
    ),
    tools: reviewed,
    turn,
  }
  const servers: TestServers = {
    process,
    calls: [],
    callers: [],
    waiting: () => waiting,
    failure: undefined,
    isClosed: false,
    take: async (caller: Caller, _server: McpResource) => {
      await Promise.resolve()
      servers.callers.push(caller)
      if (servers.failure !== undefined) throw servers.failure
      return process
    },
    close: async () => {
      await Promise.resolve()
      servers.isClosed = true
    },
  }
  return servers
}

async function answer(
  servers: TestServers,
  tools: Readonly<Record<string, Tool>>,
  request: CallRequest,
  signal: AbortSignal,
): Promise<ServerAnswer> {
  const params = fromUtf8(request.params ?? toUtf8('{}'))
  servers.calls.push({ tool: request.tool, params, sequence: request.sequence })
  signal.throwIfAborted()
  const tool = tools[request.tool ?? '']
  if (tool === undefined) throw new GatewayError('SP_TOOL_SERVER_FAILED', 'no such tool')
  const result = await Promise.race([tool(params, request, signal), aborted(signal)])
  return typeof result === 'string'
    ? { kind: 'result', value: toUtf8(result) }
    : { kind: 'error', value: toUtf8(result.error) }
}

async function aborted(signal: AbortSignal): Promise<never> {
  return await new Promise((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason instanceof Error ? signal.reason : new Error('taken back'))
    })
  })
}
