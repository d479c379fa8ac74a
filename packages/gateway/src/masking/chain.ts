import { maxPanDigits, minPanDigits, type IinIndex } from './iin.ts'

/** How two digits of a chain follow each other. */
export const ADJACENT = 0
/** With markup between them that nobody sees. */
export const MARKED = 1
export const PARTED = 2
export const PARTED_WIDE = 3
export const LISTED = 4

/** Added to the value of a digit that was read from a percent escape. */
export const afterPercent = 16

/** Digits remembered; a cluster and the longest number before it must fit. */
const ring = 128
const mask = ring - 1
/** Groups remembered; a number of single-digit groups must fit. */
const groupRing = 32

/**
 * The digits of a chain (digits with nothing but separators between them), the latest {@link ring} of them, numbered from 0.
 *
 * Luhn sums are kept as running sums modulo 10, one with the even digits doubled and one with the odd ones, so that any stretch is
 * checked in two subtractions.
 */
export class DigitChain {
  /** Digits so far. */
  count = 0
  /** Groups so far: runs of digits with nothing visible between them. */
  groups = 0
  readonly #values = new Uint8Array(ring)
  readonly #starts = new Int32Array(ring)
  readonly #ends = new Int32Array(ring)
  readonly #gaps = new Uint8Array(ring)
  /** Before each digit: the sum with odd digits doubled, and, in the upper half, that with even ones doubled; each modulo 10. */
  readonly #sums = new Uint8Array(ring)
  readonly #groupStarts = new Int32Array(groupRing)

  clear(): void {
    this.count = 0
    this.groups = 0
    this.#sums[0] = 0
  }

  /** Adds a digit (its value, plus {@link afterPercent}) at bytes `start` to `end`, after a gap of the kind given. */
  push(marked: number, start: number, end: number, gap: number): void {
    const digit = this.count
    const value = marked & 15
    if (digit === 0 || gap !== ADJACENT) {
      this.#groupStarts[this.groups & (groupRing - 1)] = digit
      this.groups += 1
    }
    const at = digit & mask
    this.#values[at] = marked
    this.#starts[at] = start
    this.#ends[at] = end
    this.#gaps[at] = gap
    const doubled = value < 5 ? 2 * value : 2 * value - 9
    const odd = (digit & 1) === 1
    const sums = this.#sums[at] ?? 0
    let oddDoubled = (sums & 15) + (odd ? doubled : value)
    let evenDoubled = (sums >> 4) + (odd ? value : doubled)
    if (oddDoubled >= 10) oddDoubled -= 10
    if (evenDoubled >= 10) evenDoubled -= 10
    this.#sums[(digit + 1) & mask] = oddDoubled | (evenDoubled << 4)
    this.count = digit + 1
  }

  /** The first byte of a digit. */
  startOf(digit: number): number {
    return this.#starts[digit & mask] ?? 0
  }

  /** The byte after a digit. */
  endOf(digit: number): number {
    return this.#ends[digit & mask] ?? 0
  }

  /** How a digit follows the one before it. */
  gapBefore(digit: number): number {
    return digit === 0 ? PARTED : (this.#gaps[digit & mask] ?? 0)
  }

  /** The first digit of a group, counted back from the latest, which is 0; the group must be one of the latest 32. */
  groupStart(back: number): number {
    return this.#groupStarts[(this.groups - 1 - back) & (groupRing - 1)] ?? 0
  }

  /**
   * The first digit at or before `from`, going back to `earliest`, from which on to the latest digit Luhn's check may hold; below `earliest` when
   * there is none. Never a false no for {@link brand}, and much faster than asking it for each stretch.
   */
  luhnFrom(from: number, earliest: number): number {
    const sums = this.#sums
    const values = this.#values
    const { count } = this
    const shift = ((count - 1) & 1) === 1 ? 4 : 0
    const sum = ((sums[count & mask] ?? 0) >> shift) & 15
    let digit = from
    while (digit >= earliest) {
      const at = digit & mask
      if ((((sums[at] ?? 0) >> shift) & 15) === sum || ((values[at] ?? 0) & afterPercent) !== 0) break
      digit -= 1
    }
    return digit
  }

  /**
   * The brand of the number made of digits `from` to `to` (not included), which must be among the latest; undefined when it is none.
   *
   * `%37` is an encoded 7, but in `like '%3714…'` a percent sign and a number that begins with 37. Where a stretch begins with such a
   * digit both readings are tried.
   */
  brand(from: number, to: number, iins: IinIndex): string | undefined {
    const length = to - from
    if (length < minPanDigits || length > maxPanDigits) return undefined
    const plain = this.#sum(from, to) === 0 ? this.#issuer(from, 0, length, iins) : undefined
    if (plain !== undefined || ((this.#values[from & mask] ?? 0) & afterPercent) === 0) return plain
    const three = length % 2 === 1 ? 6 : 3
    return (this.#sum(from, to) + three) % 10 === 0 ? this.#issuer(from, 3, length + 1, iins) : undefined
  }

  /** ISO/IEC 7812-1 Annex B: from the check digit leftwards every second digit is doubled, and the sum ends in 0. */
  #sum(from: number, to: number): number {
    const shift = ((to - 1) & 1) === 1 ? 4 : 0
    const sum = (((this.#sums[to & mask] ?? 0) >> shift) & 15) - (((this.#sums[from & mask] ?? 0) >> shift) & 15)
    return sum < 0 ? sum + 10 : sum
  }

  /** The issuer of a number of so many digits that begins with `first`, when that is not 0, and the digits from `from` on. */
  #issuer(from: number, first: number, length: number, iins: IinIndex): string | undefined {
    let prefix = first
    let digit = from
    const toFour = first === 0 ? 4 : 3
    for (; digit < from + toFour; digit += 1) prefix = 10 * prefix + ((this.#values[digit & mask] ?? 0) & 15)
    if (!iins.mayBe(prefix, length)) return undefined
    for (; digit < from + toFour + 4; digit += 1) prefix = 10 * prefix + ((this.#values[digit & mask] ?? 0) & 15)
    return iins.brand(prefix, length)
  }

  /** Moves all positions along with bytes that were moved. */
  shift(by: number): void {
    for (let at = 0; at < ring; at += 1) {
      this.#starts[at] = (this.#starts[at] ?? 0) + by
      this.#ends[at] = (this.#ends[at] ?? 0) + by
    }
  }
}
