/** Tool servers for tests: real children of the script beside this file, under the isolation that is asked for. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Bytes, fromUtf8, Secret, toUtf8 } from '#base'
import type { DoorFacts, EventEntry, IntentEntry, Log, PrivateDoors, Session } from '#model'
import { processClock } from '../../../../../testkit/gate.ts'
import type { McpLimits } from '../../settings.ts'
import type { CallRequest, McpResource, ToolServerProcess, ToolServers } from '../../server-port.ts'
import { probeIsolation } from '../isolation/probe.ts'
import type { Isolation, IsolationKind } from '../isolation/sandbox.ts'
import { unisolated } from '../isolation/unisolated.ts'
import { createToolServers, type SupervisorOptions } from '../supervisor.ts'

/** The script's folder. */
export const SCRIPT_FOLDER: string = fileURLToPath(new URL('.', import.meta.url))

const limits: McpLimits = {
  memoryMb: 512,
  startSeconds: 20,
  callSeconds: 20,
  idleMinutes: 5,
  outputBytes: 1_048_576,
  queue: 4,
}

/** A resource of the script. */
export function testServer(more: Partial<McpResource['settings']> = {}, bounds: Partial<McpLimits> = {}): McpResource {
  const tools = ['echo'].map((name) => ({ name, hash: '', inputSchema: '{}' }))
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

/** Servers with what they were seen to do. */
export interface TestServers extends AsyncDisposable {
  readonly servers: ToolServers
  readonly isolation: Isolation
  readonly runFolder: string
  /** Lines of the log. */
  readonly lines: string[]
  readonly records: (IntentEntry | EventEntry)[]
  readonly doors: DoorFacts[]
}

/** Makes servers; undefined, with why, where this kind of isolation cannot be had. */
export async function startServers(
  kind: IsolationKind | undefined,
  more: Partial<SupervisorOptions> = {},
): Promise<TestServers | string> {
  const runFolder = await mkdtemp(join(tmpdir(), 'spt-'))
  const probed = await probeIsolation({ folder: runFolder, ...(kind === undefined ? {} : { kinds: [kind] }) })
  const { isolation } = probed
  if (isolation === undefined) {
    await rm(runFolder, { recursive: true, force: true })
    return probed.tried.join('; ')
  }
  const lines: string[] = []
  const note = (level: string) => (event: string, facts?: object) => {
    lines.push(`${level} ${event} ${JSON.stringify(facts ?? {})}`)
  }
  const log: Log = { info: note('info'), warn: note('warn'), error: note('error') }
  const records: (IntentEntry | EventEntry)[] = []
  const doors: DoorFacts[] = []
  let ids = 0
  const servers = createToolServers({
    isolation: probed,
    unisolated: unisolated(),
    doors: fakeDoors(doors),
    secrets: { reveal: (from) => Promise.resolve(new Secret(`secret of ${from}`)) },
    trail: {
      record: (entries) => Promise.resolve(entries.map((entry) => ({ sequence: records.push(entry) - 1 }))),
      conclude: () => undefined,
    },
    clock: processClock,
    log,
    ids: { next: () => `child-${++ids}` },
    configFolder: '/',
    runFolder,
    privatePaths: [],
    version: '0',
    ...more,
  })
  return {
    servers,
    isolation,
    runFolder,
    lines,
    records,
    doors,
    [Symbol.asyncDispose]: async () => {
      await servers.close()
      await rm(runFolder, { recursive: true, force: true })
    },
  }
}

/** Makes servers under the isolation that works here; under none where none does, for what does not depend on it. */
export async function startAnyServers(more: Partial<SupervisorOptions> = {}): Promise<TestServers> {
  const isolated = await startServers(undefined, more)
  const servers = typeof isolated === 'string' ? await startServers('none', more) : isolated
  if (typeof servers === 'string') throw new Error(servers)
  return servers
}

/** Doors to nowhere, for children that need none. */
function fakeDoors(opened: DoorFacts[]): PrivateDoors {
  return {
    open: (facts) => {
      opened.push(facts)
      return Promise.resolve({
        address: facts.folder === undefined ? { port: 1 } : { socketPath: join(facts.folder, 'none.sock') },
        user: 'child',
        database: facts.database,
        token: new Secret('token-of-the-child'),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      })
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
  const request = { method: 'tools/call', params, tool, sequence: 1, timeoutMs: 20_000, ...rest }
  const answer = await process.call(request, signal)
  return answerOf(answer.value)
}

function answerOf(value: Bytes): unknown {
  const { content } = JSON.parse(fromUtf8(value)) as { readonly content: readonly [{ readonly text?: string }] }
  const [{ text }] = content
  return text === undefined ? undefined : JSON.parse(text)
}
