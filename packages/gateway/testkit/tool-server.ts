/** Callers of MCP servers for tests, and a server for them: the script in the folder beside this file, which runs by itself inside a sandbox. */
import { fileURLToPath } from 'node:url'
import { type Bytes, fromUtf8, toUtf8 } from '#base'
import type { Session } from '#model'
import type { CallRequest, McpLimits, McpResource, ToolServerProcess } from '#protocols/mcp'

/** The script's folder. */
export const SCRIPT_FOLDER: string = fileURLToPath(new URL('./tool-server/', import.meta.url))

/** Of the checkout, for scripts that import packages. */
export const NODE_MODULES: string = fileURLToPath(new URL('../../../node_modules', import.meta.url))

const limits: McpLimits = {
  memoryMb: 512,
  startSeconds: 20,
  callSeconds: 20,
  idleMinutes: 5,
  outputBytes: 1_048_576,
  queue: 4,
}

/** What is pinned of it. */
const tools = [{ name: 'echo', hash: '', inputSchema: '{}' }]

/** A resource of the script. */
export function testServer(more: Partial<McpResource['settings']> = {}, bounds: Partial<McpLimits> = {}): McpResource {
  return {
    resource: { name: 'ledger', kind: 'mcp', tools },
    settings: {
      command: ['node', 'server-script.ts'],
      code: [SCRIPT_FOLDER],
      environment: {},
      isolation: 'namespaces',
      ...more,
      limits: { ...limits, ...bounds },
    },
  }
}

/** A caller whose session can be ended. */
export interface TestCaller {
  readonly session: Session
  readonly ended: AbortSignal
  end(): void
}

let sessions = 0

/** A session of somebody, through an agent. */
export function testCaller(name: string, more: Partial<Session> = {}): TestCaller {
  const controller = new AbortController()
  const session: Session = {
    id: `session-${++sessions}`,
    identity: {
      kind: 'person',
      id: `usr_${name}`,
      issuer: 'https://idp.test',
      subject: name,
      name,
      groups: [],
      mfa: true,
      agent: { id: 'agent', name: 'an agent' },
    },
    resource: testServer().resource,
    tokenId: `tok_${name}`,
    grantId: `grt_${name}`,
    startedAtMs: 0,
    endsAtMs: Number.MAX_SAFE_INTEGER,
    client: { address: '127.0.0.1', port: 1, tls: false },
    ...more,
  }
  return {
    session,
    ended: controller.signal,
    end: () => {
      controller.abort({ kind: 'revoked', by: 'bob', reason: 'test' })
    },
  }
}

/** Calls a tool of the script; what it answered. */
export async function callTool(
  process: ToolServerProcess,
  tool: string,
  args: Readonly<Record<string, unknown>> = {},
  more: Partial<CallRequest> & { readonly signal?: AbortSignal } = {},
): Promise<unknown> {
  const params = toUtf8(JSON.stringify({ name: tool, arguments: args }))
  const { signal = new AbortController().signal, ...rest } = more
  using turn = await process.turn(signal)
  const answer = await turn.call({ method: 'tools/call', params, tool, sequence: 1, ...rest }, signal)
  return answerOf(answer.value)
}

function answerOf(value: Bytes): unknown {
  const { content } = JSON.parse(fromUtf8(value)) as { readonly content: readonly [{ readonly text?: string }] }
  const [{ text }] = content
  return text === undefined ? undefined : JSON.parse(text)
}
