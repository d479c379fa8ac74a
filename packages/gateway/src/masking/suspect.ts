import type { Bytes } from '#base'
import { type Alphabet, COUNTS, ESCAPE_BODY, ESCAPE_HEAD, TIGHT } from './alphabet.ts'
import { minPanDigits } from './iin.ts'

/** From a letter to the head of the escape it stands in: `\uffff`. */
const maxEscapeBody = 5

/**
 * Finds the stretches of text that may hold a card number, looking at one byte in twelve elsewhere.
 *
 * A number has at least twelve digits, each of at least a byte, so a stretch of digits and separators that holds one covers a
 * position in every twelve. At a position that belongs to no such stretch nothing can be; at one that does, the stretch is measured
 * and must have twelve bytes that may begin a digit. Time is linear: each stretch is measured once.
 */
export class SuspectFinder {
  readonly #classes: Uint8Array
  /** Where the stretch found begins and how far it was measured. */
  from = 0
  until = 0
  /** Up to here escapes were looked for in vain. */
  #escapesSought = 0

  constructor(alphabet: Alphabet) {
    this.#classes = alphabet.classes
  }

  /** Forgets what was learnt about another text. */
  reset(): void {
    this.#escapesSought = 0
    this.until = 0
  }

  /** Moves what is remembered along with bytes that were moved. */
  shift(by: number): void {
    this.#escapesSought += by
    this.until += by
  }

  /**
   * Finds the first stretch at or after `at` that may hold a card number and sets {@link from} and {@link until}. With `last` false
   * more bytes follow `to`, and a stretch that reaches it is one.
   */
  find(bytes: Bytes, at: number, to: number, last: boolean): boolean {
    const classes = this.#classes
    let i = at + minPanDigits - 1
    while (i < to) {
      const bits = classes[bytes[i] ?? 0] ?? 0
      if (bits === 0) {
        i += minPanDigits
        continue
      }
      if ((bits & TIGHT) !== 0) {
        if (this.#measure(bytes, i, at, to) || (this.until === to && !last)) return true
        if (this.#escapeNear(bytes, at, to) && this.#measureEscaped(bytes, i, at, to, last)) return true
        i = this.until
      } else if (this.#inEscape(bytes, i, at, bits) && this.#measureEscaped(bytes, i, at, to, last)) {
        return true
      }
      i += minPanDigits
    }
    return false
  }

  /** Measures the stretch around `i` that has no escapes, up to the twelfth digit. */
  #measure(bytes: Bytes, i: number, at: number, to: number): boolean {
    const classes = this.#classes
    let from = i
    while (from > at && ((classes[bytes[from - 1] ?? 0] ?? 0) & TIGHT) !== 0) from -= 1
    let digits = 0
    let until = from
    while (until < to && digits < minPanDigits) {
      const bits = classes[bytes[until] ?? 0] ?? 0
      if ((bits & TIGHT) === 0) break
      if ((bits & COUNTS) !== 0) digits += 1
      until += 1
    }
    this.from = from
    this.until = until
    return digits === minPanDigits
  }

  /** Whether the stretch just measured touches what may be an escape. */
  #escapeNear(bytes: Bytes, at: number, to: number): boolean {
    const before = this.from > at ? (this.#classes[bytes[this.from - 1] ?? 0] ?? 0) : 0
    const after = this.until < to ? (this.#classes[bytes[this.until] ?? 0] ?? 0) : 0
    return ((before | after) & ESCAPE_HEAD) !== 0 || (before & ESCAPE_BODY) !== 0
  }

  /** Whether position `i`, which is part of no plain token, stands in what may be an escape. */
  #inEscape(bytes: Bytes, i: number, at: number, bits: number): boolean {
    if ((bits & ESCAPE_HEAD) !== 0) return true
    const first = Math.max(at, i - maxEscapeBody)
    for (let j = i - 1; j >= first; j -= 1) {
      const before = this.#classes[bytes[j] ?? 0] ?? 0
      if ((before & ESCAPE_HEAD) !== 0) return true
      if ((before & (ESCAPE_BODY | COUNTS)) === 0) return false
    }
    return false
  }

  /** Measures the stretch around `i` that may have escapes: it is suspect with an escape and twelve digits. */
  #measureEscaped(bytes: Bytes, i: number, at: number, to: number, last: boolean): boolean {
    if (i < this.#escapesSought) return false
    const classes = this.#classes
    const any = TIGHT | ESCAPE_HEAD | ESCAPE_BODY
    let from = i
    while (from > at && ((classes[bytes[from - 1] ?? 0] ?? 0) & any) !== 0) from -= 1
    let digits = 0
    let heads = 0
    let until = from
    for (; until < to; until += 1) {
      const bits = classes[bytes[until] ?? 0] ?? 0
      if ((bits & any) === 0) break
      if ((bits & COUNTS) !== 0) digits += 1
      if ((bits & ESCAPE_HEAD) !== 0) heads += 1
    }
    if ((digits < minPanDigits || heads === 0) && (last || until < to)) {
      this.#escapesSought = until
      return false
    }
    this.from = from
    this.until = until
    return true
  }
}
