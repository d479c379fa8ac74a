import type { Bytes } from '#base'
import type { NumberReader } from './numbers.ts'
import type { ValueReader } from './reader.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * Goes through the leaves of a JSON text (RFC 8259): what lies between quotes, names included, is read as text of its own, so that escapes
 * count and nothing is found across leaves; numbers outside are judged as numbers. Text that is no JSON is read as if it were.
 */
export class JsonReader implements ValueReader {
  readonly #text: ValueReader
  readonly #numbers: NumberReader
  #inString = false
  /** Where to go on looking for the closing quote. */
  #sought = 0

  /** Reads strings with one reader and judges numbers with the other. */
  constructor(text: ValueReader, numbers: NumberReader) {
    this.#text = text
    this.#numbers = numbers
  }

  begin(): void {
    this.#inString = false
    this.#numbers.begin()
  }

  advance(bytes: Bytes, at: number, limit: number, to: number): number {
    let position = at
    while (position < limit || (this.#inString && limit === to)) {
      position = this.#inString
        ? this.#advanceString(bytes, position, limit, to)
        : this.#advanceOutside(bytes, position, to)
    }
    return position
  }

  heldFrom(at: number): number {
    return this.#inString ? this.#text.heldFrom(at) : at
  }

  shift(by: number): void {
    this.#sought += by
    this.#text.shift(by)
  }

  #advanceOutside(bytes: Bytes, at: number, to: number): number {
    const byte = bytes[at] ?? 0
    if (this.#numbers.within || (byte >= 0x30 && byte <= 0x39)) return this.#numbers.readNumber(bytes, at, to)
    if (byte === QUOTE) {
      this.#inString = true
      this.#sought = at + 1
      this.#text.begin(at + 1)
    }
    return at + 1
  }

  #advanceString(bytes: Bytes, at: number, limit: number, to: number): number {
    const close = this.#closingQuote(bytes, to)
    if (close < 0 && limit < to) return this.#text.advance(bytes, at, limit, to)
    const end = close < 0 ? to : close
    this.#text.advance(bytes, at, end, end)
    this.#inString = false
    return close < 0 ? to : close + 1
  }

  /** The quote that ends the string at hand, or -1 where it is not yet there. */
  #closingQuote(bytes: Bytes, to: number): number {
    let at = this.#sought
    while (at < to && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1
    this.#sought = at
    return at < to ? at : -1
  }
}
