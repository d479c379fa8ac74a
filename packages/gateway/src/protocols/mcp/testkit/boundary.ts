/** A boundary for tests: the MCP side on a port of its own, with a gate in memory, in front of servers of this process. */
import { randomBytes } from 'node:crypto'
import { createServer, request as sendRequest } from 'node:http'
import type { Log, Masking } from '#model'
import { createMasking } from '#masking'
import { createTestGate, processClock, type TestGate, type TestGateOptions } from '../../../../testkit/gate.ts'
import { createMcp } from '../front.ts'
import type { McpOptions } from '../options.ts'
import { formatPins, type Pins, readPins } from '../pins.ts'
import type { McpResource, ToolServers } from '../server-port.ts'
import { mcpBlock, type McpLimits } from '../settings.ts'
import { liveTools } from './servers.ts'

/** What a boundary is made of. */
export interface BoundaryOptions {
  readonly servers: ToolServers
  /** The definitions that were reviewed. */
  readonly pinned: readonly string[]
  readonly gate?: TestGateOptions
  readonly masking?: Masking
  readonly limits?: Partial<McpLimits>
  readonly more?: Partial<McpOptions>
}

/** A running boundary. */
export interface TestBoundary extends AsyncDisposable {
  readonly port: number
  readonly url: string
  readonly gate: TestGate
  /** Events of the log, in order. */
  readonly events: string[]
  /** Puts other pins in force. */
  pin(definitions: readonly string[]): void
  post(message: unknown, headers?: Readonly<Record<string, string>>): Promise<Response>
  send(request: RawRequest): Promise<RawResponse>
  close(): Promise<void>
}

/** A request with whatever headers. */
interface RawRequest {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: string | Uint8Array
  /** Given the request, so that it can be torn down. */
  readonly onSent?: (destroy: () => void) => void
}

/** What came back. */
interface RawResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  readonly json: () => JsonMessage
}

/** Enough of an answer for tests. */
export interface JsonMessage {
  readonly id?: string | number
  readonly result?: Readonly<Record<string, unknown>>
  readonly error?: {
    readonly code: number
    readonly message: string
    readonly data?: Readonly<Record<string, unknown>>
  }
  readonly [key: string]: unknown
}

/** Starts a boundary with one resource, `ledger`. */
export async function startBoundary(options: BoundaryOptions): Promise<TestBoundary> {
  const gate = createTestGate({ identify: (token) => people[token], ...options.gate })
  const events: string[] = []
  const note = (level: string) => (event: string, facts?: object) => {
    events.push(`${level} ${event} ${JSON.stringify(facts ?? {})}`)
  }
  const log: Log = { info: note('info'), warn: note('warn'), error: note('error') }
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const url = `http://127.0.0.1:${String(address.port)}`
  const settings = mcpBlock.parse({ command: ['node', 'server.js'], code: ['.'] })
  const resourceOf = (definitions: readonly string[]): McpResource => ({
    resource: { kind: 'mcp', name: 'ledger', zone: 'cde', tools: pinsOf(definitions).tools },
    settings: { ...settings, limits: { ...settings.limits, ...options.limits } },
  })
  let resources = [resourceOf(options.pinned)]
  const mcp = createMcp({
    gate,
    masking: options.masking ?? createMasking({}, 'test-ruleset'),
    servers: options.servers,
    resources: () => resources,
    clock: processClock,
    log,
    random: (bytes) => randomBytes(bytes),
    publicUrl: `http://localhost:${String(address.port)}`,
    ...options.more,
  })
  server.on('request', mcp.handler)
  const post = async (message: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
    await fetch(`${url}/mcp/ledger`, {
      method: 'POST',
      headers: {
        authorization: 'Bearer alices-token',
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      },
      body: typeof message === 'string' ? message : JSON.stringify(message),
    })
  return {
    port: address.port,
    url,
    gate,
    events,
    pin: (definitions) => {
      resources = [resourceOf(definitions)]
    },
    post,
    send: async (request) => await sendRaw(address.port, request),
    close: async () => {
      await mcp.close()
    },
    [Symbol.asyncDispose]: async () => {
      await mcp.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function pinsOf(definitions: readonly string[]): Pins {
  const pins = readPins(formatPins('ledger', liveTools(definitions)))
  if (pins.kind === 'problems') throw new Error(pins.problems.join())
  return pins
}

const people: Readonly<Record<string, string>> = {
  'alices-token': 'alice',
  'alices-second-token': 'alice',
  'bobs-token': 'bob',
  expired: 'SP_AUTH_TOKEN_EXPIRED',
  denied: 'SP_POLICY_DENIED',
}

async function sendRaw(
  port: number,
  { method = 'POST', path = '/mcp/ledger', headers, body, onSent }: RawRequest,
): Promise<RawResponse> {
  return await new Promise((resolve, reject) => {
    const request = sendRequest(
      { host: '127.0.0.1', port, method, path, headers: { ...headers }, agent: false },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            json: () => JSON.parse(text) as JsonMessage,
          })
        })
      },
    )
    request.on('error', reject)
    request.end(body, () => onSent?.(() => request.destroy()))
  })
}

/** What clients of 2026-07-28 put in each request. */
export const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
}

/** A request of 2026-07-28: its body and its headers. */
export function modern(
  method: string,
  params: Readonly<Record<string, unknown>> = {},
  id: string | number = 1,
): [unknown, Record<string, string>] {
  const name = params['name']
  return [
    { jsonrpc: '2.0', id, method, params: { ...params, _meta: META } },
    {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
    },
  ]
}
