import { type Bytes, concatBytes, toUtf8 } from '#base'

/** Builds one message: type byte (none for start-up packets), length, fields. */
export class MessageWriter {
  readonly #type: number | undefined
  readonly #parts: Bytes[] = []

  constructor(type?: number) {
    this.#type = type
  }

  uint8(value: number): this {
    this.#parts.push(Uint8Array.of(value))
    return this
  }

  uint16(value: number): this {
    this.#parts.push(Uint8Array.of(value >>> 8, value & 0xff))
    return this
  }

  /** Signed and unsigned alike: two's complement. */
  int32(value: number): this {
    this.#parts.push(Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff))
    return this
  }

  bytes(value: Bytes): this {
    this.#parts.push(value)
    return this
  }

  /** @throws {TypeError} for text with a zero byte: it would end the string early, and what follows would be read as other fields. */
  cstring(text: string): this {
    return this.cstringBytes(toUtf8(text))
  }

  /** @throws {TypeError} as `cstring`. */
  cstringBytes(text: Bytes): this {
    if (text.includes(0)) throw new TypeError('a protocol string cannot hold a zero byte')
    this.#parts.push(text, ZERO)
    return this
  }

  build(): Bytes {
    let length = 4
    for (const part of this.#parts) length += part.length
    const header = this.#type === undefined ? new Uint8Array(4) : new Uint8Array(5)
    if (this.#type !== undefined) header[0] = this.#type
    new DataView(header.buffer).setInt32(header.length - 4, length)
    return concatBytes([header, ...this.#parts])
  }
}

const ZERO = new Uint8Array(1)
