import type { Bytes } from '#base'
import { type Alphabet, BREAK, COUNTS, DIGIT } from './alphabet.ts'
import { minPanDigits } from './iin.ts'
import { maxTagBytes } from './markup.ts'
import { nextSign } from './signs.ts'
import { kindOf, widthOf } from './token.ts'
import { maxTokenBytes, readToken } from './tokens.ts'

const LESS = 0x3c
const BACKSLASH = 0x5c
const LOWER_U = 0x75

/** Back to a digit from the sign after it there are no more bytes than these; else it is looked at without. */
const maxLookBack = 64

/** The last reference of a number may run on into what stands behind its value (`&#x34` and the D of the next row), and be no digit in here. */
const enoughDigits = minPanDigits - 1

/** A sign so close to the end of what is there may begin what is not there yet. */
const maxSignBytes = maxTagBytes + maxTokenBytes

/**
 * Finds the stretches of text that may hold a card number with markup in it: from a digit or the reference to one, over the first sign of
 * markup, on. Nothing is looked at but the signs, and what stands beside a digit there. Time is linear: no stretch is measured twice.
 */
export class MarkedFinder {
  readonly #alphabet: Alphabet
  /** Where the stretch found begins and how far it was measured. */
  from = 0
  until = 0
  /** No sign before this one matters. */
  #sought = 0
  /** Up to here no number goes on. */
  #broken = 0

  constructor(alphabet: Alphabet) {
    this.#alphabet = alphabet
  }

  reset(): void {
    this.#sought = 0
    this.#broken = 0
  }

  shift(by: number): void {
    this.#sought += by
    this.#broken += by
  }

  /** Finds the first stretch whose first sign lies before `limit`; else as `SuspectFinder.find`. */
  find(bytes: Bytes, at: number, limit: number, to: number, last: boolean): boolean {
    let sign = nextSign(bytes, Math.max(at, this.#sought), limit)
    while (sign < limit) {
      this.#sought = sign
      if (sign >= this.#broken && this.#mayMatter(bytes, sign, at, to) && this.#measure(bytes, sign, at, to, last))
        return true
      sign = nextSign(bytes, sign + 1, limit)
    }
    this.#sought = Math.max(this.#sought, limit)
    return false
  }

  /** Whether the sign may begin markup that a number goes on over, or the first digit of one. */
  #mayMatter(bytes: Bytes, sign: number, at: number, to: number): boolean {
    const byte = bytes[sign]
    if (byte === BACKSLASH) return sign + 1 >= to || bytes[sign + 1] === LOWER_U
    if (byte !== LESS) return true
    const { classes } = this.#alphabet
    const earliest = Math.max(at, this.#broken, sign - maxLookBack)
    for (let before = sign - 1; before >= earliest; before -= 1) {
      const bits = classes[bytes[before] ?? 0] ?? 0
      if ((bits & COUNTS) !== 0) return true
      if (bits === 0) return false
    }
    return earliest === sign - maxLookBack
  }

  #measure(bytes: Bytes, sign: number, at: number, to: number, last: boolean): boolean {
    const { classes, kinds } = this.#alphabet
    const earliest = Math.max(at, this.#broken)
    let from = sign
    while (from > earliest && (classes[bytes[from - 1] ?? 0] ?? 0) !== 0) from -= 1
    let digits = 0
    let position = from
    while (position < to && digits < enoughDigits) {
      const token = readToken(bytes, position, to, kinds)
      const kind = kindOf(token)
      if (kind === BREAK && position >= sign) break
      position += widthOf(token)
      if (kind === DIGIT) digits += 1
      if (kind !== BREAK) continue
      digits = 0
      from = position
    }
    if (digits < enoughDigits && (last || to - position >= maxSignBytes)) {
      this.#broken = position + 1
      return false
    }
    this.from = from
    this.until = position
    return true
  }
}
