import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'

/** One thing asked of a server, and awaited up to its ReadyForQuery. */
export type Step =
  | { readonly query: string }
  /** Parse, Bind, Execute for each text, then one Sync, in one write. */
  | { readonly pipeline: readonly string[] }
  | { readonly prepare: string; readonly text: string }
  | { readonly run: string }
  /** Messages as they are; the last one has to bring a ReadyForQuery. */
  | { readonly raw: Buffer }

/** Where to connect. */
export interface Target {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
}

/**
 * A small PostgreSQL client that shows each message of the server as it is: drivers hide status bytes and what was skipped. It shares no
 * code with the gateway.
 */
export class WireClient implements AsyncDisposable {
  readonly #socket: Socket
  #buffer = Buffer.alloc(0)
  #wake: () => void = () => undefined
  #closed = false

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#buffer = Buffer.concat([this.#buffer, chunk])
      this.#wake()
    })
    socket.on('close', () => {
      this.#closed = true
      this.#wake()
    })
    socket.on('error', () => undefined)
  }

  /** Connects and authenticates (cleartext or SCRAM-SHA-256). */
  static async connect(target: Target): Promise<WireClient> {
    const client = new WireClient(connect(target.port, target.host))
    client.#socket.write(startup(target))
    await client.#authenticate(target.password)
    await client.#untilReady()
    return client
  }

  /** Plays a step; a line for each message that came: type, and the code, tag or status in it. */
  async play(step: Step): Promise<readonly string[]> {
    this.#socket.write(encodeStep(step))
    return await this.#untilReady()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.end(message('X'))
    await new Promise<void>((resolve) => (this.#closed ? resolve() : this.#socket.once('close', () => resolve())))
  }

  async #untilReady(): Promise<readonly string[]> {
    const lines: string[] = []
    for (;;) {
      const [type, body] = await this.#next()
      if (type !== 'S' && type !== 'K' && type !== 'N') lines.push(describe(type, body))
      if (type === 'Z') return lines
    }
  }

  async #next(): Promise<[string, Buffer]> {
    for (;;) {
      const length = this.#buffer.length >= 5 ? this.#buffer.readUInt32BE(1) + 1 : Infinity
      if (this.#buffer.length >= length) {
        const taken = this.#buffer.subarray(0, length)
        this.#buffer = this.#buffer.subarray(length)
        return [String.fromCharCode(taken[0] ?? 0), taken.subarray(5)]
      }
      if (this.#closed) throw new Error('the server closed the connection')
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  async #authenticate(password: string): Promise<void> {
    const [type, body] = await this.#next()
    if (type !== 'R') throw new Error(`refused at the door: ${describe(type, body)}`)
    const request = body.readInt32BE(0)
    if (request === 3) this.#socket.write(message('p', cstring(password)))
    else if (request === 10) await this.#scram(password)
    else throw new Error(`authentication ${request}`)
    const [answer, detail] = await this.#next()
    if (answer !== 'R' || detail.readInt32BE(0) !== 0) throw new Error(`not let in: ${describe(answer, detail)}`)
  }

  async #scram(password: string): Promise<void> {
    const bare = `n=,r=${randomBytes(18).toString('base64')}`
    const first = Buffer.from(`n,,${bare}`)
    const length = Buffer.alloc(4)
    length.writeInt32BE(first.length)
    this.#socket.write(message('p', cstring('SCRAM-SHA-256'), length, first))
    const [, challenge] = await this.#next()
    const serverFirst = challenge.subarray(4).toString()
    const fields = Object.fromEntries(serverFirst.split(',').map((part) => [part.charAt(0), part.slice(2)]))
    const salted = pbkdf2Sync(password, Buffer.from(fields['s'] ?? '', 'base64'), Number(fields['i']), 32, 'sha256')
    const clientKey = createHmac('sha256', salted).update('Client Key').digest()
    const withoutProof = `c=biws,r=${fields['r'] ?? ''}`
    const signature = createHmac('sha256', createHash('sha256').update(clientKey).digest())
      .update(`${bare},${serverFirst},${withoutProof}`)
      .digest()
    const proof = Buffer.from(clientKey.map((byte, index) => byte ^ (signature[index] ?? 0))).toString('base64')
    this.#socket.write(message('p', Buffer.from(`${withoutProof},p=${proof}`)))
    await this.#next()
  }
}

function describe(type: string, body: Buffer): string {
  if (type === 'Z') return `Z ${String.fromCharCode(body[0] ?? 0)}`
  if (type === 'C') return `C ${body.toString('utf8', 0, body.length - 1)}`
  if (type === 'D') return `D ${body.subarray(6).toString('utf8')}`
  if (type === 'E') return `E ${/\0C([0-9A-Z]{5})\0/.exec(`\0${body.toString('utf8')}`)?.[1] ?? '?'}`
  return type
}

function encodeStep(step: Step): Buffer {
  if ('raw' in step) return step.raw
  if ('query' in step) return message('Q', cstring(step.query))
  const sync = message('S')
  if ('prepare' in step)
    return Buffer.concat([message('P', cstring(step.prepare), cstring(step.text), Buffer.alloc(2)), sync])
  if ('run' in step) return Buffer.concat([bind(step.run), execute(), sync])
  return Buffer.concat([
    ...step.pipeline.flatMap((text) => [
      message('P', cstring(''), cstring(text), Buffer.alloc(2)),
      bind(''),
      execute(),
    ]),
    sync,
  ])
}

function bind(statement: string): Buffer {
  return message('B', cstring(''), cstring(statement), Buffer.alloc(6))
}

function execute(): Buffer {
  return message('E', cstring(''), Buffer.alloc(4))
}

function startup({ user, database }: Target): Buffer {
  const body = Buffer.concat([
    Buffer.from([0, 3, 0, 0]),
    cstring('user'),
    cstring(user),
    cstring('database'),
    cstring(database),
    Buffer.alloc(1),
  ])
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length + 4)
  return Buffer.concat([length, body])
}

function message(type: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const head = Buffer.alloc(5)
  head.write(type)
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

function cstring(text: string): Buffer {
  return Buffer.from(`${text}\0`)
}
