import type { Duplex } from 'node:stream'
import type { Bytes } from '#base'

/** Collected up to this size, then written. */
const BUFFER_BYTES = 65_536
/** Kept for the next write; more sessions than these at a time allocate. */
const MAX_POOLED = 64
/** Above this many unsent bytes the database is not read any further. */
const HIGH_WATER_BYTES = 1_048_576

/** Buffers that were written and can be filled again; shared by the sessions of one listener. */
export class BufferPool {
  readonly #free: Buffer[] = []

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES)
  }

  /** Gives back a buffer that nobody reads any more. */
  give(buffer: Buffer): void {
    if (this.#free.length < MAX_POOLED) this.#free.push(buffer)
  }
}

/**
 * Writes to a client: copies what is appended (which may lie in a buffer that is read into again), one write a turn. Nothing is lost or
 * reordered; after the client is gone it does nothing.
 */
export class ClientWriter {
  readonly #stream: Duplex
  readonly #pool: BufferPool
  #buffer: Buffer | undefined
  #fill = 0

  constructor(stream: Duplex, pool: BufferPool) {
    this.#stream = stream
    this.#pool = pool
  }

  /** Whether so much is unsent that no more should be asked for; `drain` of the stream follows. */
  get isCongested(): boolean {
    return this.#stream.writableLength > HIGH_WATER_BYTES
  }

  /** Appends a message or a part of one. */
  send(bytes: Bytes): void {
    this.append(bytes, 0, bytes.length)
  }

  /** Appends `buffer[start]`…`buffer[end - 1]`. */
  append(buffer: Bytes, start: number, end: number): void {
    let offset = start
    while (offset < end) {
      const target = (this.#buffer ??= this.#pool.take())
      const take = Math.min(end - offset, target.length - this.#fill)
      target.set(buffer.subarray(offset, offset + take), this.#fill)
      this.#fill += take
      offset += take
      if (this.#fill === target.length) this.flush()
    }
  }

  /** Writes what was appended. */
  flush(): void {
    const buffer = this.#buffer
    if (buffer === undefined) return
    const written = buffer.subarray(0, this.#fill)
    this.#buffer = undefined
    this.#fill = 0
    if (this.#stream.destroyed || this.#stream.writableEnded) this.#pool.give(buffer)
    else this.#stream.write(written, () => this.#pool.give(buffer))
  }
}
