import type { Duplex } from 'node:stream'
import type { Bytes } from '#base'
import { decodeFrontend, Framer, frontendLimit, type FrontendMessage, Front, WireError } from '../codec/index.ts'
import { type BufferPool, ClientWriter } from './writer.ts'

/** A message of the client with its bytes; both are views that are never rewritten. */
export interface Arrival {
  readonly message: ClientMessage
  /** The whole message, header included; empty when it was passed over. */
  readonly raw: Bytes
}

/** What a client can say, or began to say at more length than is read. */
type ClientMessage = FrontendMessage | { readonly kind: 'oversized'; readonly type: number; readonly length: number }

/** Above this many unread bytes the client is not read any further, below half of it again. */
const MAX_QUEUED_BYTES = 4_194_304
/** A batch without a Sync, Flush or Query is begun all the same when it has this many messages. */
const MAX_QUEUED_MESSAGES = 1024

/** Messages that a client awaits an answer to, so that everything up to them can be dealt with. */
const boundaries = new Set<ClientMessage['kind']>(['query', 'sync', 'flush', 'terminate', 'functionCall', 'password'])

/** Who is told what a client does. */
export interface ConnectionListener {
  /** Something arrived. */
  arrived(): void
  /** What it said is not the protocol: nothing more is read. */
  broken(error: WireError): void
  /** It is gone. */
  closed(): void
}

/**
 * One client's connection behind its start-up packet: messages in a bounded queue, and the writer. It owns the stream.
 */
export class ClientConnection {
  readonly writer: ClientWriter
  readonly #stream: Duplex
  readonly #framer: Framer
  #listener: ConnectionListener | undefined
  readonly #queue: Arrival[] = []
  #queuedBytes = 0
  #boundaries = 0
  #isClosed = false
  #broken: WireError | undefined
  #isKnown = false

  /** `rest` is what came behind the start-up packet. */
  constructor(stream: Duplex, pool: BufferPool, rest: Bytes) {
    this.#stream = stream
    this.writer = new ClientWriter(stream, pool)
    this.#framer = new Framer({
      limitOf: (type) => (this.#isKnown ? frontendLimit(type) : strangerLimit(type)),
      frame: (_type, buffer, start, end) => {
        this.#enqueue({ message: decodeFrontend(buffer, start, end), raw: buffer.subarray(start, end) })
      },
      oversized: (type, length) => {
        this.#oversized(type, length)
      },
    })
    stream.on('data', (chunk: Bytes) => {
      this.#take(chunk)
    })
    stream.on('error', () => stream.destroy())
    stream.on('end', () => stream.end())
    stream.on('close', () => {
      this.#isClosed = true
      this.#listener?.closed()
    })
    if (rest.length > 0) this.#take(rest)
    stream.resume()
  }

  /** The client has shown its token: from now on it may say whatever the protocol has. */
  welcome(): void {
    this.#isKnown = true
  }

  /** From now on this one is told; at once, if there is something to tell. */
  attach(listener: ConnectionListener): void {
    this.#listener = listener
    if (this.#isClosed) listener.closed()
    else if (this.#broken !== undefined) listener.broken(this.#broken)
    else if (this.#queue.length > 0) listener.arrived()
  }

  /** Whether a batch can be taken: up to a boundary, or because the queue is full. */
  get hasBatch(): boolean {
    if (this.#queue.length === 0) return false
    return this.#boundaries > 0 || this.#queue.length >= MAX_QUEUED_MESSAGES || this.#queuedBytes >= MAX_QUEUED_BYTES
  }

  /** Takes everything up to the last boundary, or everything when there is none; at most `MAX_QUEUED_MESSAGES`. */
  takeBatch(): readonly Arrival[] {
    const most = Math.min(this.#queue.length, MAX_QUEUED_MESSAGES)
    let end = most
    while (end > 0 && !isBoundary(this.#queue[end - 1])) end--
    const batch = this.#queue.splice(0, end > 0 ? end : most)
    for (const arrival of batch) {
      this.#queuedBytes -= arrival.raw.length
      if (isBoundary(arrival)) this.#boundaries--
    }
    if (this.#queuedBytes <= MAX_QUEUED_BYTES / 2 && this.#queue.length < MAX_QUEUED_MESSAGES) this.#stream.resume()
    return batch
  }

  /** Calls the listener each time everything was sent. */
  onDrain(listener: () => void): void {
    this.#stream.on('drain', listener)
  }

  /** Sends what is appended and hangs up; a client that does not take it is cut off after a second. */
  end(): void {
    this.writer.flush()
    if (this.#stream.destroyed) return
    this.#stream.end()
    const timer = setTimeout(() => this.#stream.destroy(), FAREWELL_MS)
    timer.unref()
    this.#stream.once('close', () => {
      clearTimeout(timer)
    })
  }

  #take(chunk: Bytes): void {
    if (this.#broken !== undefined || this.#isClosed) return
    try {
      this.#framer.push(chunk)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.#broken = error
      this.#stream.pause()
      this.#listener?.broken(error)
      return
    }
    if (this.#queuedBytes >= MAX_QUEUED_BYTES || this.#queue.length >= MAX_QUEUED_MESSAGES) this.#stream.pause()
    this.#listener?.arrived()
  }

  #enqueue(arrival: Arrival): void {
    this.#queue.push(arrival)
    this.#queuedBytes += arrival.raw.length
    if (isBoundary(arrival)) this.#boundaries++
  }

  /** A statement or its parameters can be refused by itself; anything else of that size is no message of a sane client. */
  #oversized(type: number, length: number): void {
    if (type !== Front.query && type !== Front.parse && type !== Front.bind) {
      throw new WireError('SP_WIRE_TOO_LARGE', 'a message over the limit')
    }
    this.#enqueue({ message: { kind: 'oversized', type, length }, raw: new Uint8Array() })
  }
}

/** A job token has 8,192 bytes at most. */
const MAX_PASSWORD_MESSAGE = 16_384

/** What is read from somebody who is nobody yet: memory is not theirs to fill. */
function strangerLimit(type: number): number {
  return type === Front.password || type === Front.terminate ? MAX_PASSWORD_MESSAGE : 0
}

/** How long a client has to take what it was told last. */
const FAREWELL_MS = 1000

function isBoundary(arrival: Arrival | undefined): boolean {
  if (arrival === undefined) return false
  const { message } = arrival
  return boundaries.has(message.kind) || (message.kind === 'oversized' && message.type === Front.query)
}
