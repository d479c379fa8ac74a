import type { Bytes } from '#base'
import { GatewayError } from '#model'
import { type BackendMessage, decodeBackend } from '../codec/index.ts'
import type { UpstreamHandler } from './upstream.ts'

/** More than a handshake has: a server that sends on and on is none. */
const MAX_WAITING = 100_000

/** Hears a database one message after the other, for the handshake and for Sallyport's own questions. */
export class Conversation implements UpstreamHandler {
  readonly #waiting: BackendMessage[] = []
  #ended: Error | undefined
  #wake: (() => void) | undefined

  /**
   * The next message.
   *
   * @throws {GatewayError} `SP_UPSTREAM_UNREACHABLE` when it hung up, `SP_UPSTREAM_PROTOCOL` when it spoke another protocol.
   */
  async next(): Promise<BackendMessage> {
    for (;;) {
      const message = this.#waiting.shift()
      if (message !== undefined) return message
      if (this.#ended !== undefined) throw this.#ended
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  frame(_type: number, buffer: Bytes, start: number, end: number): void {
    this.#hear(buffer.slice(start, end))
  }

  rows(buffer: Bytes, start: number, end: number): void {
    let offset = start
    while (offset < end) {
      const length = new DataView(buffer.buffer, buffer.byteOffset + offset, 5).getInt32(1)
      this.#hear(buffer.slice(offset, offset + 1 + length))
      offset += 1 + length
    }
  }

  oversizedRow(): void {
    throw new GatewayError('SP_UPSTREAM_PROTOCOL', 'an answer to a question of ours is too large')
  }

  oversizedRowPiece(): void {
    throw new GatewayError('SP_UPSTREAM_PROTOCOL', 'an answer to a question of ours is too large')
  }

  chunkEnd(): void {
    this.#wake?.()
  }

  broken(error: Error): void {
    this.#end(new GatewayError('SP_UPSTREAM_PROTOCOL', error.message, { cause: error }))
  }

  closed(): void {
    this.#end(new GatewayError('SP_UPSTREAM_UNREACHABLE', 'the database closed the connection'))
  }

  #hear(message: Bytes): void {
    if (this.#waiting.length >= MAX_WAITING) throw new GatewayError('SP_UPSTREAM_PROTOCOL', 'too many messages')
    this.#waiting.push(decodeBackend(message, 0, message.length))
  }

  #end(error: Error): void {
    this.#ended ??= error
    this.#wake?.()
  }
}
