import { type Bytes, fromUtf8, parseUtf8 } from '#base'
import { invalid } from './wire-error.ts'

/** Reads the fields of one message; checks the bound before every read and throws only `WireError`. Views that it hands out are not copied. */
export class ByteReader {
  readonly #buffer: Bytes
  readonly #view: DataView
  readonly #end: number
  #offset: number

  constructor(buffer: Bytes, start: number, end: number) {
    this.#buffer = buffer
    this.#view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    this.#offset = start
    this.#end = end
  }

  get remaining(): number {
    return this.#end - this.#offset
  }

  uint8(): number {
    return this.#view.getUint8(this.#advance(1))
  }

  int16(): number {
    return this.#view.getInt16(this.#advance(2))
  }

  uint16(): number {
    return this.#view.getUint16(this.#advance(2))
  }

  int32(): number {
    return this.#view.getInt32(this.#advance(4))
  }

  uint32(): number {
    return this.#view.getUint32(this.#advance(4))
  }

  /** A view of the next bytes. */
  bytes(length: number): Bytes {
    const start = this.#advance(length)
    return this.#buffer.subarray(start, start + length)
  }

  /** A view of a string up to its NUL, which is passed over. */
  cstringBytes(maxBytes: number): Bytes {
    const limit = Math.min(this.#end, this.#offset + maxBytes + 1)
    const start = this.#offset
    const nul = this.#buffer.indexOf(0, start)
    if (nul < 0 || nul >= this.#end) throw invalid('a string without its terminating zero byte')
    if (nul >= limit) throw invalid(`a string of more than ${String(maxBytes)} bytes`)
    this.#offset = nul + 1
    return this.#buffer.subarray(start, nul)
  }

  /** A string up to its NUL; it must be UTF-8. */
  cstring(maxBytes: number): string {
    const text = parseUtf8(this.cstringBytes(maxBytes))
    if (text === undefined) throw invalid('a string that is not UTF-8')
    return text
  }

  /** A string up to its NUL, for showing: what is not UTF-8 becomes U+FFFD (a SQL_ASCII database converts nothing). */
  lenientCstring(): string {
    return fromUtf8(this.cstringBytes(this.remaining))
  }

  /** Demands that the message ends here. */
  finish(): void {
    if (this.#offset !== this.#end) throw invalid('bytes behind the last field of a message')
  }

  #advance(length: number): number {
    const start = this.#offset
    if (length < 0 || length > this.#end - start) throw invalid('a field runs over the end of its message')
    this.#offset = start + length
    return start
  }
}
