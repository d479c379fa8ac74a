import type { Duplex } from 'node:stream'
import type { Bytes } from '#base'
import { Back, backendLimit, encodeFrontend, Framer, type FrameSink, WireError } from '../codec/index.ts'

/** Who hears what a database says. Views hold during the call only. */
export interface UpstreamHandler {
  /** One whole message that is not a row. */
  frame(type: number, buffer: Bytes, start: number, end: number): void
  /** A run of whole rows. */
  rows(buffer: Bytes, start: number, end: number, count: number): void
  /** A row over the limit begins; its body follows in pieces. */
  oversizedRow(): void
  oversizedRowPiece(buffer: Bytes, start: number, end: number, isLast: boolean): void
  /** What was read at once has been given out. */
  chunkEnd(): void
  /** What it said is not the protocol: nothing more will come. */
  broken(error: Error): void
  /** It hung up. */
  closed(): void
}

/** Identifies a session to the database, for cancelling: not to be shown to anybody. */
export interface BackendKey {
  readonly processId: number
  readonly key: Bytes
}

/**
 * One connection to a database, one to one with a client's session. It owns the stream; whoever is attached hears the messages.
 * What is written comes in finished: that every statement has its permit is the business of `Outbox`, the only one that writes here once
 * the session is up.
 */
export class Upstream {
  readonly #stream: Duplex
  readonly #framer: Framer
  #handler: UpstreamHandler
  #isClosed = false
  /** Settings that the server reports. */
  readonly parameters: Map<string, string> = new Map()
  backendKey: BackendKey | undefined

  constructor(stream: Duplex, listen: (listener: (chunk: Bytes) => void) => void, handler: UpstreamHandler) {
    this.#stream = stream
    this.#handler = handler
    this.#framer = new Framer(this.#sink(), { runType: Back.dataRow, isTransient: true })
    stream.on('error', () => {
      stream.destroy()
    })
    stream.on('close', () => {
      this.#isClosed = true
      this.#handler.closed()
    })
    listen((chunk) => {
      this.#take(chunk)
    })
  }

  /** From now on this one hears the messages, and that it is closed if it already is. */
  attach(handler: UpstreamHandler): void {
    this.#handler = handler
    if (this.#isClosed) handler.closed()
  }

  /** Bytes that wait to be sent. */
  get backlog(): number {
    return this.#stream.writableLength
  }

  write(bytes: Bytes): void {
    if (!this.#isClosed && !this.#stream.destroyed) this.#stream.write(bytes)
  }

  pause(): void {
    this.#stream.pause()
  }

  resume(): void {
    this.#stream.resume()
  }

  /** Calls the listener each time everything was sent. */
  onDrain(listener: () => void): void {
    this.#stream.on('drain', listener)
  }

  /** Says goodbye and hangs up; at once when the goodbye does not leave. */
  terminate(): void {
    if (this.#stream.destroyed) return
    const destroy = (): void => {
      this.#stream.destroy()
    }
    const timer = setTimeout(destroy, GOODBYE_MS)
    timer.unref()
    this.#stream.once('close', () => {
      clearTimeout(timer)
    })
    this.#stream.end(encodeFrontend({ kind: 'terminate' }), destroy)
  }

  /** Hangs up without a word. */
  destroy(): void {
    this.#stream.destroy()
  }

  #take(chunk: Bytes): void {
    if (this.#stream.destroyed) return
    try {
      this.#framer.push(chunk)
      this.#handler.chunkEnd()
    } catch (error) {
      this.#stream.destroy()
      this.#handler.broken(error instanceof Error ? error : new Error('unknown fault', { cause: error }))
    }
  }

  #sink(): FrameSink {
    return {
      limitOf: backendLimit,
      frame: (type, buffer, start, end) => {
        this.#handler.frame(type, buffer, start, end)
      },
      run: (buffer, start, end, count) => {
        this.#handler.rows(buffer, start, end, count)
      },
      oversized: (type) => {
        if (type !== Back.dataRow) throw new WireError('SP_WIRE_TOO_LARGE', 'a message of the server over the limit')
        this.#handler.oversizedRow()
      },
      piece: (buffer, start, end, isLast) => {
        this.#handler.oversizedRowPiece(buffer, start, end, isLast)
      },
    }
  }
}

/** How long a goodbye may take to leave. */
const GOODBYE_MS = 1000
