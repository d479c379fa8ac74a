import type { Bytes } from '#base'
import { MAX_PROTOCOL_MESSAGE } from './limits.ts'
import { invalid, WireError } from './wire-error.ts'

/** What a framer does with what it finds. */
export interface FrameSink {
  /** The most bytes that a whole message of this type may have, header included; 0 for a type that is not expected. */
  limitOf(type: number): number
  /** One whole message: `buffer[start]` is its type, `end` lies behind its last byte. */
  frame(type: number, buffer: Bytes, start: number, end: number): void
  /**
   * A message over its limit begins: throw, or return to have its body passed over in pieces without collecting it.
   * `length` is that of the whole message, header included.
   */
  oversized(type: number, length: number): void
  /** A piece of the body of an oversized message. */
  piece?(buffer: Bytes, start: number, end: number, isLast: boolean): void
  /** A run of `count` whole messages of `runType` that lie one behind the other, header of the first to end of the last. */
  run?(buffer: Bytes, start: number, end: number, count: number): void
}

/** How a framer works. */
interface FramerOptions {
  /** Messages of this type are given out in runs. */
  readonly runType?: number
  /**
   * Whether views are used within the call only. Then messages that were split over chunks are put together in one buffer that is used
   * again; otherwise each gets its own and a view handed out is never rewritten (as far as the chunks are not).
   */
  readonly isTransient?: boolean
}

/** Reused for split messages up to this size when views are transient. */
const SCRATCH_BYTES = 65_536
const HEADER_BYTES = 5

/**
 * Finds the messages in a stream of chunks, however it is cut:
 *
 *     type: 1 byte | length: int32, counts itself and the body | body
 *
 * One pass, no copy but of messages that lie over a chunk's border; the limit is checked before a single byte of the body is kept.
 * Dead after a throw.
 */
export class Framer {
  readonly #sink: FrameSink
  readonly #runType: number
  readonly #scratch: Bytes | undefined
  readonly #header = new Uint8Array(HEADER_BYTES)
  #headerFill = 0
  /** The message being collected, and how far. */
  #carry: Bytes | undefined
  #carryFill = 0
  #carryLength = 0
  /** What is left of an oversized message. */
  #skip = 0

  constructor(sink: FrameSink, options: FramerOptions = {}) {
    this.#sink = sink
    this.#runType = options.runType ?? -1
    this.#scratch = options.isTransient === true ? new Uint8Array(SCRATCH_BYTES) : undefined
  }

  /** Whether the stream may end here: no message is begun. */
  get isAtBorder(): boolean {
    return this.#headerFill === 0 && this.#carry === undefined && this.#skip === 0
  }

  /**
   * Takes a chunk.
   *
   * @throws {WireError} `SP_WIRE_INVALID` for an impossible length or unexpected type, and what the sink throws.
   */
  push(chunk: Bytes): void {
    let offset = 0
    while (offset < chunk.length) {
      if (this.#skip > 0) offset = this.#pass(chunk, offset)
      else if (this.#carry !== undefined) offset = this.#collect(this.#carry, chunk, offset)
      else if (this.#headerFill > 0) offset = this.#completeHeader(chunk, offset)
      else offset = this.#scan(chunk, offset)
    }
  }

  /** Gives out whole messages that lie in the chunk; returns where the first incomplete one begins to be handled, or the end. */
  #scan(chunk: Bytes, from: number): number {
    let offset = from
    while (chunk.length - offset >= HEADER_BYTES) {
      const type = chunk[offset] ?? 0
      const total = 1 + readLength(chunk, offset + 1)
      if (total > this.#limit(type)) return this.#beginOversized(type, total, offset)
      if (total > chunk.length - offset) return this.#beginCarry(total, chunk, offset)
      if (type === this.#runType) offset = this.#passRun(chunk, offset)
      else {
        this.#sink.frame(type, chunk, offset, offset + total)
        offset += total
      }
    }
    const rest = chunk.length - offset
    this.#header.set(chunk.subarray(offset))
    this.#headerFill = rest
    return chunk.length
  }

  /** The run that begins at `from`, where a whole message of the run's type is known to lie. */
  #passRun(chunk: Bytes, from: number): number {
    const limit = this.#limit(this.#runType)
    let end = from
    let count = 0
    while (chunk.length - end >= HEADER_BYTES && chunk[end] === this.#runType) {
      const total = 1 + readLength(chunk, end + 1)
      if (total > limit || total > chunk.length - end) break
      end += total
      count++
    }
    this.#sink.run?.(chunk, from, end, count)
    return end
  }

  #completeHeader(chunk: Bytes, from: number): number {
    const take = Math.min(HEADER_BYTES - this.#headerFill, chunk.length - from)
    this.#header.set(chunk.subarray(from, from + take), this.#headerFill)
    this.#headerFill += take
    if (this.#headerFill < HEADER_BYTES) return from + take
    this.#headerFill = 0
    const type = this.#header[0] ?? 0
    const total = 1 + readLength(this.#header, 1)
    if (total > this.#limit(type)) {
      this.#beginOversized(type, total, 0)
      return from + take
    }
    this.#beginCarry(total, this.#header, 0)
    return from + take
  }

  #beginCarry(total: number, chunk: Bytes, from: number): number {
    this.#carry = this.#scratch !== undefined && total <= SCRATCH_BYTES ? this.#scratch : new Uint8Array(total)
    this.#carryLength = total
    this.#carryFill = 0
    return this.#collect(this.#carry, chunk, from)
  }

  #collect(carry: Bytes, chunk: Bytes, from: number): number {
    const take = Math.min(this.#carryLength - this.#carryFill, chunk.length - from)
    carry.set(chunk.subarray(from, from + take), this.#carryFill)
    this.#carryFill += take
    if (this.#carryFill < this.#carryLength) return from + take
    this.#carry = undefined
    const type = carry[0] ?? 0
    if (type === this.#runType) this.#sink.run?.(carry, 0, this.#carryLength, 1)
    else this.#sink.frame(type, carry, 0, this.#carryLength)
    return from + take
  }

  #beginOversized(type: number, total: number, from: number): number {
    if (total - 1 > MAX_PROTOCOL_MESSAGE) throw new WireError('SP_WIRE_TOO_LARGE', 'a message over the protocol limit')
    this.#sink.oversized(type, total)
    this.#skip = total - HEADER_BYTES
    return from + HEADER_BYTES
  }

  #pass(chunk: Bytes, from: number): number {
    const take = Math.min(this.#skip, chunk.length - from)
    this.#skip -= take
    this.#sink.piece?.(chunk, from, from + take, this.#skip === 0)
    return from + take
  }

  #limit(type: number): number {
    const limit = this.#sink.limitOf(type)
    if (limit === 0) throw invalid('a message of a type that is not expected here')
    return limit
  }
}

/** PostgreSQL, Message Formats: "Length of message contents in bytes, including self." */
function readLength(buffer: Bytes, offset: number): number {
  const length =
    ((buffer[offset] ?? 0) << 24) |
    ((buffer[offset + 1] ?? 0) << 16) |
    ((buffer[offset + 2] ?? 0) << 8) |
    (buffer[offset + 3] ?? 0)
  if (length < 4) throw invalid('a message with an impossible length')
  return length
}
