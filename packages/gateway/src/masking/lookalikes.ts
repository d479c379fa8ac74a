import type { Bytes } from '#base'
import { isInIban } from './iban.ts'
import { countDigits } from './truncate.ts'
import { hexValue } from './utf8.ts'

/** How far from a finding these look, to either side. */
export const maxLookBytes = 132

/**
 * What has the digits of a card number by chance and shows by its form that it is something else. Asked for numbers in results only:
 * whoever wanted to pass a number off as one of these could as well have encoded it.
 *
 * `start` and `end` are the number's bytes; nothing outside `origin` to `to`, the value's own bytes, is read.
 */
export function isLookalike(bytes: Bytes, start: number, end: number, origin: number, to: number): boolean {
  const before = start > origin ? (bytes[start - 1] ?? 0) : 0
  return (
    (before === PLUS && isTelephone(bytes, start, end)) ||
    isInUuid(bytes, start, end, origin, to) ||
    isInHexadecimal(bytes, start, end, origin, to) ||
    isInIban(bytes, start, end, origin, to)
  )
}

/** Whether a group of digits at `start` is what follows the point of a decimal number: `41.40338291746352`. */
export function isFraction(bytes: Bytes, start: number, digits: number, origin: number): boolean {
  if (start - 2 < origin || bytes[start - 1] !== POINT) return false
  let integer = start - 1
  while (integer > origin && isDigit(bytes[integer - 1] ?? 0)) integer -= 1
  if (integer > origin && bytes[integer - 1] === POINT) return false
  const integerDigits = start - 1 - integer
  return isDecimal(integerDigits, digits) || (integerDigits === 1 && bytes[integer] === ZERO)
}

/** Whether a number with so many digits before and after its point is what programs print of a double: seventeen digits at most. */
export function isDecimal(integerDigits: number, fractionDigits: number): boolean {
  return integerDigits >= 1 && fractionDigits >= 1 && integerDigits + fractionDigits <= 17
}

/** ITU-T E.164 numbers with 12 or 13 digits after the plus; a card of 14 or more is looked at. */
const maxPhoneDigits = 13

const PLUS = 0x2b
const POINT = 0x2e
const DASH = 0x2d
const ZERO = 0x30
const BACKSLASH = 0x5c
const LOWER_X = 0x78

/** RFC 9562 §4: 8-4-4-4-12 hexadecimal digits. */
function isInUuid(bytes: Bytes, start: number, end: number, origin: number, to: number): boolean {
  if (end - start > 36) return false
  for (let at = Math.max(origin, end - 36); at <= start && at + 36 <= to; at += 1) if (isUuidAt(bytes, at)) return true
  return false
}

function isUuidAt(bytes: Bytes, at: number): boolean {
  for (let index = 0; index < 36; index += 1) {
    const dash = index === 8 || index === 13 || index === 18 || index === 23
    const byte = bytes[at + index] ?? 0
    if (dash ? byte !== DASH : hexValue(byte) < 0) return false
  }
  return true
}

/** Lengths of digests in hexadecimal: MD5 to SHA-512. */
const digestLengths = new Set([32, 40, 48, 56, 64, 96, 128])
/** Hexadecimal that goes on so far to one side is binary data. */
const hexReach = 128

/**
 * Digests, `bytea` as PostgreSQL prints it (`\x…`), long binary data. One letter is asked for: without, it may be a card number in packed
 * decimal.
 */
function isInHexadecimal(bytes: Bytes, start: number, end: number, origin: number, to: number): boolean {
  let from = start
  let letters = 0
  for (; from > origin && start - from < hexReach && hexValue(bytes[from - 1] ?? 0) >= 0; from -= 1) {
    if (!isDigit(bytes[from - 1] ?? 0)) letters += 1
  }
  let until = start
  for (; until < to && until - start < hexReach && hexValue(bytes[until] ?? 0) >= 0; until += 1) {
    if (!isDigit(bytes[until] ?? 0)) letters += 1
  }
  if (letters === 0 || until < end) return false
  const printed = from - 2 >= origin && bytes[from - 1] === LOWER_X && bytes[from - 2] === BACKSLASH
  return printed || start - from === hexReach || until - start === hexReach || digestLengths.has(until - from)
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

/** Whether what stands behind a plus is ASCII with no more digits than telephone numbers have here. */
function isTelephone(bytes: Bytes, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if ((bytes[at] ?? 0) >= 0x80) return false
  return countDigits(bytes, start, end) <= maxPhoneDigits
}
