import type { Bytes } from '#base'
import { type IinIndex, maxPanDigits } from './iin.ts'
import { looksLikeCard } from './numbers.ts'
import type { ValueReader } from './reader.ts'

/** `money` has 64 bits: nineteen digits. */
const maxMoneyDigits = maxPanDigits

/** PostgreSQL 18, Monetary Types: "The fractional precision is determined by the database's lc_monetary setting": none, cents, mils. */
const fractions = [0, 2, 3]

const POINT = 0x2e
const QUOTE = 0x22
const COMMA = 0x2c
const OPENING = 0x7b
const CLOSING = 0x7d

/**
 * Looks for amounts that may be card numbers in a value of type `money` or an array of such: `$4,111,111,111,111,111.00`. What parts the digits
 * is the locale's (comma, point, space, apostrophe), so everything that is no digit is passed over. An amount is never altered; it refuses
 * the result.
 */
export class MoneyReader implements ValueReader {
  readonly #iins: IinIndex
  readonly #onFound: () => void
  readonly #digits = new Uint8Array(maxMoneyDigits)
  #count = 0
  /** Elements of an array that hold a comma stand in quotes. */
  #isArray = false
  #isQuoted = false
  /** Where the value begins: nothing of it is settled before its end. */
  #origin = 0

  constructor(iins: IinIndex, onFound: () => void) {
    this.#iins = iins
    this.#onFound = onFound
  }

  begin(origin: number): void {
    this.#count = 0
    this.#isArray = false
    this.#isQuoted = false
    this.#origin = origin
  }

  advance(bytes: Bytes, at: number, limit: number, to: number): number {
    for (let position = at; position < limit; position += 1) this.#take(bytes[position] ?? 0)
    if (limit === to) this.#endAmount()
    return limit
  }

  heldFrom(at: number): number {
    return Math.min(at, this.#origin)
  }

  shift(by: number): void {
    this.#origin += by
  }

  #take(byte: number): void {
    if (byte >= 0x30 && byte <= 0x39) {
      if (this.#count < maxMoneyDigits) this.#digits[this.#count] = byte
      this.#count += 1
    } else if (byte === OPENING) this.#isArray = true
    else if (byte === QUOTE || byte === CLOSING || (byte === COMMA && this.#isArray && !this.#isQuoted)) {
      this.#endAmount()
      if (byte === QUOTE) this.#isQuoted = !this.#isQuoted
    }
  }

  #endAmount(): void {
    const count = this.#count
    this.#count = 0
    // More than any amount has: not what it should be, so it must not go out.
    if (count > maxMoneyDigits || fractions.some((digits) => this.#isCard(count, digits))) this.#onFound()
  }

  /** Whether the digits are a card number when the last few of them are a fraction. */
  #isCard(count: number, fraction: number): boolean {
    if (count < fraction) return false
    amount.set(this.#digits.subarray(0, count - fraction))
    amount[count - fraction] = POINT
    amount.set(this.#digits.subarray(count - fraction, count), count - fraction + 1)
    return looksLikeCard(amount, 0, count + 1, this.#iins)
  }
}

/** The amount being judged, as a plain number; filled and read within one call. */
const amount = new Uint8Array(maxMoneyDigits + 1)
