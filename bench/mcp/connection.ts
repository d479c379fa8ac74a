import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { INITIALIZE, INITIALIZED, PROTOCOL_VERSION } from './call.ts'
import { onLine } from './lines.ts'
import type { Endpoint } from './order.ts'

/** One client's way to its server: a message at a time. */
export interface Connection {
  /** Sends a message and answers what comes back. */
  exchange(message: string): Promise<string>
  readonly close: () => void
}

/** Connects a client, and begins a session as MCP wants it. @throws {Error} with what was said instead. */
export async function openConnection(to: Endpoint, client: number): Promise<Connection> {
  return to.kind === 'http' ? await openHttp(to, client) : await openStdio(to.server)
}

async function openStdio(server: string): Promise<Connection> {
  const child = spawn(process.execPath, [server], { stdio: ['pipe', 'pipe', 'inherit'] })
  let { promise, resolve, reject } = Promise.withResolvers<string>()
  child.on('exit', () => {
    reject(new Error('a server ended'))
  })
  onLine(child.stdout, (line) => {
    resolve(line)
  })
  const exchange = async (message: string): Promise<string> => {
    ;({ promise, resolve, reject } = Promise.withResolvers<string>())
    child.stdin.write(`${message}\n`)
    return await promise
  }
  await exchange(INITIALIZE)
  child.stdin.write(`${INITIALIZED}\n`)
  return { exchange, close: () => child.stdin.end() }
}

async function openHttp({ port, path, tokens }: Endpoint & { kind: 'http' }, client: number): Promise<Connection> {
  const head = [
    `POST ${path} HTTP/1.1`,
    `host: 127.0.0.1:${port}`,
    `authorization: Bearer ${tokens[client] ?? ''}`,
    'content-type: application/json',
    'accept: application/json, text/event-stream',
    `mcp-protocol-version: ${PROTOCOL_VERSION}`,
  ].join('\r\n')
  const first = await openWire(port)
  const begun = await first.exchange(messageOf(head, INITIALIZE))
  const session = /\r\nmcp-session-id: ([^\r]*)/i.exec(begun.head)?.[1]
  const full = session === undefined ? head : `${head}\r\nmcp-session-id: ${session}`
  await first.exchange(messageOf(full, INITIALIZED))
  first.close()
  // A server closes a connection that rests, and the other clients may take their time to begin.
  let wire: Wire | undefined
  return {
    exchange: async (message) => (await (wire ??= await openWire(port)).exchange(messageOf(full, message))).body,
    close: () => wire?.close(),
  }
}

function messageOf(head: string, body: string): string {
  return `${head}\r\ncontent-length: ${body.length}\r\n\r\n${body}`
}

interface HttpAnswer {
  readonly head: string
  readonly body: string
}

interface Wire {
  exchange(message: string): Promise<HttpAnswer>
  readonly close: () => void
}

/** HTTP/1.1 on a socket, as far as the answers of this benchmark go: one at a time, ASCII, with their length. */
async function openWire(port: number): Promise<Wire> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true }).setEncoding('latin1')
  let { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>()
  let arrived = ''
  socket.on('data', (chunk: string) => {
    arrived += chunk
    const answer = readAnswer(arrived)
    if (answer === undefined) return
    arrived = ''
    if (/^HTTP\/1\.1 20[02] /.test(answer.head)) resolve(answer)
    else reject(new Error(`a client was answered: ${answer.head}\n${answer.body}`))
  })
  socket.on('error', (error) => {
    reject(error)
  })
  socket.on('close', () => {
    reject(new Error('a connection was closed'))
  })
  await new Promise((connected) => socket.once('connect', connected))
  const exchange = async (message: string): Promise<HttpAnswer> => {
    if (socket.destroyed) throw new Error('a connection was closed')
    ;({ promise, resolve, reject } = Promise.withResolvers<HttpAnswer>())
    socket.write(message, 'latin1')
    return await promise
  }
  const close = (): void => {
    // Whoever closes waits for nothing.
    promise.catch(() => undefined)
    socket.destroy()
  }
  return { exchange, close }
}

function readAnswer(arrived: string): HttpAnswer | undefined {
  const end = arrived.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = arrived.slice(0, end)
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  const body = arrived.slice(end + 4)
  return body.length < Number(length ?? 0) ? undefined : { head, body }
}
