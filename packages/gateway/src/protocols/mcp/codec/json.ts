import { type Bytes, fromUtf8, parseUtf8 } from '#base'
import { DuplicateKeys } from './duplicate-keys.ts'
import type { JsonLimits } from './limits.ts'
import { malformed, tooLarge } from './wire-error.ts'

/** A stretch of bytes: from `start` up to, not including, `end`. */
export interface Span {
  readonly start: number
  readonly end: number
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const MINUS = 0x2d
const PLUS = 0x2b
const POINT = 0x2e
const ZERO = 0x30
const NINE = 0x39
const LOWER_E = 0x65
const LOWER_U = 0x75

const TRUE = [0x74, 0x72, 0x75, 0x65]
const FALSE = [0x66, 0x61, 0x6c, 0x73, 0x65]
const NULL = [0x6e, 0x75, 0x6c, 0x6c]
/** What may follow a backslash besides `u`: `"` `\` `/` `b` `f` `n` `r` `t`. */
const ESCAPES = new Set([0x22, 0x5c, 0x2f, 0x62, 0x66, 0x6e, 0x72, 0x74])

/**
 * Checks a whole JSON text (RFC 8259) against its grammar and the limits, without building anything from it. What passes is what
 * `JSON.parse` takes, less duplicate names in an object (compared unescaped: readers differ on which of the two counts), less what the
 * limits exclude, and less bytes that are no UTF-8. Does not recurse.
 *
 * @returns where the value lies, without the white space around it.
 * @throws {WireError} `SP_WIRE_INVALID`, `SP_WIRE_TOO_LARGE`.
 */
export function checkJson(bytes: Bytes, limits: JsonLimits): Span {
  // RFC 8259 §8.1: "JSON text exchanged between systems that are not part of a closed ecosystem MUST be encoded using UTF-8".
  if (bytes.length > limits.maxBytes) throw tooLarge(`a message has at most ${limits.maxBytes} bytes`)
  return new Checker(bytes, limits).check()
}

/** Bytes of a string that need a closer look: its end, escapes, control characters, and what is not ASCII. */
const NOTABLE = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte === QUOTE || byte === BACKSLASH || byte < 0x20 || byte >= 0x80 ? 1 : 0,
)

/** One pass over one text; what has been opened is on a stack of its own. */
class Checker {
  readonly #bytes: Bytes
  readonly #limits: JsonLimits
  readonly #names: DuplicateKeys
  /** For each open value whether it is an object. */
  readonly #open: boolean[] = []
  #at = 0
  #keys = 0
  /** Whether there is more than ASCII; outside of strings that is no JSON. */
  #isBeyondAscii = false

  constructor(bytes: Bytes, limits: JsonLimits) {
    this.#bytes = bytes
    this.#limits = limits
    this.#names = new DuplicateKeys(bytes)
  }

  check(): Span {
    this.#skipSpace()
    const start = this.#at
    let isOpen = this.#value()
    while (isOpen || this.#open.length > 0) isOpen = isOpen ? this.#first() : this.#next()
    const end = this.#at
    this.#skipSpace()
    if (this.#at !== this.#bytes.length) throw malformed('something follows the JSON text')
    if (this.#isBeyondAscii && parseUtf8(this.#bytes) === undefined) throw malformed('the message is not UTF-8')
    return { start, end }
  }

  /** Reads a scalar, or opens an object or array; says whether one was opened and waits for its first element. */
  #value(): boolean {
    const byte = this.#bytes[this.#at]
    switch (byte) {
      case OPEN_BRACE:
      case OPEN_BRACKET:
        if (this.#open.length >= this.#limits.maxDepth) {
          throw tooLarge(`values lie within each other at most ${this.#limits.maxDepth} deep`)
        }
        this.#at++
        this.#open.push(byte === OPEN_BRACE)
        if (byte === OPEN_BRACE) this.#names.open()
        return true
      case QUOTE:
        this.#string()
        return false
      case 0x74:
        this.#word(TRUE)
        return false
      case 0x66:
        this.#word(FALSE)
        return false
      case 0x6e:
        this.#word(NULL)
        return false
      default:
        this.#number()
        return false
    }
  }

  /** Behind an opening bracket: its end, or its first element. */
  #first(): boolean {
    this.#skipSpace()
    const isObject = this.#open.at(-1) === true
    if (this.#bytes[this.#at] === (isObject ? CLOSE_BRACE : CLOSE_BRACKET)) return this.#close(isObject)
    return this.#element(isObject)
  }

  /** Behind an element: a comma and the next one, or the end. */
  #next(): boolean {
    this.#skipSpace()
    const isObject = this.#open.at(-1) === true
    const byte = this.#bytes[this.#at]
    if (byte === (isObject ? CLOSE_BRACE : CLOSE_BRACKET)) return this.#close(isObject)
    if (byte !== COMMA) throw malformed('a comma or a closing bracket is missing')
    this.#at++
    this.#skipSpace()
    return this.#element(isObject)
  }

  #element(isObject: boolean): boolean {
    if (isObject) this.#name()
    return this.#value()
  }

