import type { Bytes } from '#base'
import { type Alphabet, COUNTS, ESCAPE_HEAD, ESCAPE_HEX, ESCAPE_SIGN, TIGHT } from './alphabet.ts'
import { minPanDigits } from './iin.ts'
import { MarkedFinder } from './marked.ts'

/** From the last letter of an escape back to its head: `\uffff`. */
const maxEscapeTail = 5

/**
 * Finds the stretches of text that may hold a card number: those with markup in them by its signs, the others looking at one byte in twelve
 * elsewhere.
 *
 * Without markup a number has at least twelve digits, each of at least a byte, so a stretch of digits and separators that holds one covers a
 * position in every twelve. At a position that belongs to no such stretch nothing can be; at one that does, the stretch is measured
 * and must have twelve bytes that may begin a digit. Time is linear: each stretch is measured once.
 */
export class SuspectFinder {
  readonly #classes: Uint8Array
  /** Where the stretch found begins and how far it was measured. */
  from = 0
  until = 0
  readonly #marked: MarkedFinder
  /** The next stretch without markup before `to`, where one is known: it is found once, however many with markup lie before it. */
  readonly #plain = { to: -1, from: 0, until: 0 }
  /** Up to here escapes were looked for in vain. */
  #escapesSought = 0

  constructor(alphabet: Alphabet) {
    this.#classes = alphabet.classes
    this.#marked = new MarkedFinder(alphabet)
  }

  /** Forgets what was learnt about another text. */
  reset(): void {
    this.#escapesSought = 0
    this.until = 0
    this.#marked.reset()
    this.#plain.to = -1
  }

  /** Moves what is remembered along with bytes that were moved. */
  shift(by: number): void {
    this.#escapesSought += by
    this.until += by
    this.#marked.shift(by)
    this.#plain.to = -1
  }

  /**
   * Finds the first stretch at or after `at` that may hold a card number and sets {@link from} and {@link until}. With `last` false
   * more bytes follow `to`, and a stretch that reaches it is one.
   */
  find(bytes: Bytes, at: number, to: number, last: boolean): boolean {
    const plain = this.#plain
    if (plain.to !== to || plain.from < at) {
      const isFound = this.#findPlain(bytes, at, to, last)
      plain.to = to
      plain.from = isFound ? this.from : to
      plain.until = this.until
    }
    const marked = this.#marked
    const isMarked = marked.find(bytes, at, plain.from, to, last)
    this.from = isMarked ? marked.from : plain.from
    this.until = isMarked ? marked.until : plain.until
    return this.from < to
  }

  #findPlain(bytes: Bytes, at: number, to: number, last: boolean): boolean {
    // One loop on locals: this is where nearly all bytes of nearly all results are dealt with.
    const classes = this.#classes
    let i = at + minPanDigits - 1
    while (i < to) {
      const bits = classes[bytes[i] ?? 0] ?? 0
      if (bits === 0) {
        i += minPanDigits
        continue
      }
      if ((bits & TIGHT) === 0) {
        if (isInEscape(classes, bytes, i, at) && this.#measureEscaped(bytes, i, at, to, last)) return true
        i += minPanDigits
        continue
      }
      let from = i
      while (from > at && ((classes[bytes[from - 1] ?? 0] ?? 0) & TIGHT) !== 0) from -= 1
      let digits = 0
      let seen = 0
      let until = from
      for (; until < to && digits < minPanDigits; until += 1) {
        const measured = classes[bytes[until] ?? 0] ?? 0
        if ((measured & TIGHT) === 0) break
        digits += (measured & COUNTS) >> 1
        seen |= measured
      }
      if (digits === minPanDigits || (until === to && !last)) {
        this.from = from
        this.until = until
        // What an escape parts from it belongs to the same chain.
        if (from > at && isInEscape(classes, bytes, from - 1, at)) this.#measureEscaped(bytes, i, at, to, last)
        return true
      }
      const beside =
        (seen & ESCAPE_HEAD) !== 0 ||
        (until < to && ((classes[bytes[until] ?? 0] ?? 0) & ESCAPE_HEAD) !== 0) ||
        (from > at && isInEscape(classes, bytes, from - 1, at))
      if (beside && this.#measureEscaped(bytes, i, at, to, last)) return true
      i = until + minPanDigits
    }
    return false
  }

  /** Measures the stretch around `i` that may have escapes: it is suspect with an escape and twelve digits. */
  #measureEscaped(bytes: Bytes, i: number, at: number, to: number, last: boolean): boolean {
    if (i < this.#escapesSought) return false
    const classes = this.#classes
    let from = i
    while (from > at && (classes[bytes[from - 1] ?? 0] ?? 0) !== 0) from -= 1
    let digits = 0
    let heads = 0
    let until = from
    for (; until < to; until += 1) {
      const bits = classes[bytes[until] ?? 0] ?? 0
      if (bits === 0) break
      digits += (bits & COUNTS) >> 1
      heads |= bits & ESCAPE_HEAD
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

/** Whether position `i`, which is part of no plain token, may be in an escape: its head, or a letter so close behind one. */
function isInEscape(classes: Uint8Array, bytes: Bytes, i: number, at: number): boolean {
  const bits = classes[bytes[i] ?? 0] ?? 0
  if ((bits & ESCAPE_HEAD) !== 0) return true
  if ((bits & ESCAPE_SIGN) !== 0) return i > at && ((classes[bytes[i - 1] ?? 0] ?? 0) & ESCAPE_HEAD) !== 0
  if ((bits & ESCAPE_HEX) === 0) return false
  const first = Math.max(at, i - maxEscapeTail)
  for (let j = i - 1; j >= first; j -= 1) {
    const before = classes[bytes[j] ?? 0] ?? 0
    if ((before & ESCAPE_HEAD) !== 0) return true
    if ((before & (ESCAPE_HEX | ESCAPE_SIGN | COUNTS)) === 0) return false
  }
  return false
}
