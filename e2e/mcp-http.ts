/**
 * A small MCP client over HTTP that sends and keeps bytes as they are: SDKs parse arguments and answers, and hide what came. It shares no code
 * with the gateway.
 */
import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { connect, type NetConnectOpts, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** What came back. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** How a client connects. */
export interface McpHttpOptions {
  /** `http://…/mcp/<resource>`. */
  readonly url: string
  readonly token: string
  /** The revision that it speaks. */
  readonly era: 'legacy' | 'modern'
  /** Told of each byte that arrives. */
  readonly onBytes?: (chunk: Buffer) => void
}

const MODERN = '2026-07-28'
const LEGACY = '2025-11-25'
const META = `"_meta":{"io.modelcontextprotocol/protocolVersion":"${MODERN}","io.modelcontextprotocol/clientInfo":{"name":"raw","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}`

/** Keeps its connections open, as agents do. */
class TappedAgent extends Agent {
  readonly #onBytes: ((chunk: Buffer) => void) | undefined

  constructor(onBytes: ((chunk: Buffer) => void) | undefined) {
    super({ keepAlive: true })
    this.#onBytes = onBytes
  }

  override createConnection(options: NetConnectOpts): Duplex {
    const socket: Socket = connect(options)
    if (this.#onBytes !== undefined) socket.on('data', this.#onBytes)
    return socket
  }
}

/** One client of one MCP server. */
export class McpHttp implements Disposable {
  token: string
  readonly #options: McpHttpOptions
  readonly #agent: TappedAgent
  #session: string | undefined
  #nextId = 1

  constructor(options: McpHttpOptions) {
    this.#options = options
    this.token = options.token
    this.#agent = new TappedAgent(options.onBytes)
  }

  /**
   * Calls a tool; the arguments are JSON text and sent as it is. A client of before that has no session, or whose session is over, begins one.
   *
   * @param more headers besides those of the protocol
   */
  async call(tool: string, args: string, more: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
    const answer = await this.request('tools/call', `"name":${JSON.stringify(tool)},"arguments":${args}`, {
      'mcp-name': tool,
      ...more,
    })
    if (this.#options.era === 'modern' || answer.status !== 404) return answer
    this.#session = undefined
    return await this.call(tool, args, more)
  }

  /** Sends a request; `params` is the JSON text of its members. */
  async request(method: string, params = '', more: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
    const { era } = this.#options
    const id = this.#nextId++
    if (era === 'modern') {
      const members = params === '' ? META : `${params},${META}`
      const headers = { 'mcp-protocol-version': MODERN, 'mcp-method': method, ...more }
      return await this.post(`{"jsonrpc":"2.0","id":${id},"method":"${method}","params":{${members}}}`, headers)
    }
    this.#session ??= await this.#initialize()
    // What only the modern era has.
    const rest = Object.entries(more).filter(([name]) => name !== 'mcp-name')
    const headers = { 'mcp-protocol-version': LEGACY, 'mcp-session-id': this.#session, ...Object.fromEntries(rest) }
    return await this.post(`{"jsonrpc":"2.0","id":${id},"method":"${method}","params":{${params}}}`, headers)
  }

  /** Sends a body. Rejects when the connection breaks before the answer is there. */
  async post(body: string, more: Readonly<Record<string, string>> = {}, path = ''): Promise<HttpAnswer> {
    const headers = {
      authorization: `Bearer ${this.token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'content-length': String(Buffer.byteLength(body)),
      ...more,
    }
    const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>()
    const sent = request(`${this.#options.url}${path}`, { method: 'POST', headers, agent: this.#agent }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.once('error', reject)
      response.once('end', () => {
        const { statusCode: status = 0, headers: received } = response
        resolve({ status, headers: received, text: Buffer.concat(chunks).toString('utf8') })
      })
    })
    sent.once('error', reject)
    sent.end(body)
    return await promise
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }

  async #initialize(): Promise<string> {
    const params = `"protocolVersion":"${LEGACY}","capabilities":{},"clientInfo":{"name":"raw","version":"1"}`
    const answer = await this.post(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{${params}}}`)
    const session = answer.headers['mcp-session-id']
    if (typeof session !== 'string') throw new NotBegun(answer)
    await this.post('{"jsonrpc":"2.0","method":"notifications/initialized"}', { 'mcp-session-id': session })
    return session
  }
}

/** No session was begun. */
export class NotBegun extends Error {
  readonly answer: HttpAnswer

  constructor(answer: HttpAnswer) {
    super(`initialize: ${answer.status} ${answer.text}`)
    this.answer = answer
  }
}