  #close(isObject: boolean): boolean {
    this.#at++
    this.#open.pop()
    if (isObject) this.#names.close()
    return false
  }

  #name(): void {
    if (this.#bytes[this.#at] !== QUOTE) throw malformed('the name of a member is missing')
    if (++this.#keys > this.#limits.maxKeys) throw tooLarge(`a message has at most ${this.#limits.maxKeys} members`)
    const start = this.#at + 1
    const isEscaped = this.#string()
    if (!this.#names.add(start, this.#at - 1, isEscaped)) throw malformed('an object has the same name twice')
    this.#skipSpace()
    if (this.#bytes[this.#at] !== COLON) throw malformed('a colon is missing')
    this.#at++
    this.#skipSpace()
  }

  /** Reads a string with its quotes; says whether it has escapes. */
  #string(): boolean {
    const bytes = this.#bytes
    const start = this.#at + 1
    let at = start
    let isEscaped = false
    for (;;) {
      while (NOTABLE[bytes[at] ?? 0] === 0) at++
      const byte = bytes[at]
      if (byte === QUOTE) break
      if (byte === undefined) throw malformed('a string does not end')
      // RFC 8259 §7: "characters that MUST be escaped: quotation mark, reverse solidus, and the control characters".
      if (byte < 0x20) throw malformed('a control character in a string is not escaped')
      if (byte === BACKSLASH) {
        isEscaped = true
        at = this.#escape(at)
      } else {
        this.#isBeyondAscii = true
        at++
      }
    }
    if (at - start > this.#limits.maxStringBytes) {
      throw tooLarge(`a string has at most ${this.#limits.maxStringBytes} bytes`)
    }
    this.#at = at + 1
    return isEscaped
  }

  /** Reads one escape, or two that make a pair; returns where it ends. */
  #escape(at: number): number {
    const kind = this.#bytes[at + 1] ?? 0
    if (kind !== LOWER_U) {
      if (!ESCAPES.has(kind)) throw malformed('an escape is none of JSON')
      return at + 2
    }
    const unit = this.#codeUnit(at + 2)
    if (unit < 0xd800 || unit > 0xdfff || this.#limits.allowLoneSurrogates) return at + 6
    if (unit <= 0xdbff && this.#bytes[at + 6] === BACKSLASH && this.#bytes[at + 7] === LOWER_U) {
      const low = this.#codeUnit(at + 8)
      if (low >= 0xdc00 && low <= 0xdfff) return at + 12
    }
    throw malformed('an escape names half a surrogate pair')
  }

  #codeUnit(at: number): number {
    let unit = 0
    for (let index = at; index < at + 4; index++) {
      const digit = hexValue(this.#bytes[index] ?? 0)
      if (digit < 0) throw malformed('an escape is none of JSON')
      unit = unit * 16 + digit
    }
    return unit
  }

  /** RFC 8259 §6: `number = [ minus ] int [ frac ] [ exp ]`; it stays as written. */
  #number(): void {
    if (this.#bytes[this.#at] === MINUS) this.#at++
    if (this.#bytes[this.#at] === ZERO) this.#at++
    else this.#digits()
    if (this.#bytes[this.#at] === POINT) {
      this.#at++
      this.#digits()
    }
    if (((this.#bytes[this.#at] ?? 0) | 0x20) !== LOWER_E) return
    this.#at++
    const sign = this.#bytes[this.#at]
    if (sign === PLUS || sign === MINUS) this.#at++
    this.#digits()
  }

  #digits(): void {
    const bytes = this.#bytes
    let at = this.#at
    while (isDigit(bytes[at] ?? 0)) at++
    if (at === this.#at) throw malformed('a value is missing or is none of JSON')
    this.#at = at
  }

  #word(word: readonly number[]): void {
    for (const byte of word) {
      if (this.#bytes[this.#at] !== byte) throw malformed('a value is missing or is none of JSON')
      this.#at++
    }
  }

  #skipSpace(): void {
    const bytes = this.#bytes
    let at = this.#at
    while (isSpace(bytes[at] ?? 0)) at++
    this.#at = at
  }
}

/** RFC 8259 §2: space, tab, line feed, carriage return. */
export function isSpace(byte: number): boolean {
  return byte <= 0x20 && (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09)
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE
}

function hexValue(byte: number): number {
  if (isDigit(byte)) return byte - ZERO
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

/** The text of a string that was checked; `span` is what lies between its quotes. */
export function stringOf(bytes: Bytes, { start, end }: Span): string {
  const inner = bytes.subarray(start, end)
  if (!inner.includes(BACKSLASH)) return fromUtf8(inner)
  return JSON.parse(`"${fromUtf8(inner)}"`) as string
}
