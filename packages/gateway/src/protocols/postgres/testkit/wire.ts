/**
 * A PostgreSQL client that speaks in single messages, for tests that look at what drivers hide: status bytes, pipelines, cut chunks. It
 * logs in with SCRAM where a database asks for it and with the clear password where the boundary does, so that both can be driven alike.
 */
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { type Bytes, concatBytes, fromUtf8, Secret, toUtf8 } from '#base'
import {
  type BackendMessage,
  backendLimit,
  decodeBackend,
  encodeFrontend,
  encodeStartup,
  Framer,
  type FrontendMessage,
} from '../codec/index.ts'
import { ScramExchange } from '../upstream/scram.ts'

/** How to connect. */
export interface WireOptions {
  readonly port: number
  readonly user: string
  readonly database: string
  readonly password: string
  readonly minor?: number
  readonly parameters?: Readonly<Record<string, string>>
  /** PEM of an authority: then TLS, asked for first, or begun at once. */
  readonly ca?: string
  readonly isDirectTls?: boolean
}

/** A message with the fields of errors and notices as an object. */
export type Heard = BackendMessage

export class WireClient {
  readonly stream: Duplex
  readonly #waiting: Heard[] = []
  #wake: (() => void) | undefined
  #isClosed = false
  /** What the server said before it was ready. */
  greeting: readonly Heard[] = []

  constructor(stream: Duplex) {
    this.stream = stream
    const framer = new Framer({
      limitOf: (type) => backendLimit(type) * 16,
      frame: (_type, buffer, start, end) => this.#waiting.push(decodeBackend(buffer.slice(start, end), 0, end - start)),
      oversized: () => {
        throw new Error('oversized')
      },
    })
    stream.on('data', (chunk: Bytes) => {
      framer.push(chunk)
      this.#wake?.()
    })
    stream.on('error', () => undefined)
    stream.on('close', () => {
      this.#isClosed = true
      this.#wake?.()
    })
  }

  /** Connects and logs in. Rejects with the server's words. */
  static async connect(options: WireOptions): Promise<WireClient> {
    const client = new WireClient(await openStream(options))
    const named = { user: options.user, database: options.database, ...options.parameters }
    const parameters = new Map(Object.entries(named))
    client.write(encodeStartup({ kind: 'startup', major: 3, minor: options.minor ?? 0, parameters }))
    await client.#logIn(options.password)
    return client
  }

  async #logIn(password: string): Promise<void> {
    const greeting: Heard[] = []
    let exchange: ScramExchange | undefined
    for (;;) {
      const message = await this.next()
      greeting.push(message)
      if (message.kind === 'error') throw new WireFailure(message)
      if (message.kind === 'readyForQuery') break
      if (message.kind !== 'authentication') continue
      if (message.request === 3) this.write(password_(toUtf8(`${password}\0`)))
      if (message.request === 10) {
        exchange = new ScramExchange(new Secret(password), { flag: 'n' }, 'rOprNGfwEbeRWgbNEkqO')
        const first = exchange.first()
        const length = Uint8Array.of(0, 0, 0, first.length)
        this.write(password_(concatBytes([toUtf8('SCRAM-SHA-256\0'), length, first])))
      }
      if (message.request === 11) this.write(password_((await exchange?.final(message.data)) ?? new Uint8Array()))
    }
    this.greeting = greeting
  }

  write(bytes: Bytes): void {
    this.stream.write(bytes)
  }

  /** Sends messages in one write. */
  send(...messages: readonly FrontendMessage[]): void {
    this.write(concatBytes(messages.map(encodeFrontend)))
  }

  /** The next message. Rejects when the server has hung up. */
  async next(): Promise<Heard> {
    for (;;) {
      const message = this.#waiting.shift()
      if (message !== undefined) return message
      if (this.#isClosed) throw new Error('the server hung up')
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** Everything up to and including so many ReadyForQuery. */
  async ready(count = 1): Promise<readonly Heard[]> {
    const heard: Heard[] = []
    for (let seen = 0; seen < count;) {
      const message = await this.next()
      heard.push(message)
      if (message.kind === 'readyForQuery') seen++
    }
    return heard
  }

  /** Sends a simple query and hears it out. */
  query(text: string): Promise<readonly Heard[]> {
    this.send({ kind: 'query', text: toUtf8(text) })
    return this.ready()
  }

  /** Everything until the server hangs up. */
  async rest(): Promise<readonly Heard[]> {
    const heard: Heard[] = []
    while (!this.#isClosed || this.#waiting.length > 0) {
      const message = await this.next().catch(() => undefined)
      if (message !== undefined) heard.push(message)
    }
    return heard
  }

  end(): void {
    this.send({ kind: 'terminate' })
    this.stream.end()
  }
}

/** A FATAL at login. */
export class WireFailure extends Error {
  readonly fields: ReadonlyMap<string, string>

  constructor(message: Extract<BackendMessage, { kind: 'error' | 'notice' }>) {
    super(new Map(message.fields).get('M') ?? '')
    this.fields = new Map(message.fields)
  }
}

function password_(data: Bytes): Bytes {
  return encodeFrontend({ kind: 'password', data })
}

async function openStream(options: WireOptions): Promise<Duplex> {
  const socket = connect({ host: '127.0.0.1', port: options.port, noDelay: true })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve).once('error', reject)
  })
  if (options.ca === undefined) return socket
  if (options.isDirectTls !== true) await askForTls(socket)
  const secure = connectTls({ socket, ca: options.ca, servername: 'localhost', ALPNProtocols: ['postgresql'] })
  await new Promise<void>((resolve, reject) => {
    secure.once('secureConnect', resolve).once('error', reject)
  })
  return secure
}

async function askForTls(socket: Socket): Promise<void> {
  socket.write(encodeStartup({ kind: 'ssl' }))
  const [answer] = await new Promise<Bytes>((resolve) => {
    socket.once('data', (chunk: Buffer) => {
      socket.pause()
      resolve(chunk)
    })
  })
  if (answer !== 0x53) throw new Error('no TLS')
}

/** Messages in a form that compares well: what matters of each, in a line. */
export function outline(messages: readonly Heard[]): readonly string[] {
  return messages.flatMap((message) => {
    switch (message.kind) {
      case 'error':
      case 'notice': {
        const fields = new Map(message.fields)
        return `${message.kind} ${fields.get('V') ?? ''} ${fields.get('C') ?? ''}`
      }
      case 'readyForQuery':
        return `ready ${message.status}`
      case 'commandComplete':
        return `done ${message.tag}`
      case 'dataRow':
        return `row ${message.values.map((value) => (value === undefined ? 'NULL' : fromUtf8(value))).join('|')}`
      case 'rowDescription':
        return `columns ${message.columns.map(({ name }) => name).join('|')}`
      case 'parameterStatus':
        return []
      default:
        return message.kind
    }
  })
}
