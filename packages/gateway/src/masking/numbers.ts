import type { Bytes } from '#base'
import { type IinIndex, maxPanDigits, minPanDigits } from './iin.ts'
import type { ValueReader } from './reader.ts'

/** A number is judged by its beginning; what is longer has more digits than a card, or a fraction of zeros. */
const maxNumberBytes = 64
/** From so many digits before the point on, a number is also read without its point: `41111111111111.11`. */
const scaledIntegerDigits = 10

const POINT = 0x2e
const PLUS = 0x2b
const MINUS = 0x2d
const LOWER_E = 0x65

/** Says whether a decimal number in ASCII, without its sign, must not go out. */
export type NumberJudge = (bytes: Bytes, start: number, end: number) => boolean

/**
 * Looks for numbers that may be card numbers in a value of a numeric type: a scalar, or an array, range or point of such. A number is never
 * altered (digits of its own would be made up, and nothing else fits in its place), so finding one refuses the result.
 *
 * Sign, point and exponent are no digits: `4111…1111.00` and `4.111…1111e+15` are found. At least twelve digits must be written.
 */
export class NumberReader implements ValueReader {
  readonly #judge: NumberJudge
  readonly #onFound: () => void
  /** Whether the value goes on within a number that was judged. */
  #within = false

  constructor(judge: NumberJudge, onFound: () => void) {
    this.#judge = judge
    this.#onFound = onFound
  }

  begin(): void {
    this.#within = false
  }

  advance(bytes: Bytes, at: number, limit: number, to: number): number {
    let position = at
    while (position < limit) {
      if (this.#within || isDigit(bytes[position] ?? 0)) position = this.readNumber(bytes, position, to)
      else position += 1
    }
    return position
  }

  heldFrom(at: number): number {
    return at
  }

  shift(): void {}

  /** Judges the number at `at` and returns its end, or as much of it as was read. */
  readNumber(bytes: Bytes, at: number, to: number): number {
    const most = this.#within ? to : Math.min(to, at + maxNumberBytes)
    let end = at
    while (end < most && isNumberByte(bytes, end)) end += 1
    if (!this.#within && this.#judge(bytes, at, end)) this.#onFound()
    this.#within = this.#within ? end === to : end === at + maxNumberBytes
    return end
  }

  /** Whether the last number was read only in part. */
  get within(): boolean {
    return this.#within
  }
}

/** Whether a decimal number in ASCII has the digits of a card. */
export function looksLikeCard(bytes: Bytes, start: number, end: number, iins: IinIndex): boolean {
  let written = 0
  let count = 0
  let pointed = false
  /** Significant digits before the point; below 0 when zeros follow it. */
  let point = 0
  let at = start
  for (; at < end && ((bytes[at] ?? 0) | 0x20) !== LOWER_E; at += 1) {
    const byte = bytes[at] ?? 0
    if (byte === POINT) pointed = true
    if (!isDigit(byte)) continue
    written += 1
    if (count === 0 && byte === 0x30) {
      if (pointed) point -= 1
      continue
    }
    if (count < digits.length) digits[count] = byte - 0x30
    count += 1
    if (!pointed) point += 1
  }
  if (written < minPanDigits) return false
  const integer = point + exponent(bytes, at + 1, end)
  let significant = Math.min(count, digits.length)
  while (significant > 0 && digits[significant - 1] === 0) significant -= 1
  for (let index = significant; index < digits.length; index += 1) digits[index] = 0
  if (isCard(integer, iins)) return true
  if (significant <= integer || integer < scaledIntegerDigits) return false
  // The last zeros of a fraction may be digits of the number.
  for (let length = significant; length <= Math.min(count, maxPanDigits); length += 1)
    if (isCard(length, iins)) return true
  return false
}

/** The significant digits of the number being judged; filled and read within one call. */
const digits = new Uint8Array(maxNumberBytes)

function exponent(bytes: Bytes, at: number, end: number): number {
  const negative = bytes[at] === MINUS
  let value = 0
  for (let index = at; index < end && value < 1000; index += 1) {
    if (isDigit(bytes[index] ?? 0)) value = 10 * value + (bytes[index] ?? 0) - 0x30
  }
  return negative ? -value : value
}

/** Whether the first `length` digits are a card number. */
function isCard(length: number, iins: IinIndex): boolean {
  if (length < minPanDigits || length > maxPanDigits) return false
  let sum = 0
  let prefix = 0
  for (let index = 0; index < length; index += 1) {
    const value = digits[index] ?? 0
    const doubled = (length - index) % 2 === 0
    sum += doubled ? (value < 5 ? 2 * value : 2 * value - 9) : value
    if (index < 8) prefix = 10 * prefix + value
  }
  return sum % 10 === 0 && iins.brand(prefix, length) !== undefined
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

/** Digits, a point, `e`, and a sign after it. */
function isNumberByte(bytes: Bytes, at: number): boolean {
  const byte = bytes[at] ?? 0
  if (isDigit(byte) || byte === POINT || (byte | 0x20) === LOWER_E) return true
  return (byte === PLUS || byte === MINUS) && ((bytes[at - 1] ?? 0) | 0x20) === LOWER_E
}
