import type { Bytes } from '#base'
import { DIGIT, looseAlphabet } from './alphabet.ts'
import { kindOf, widthOf } from './token.ts'
import { readToken } from './tokens.ts'

const STAR = 0x2a

/** Digits of a card number that stay readable: its last four, within what PCI SSC FAQ 1091 lets be stored for every brand and length. */
export const keptDigits = 4

/**
 * Replaces the digits between two offsets by `*`, in place, but for the last `keep`; the number of bytes stays (a digit of n bytes becomes
 * n asterisks), and so does everything that is no digit. Returns how many digits it replaced.
 */
export function truncateDigits(bytes: Bytes, start: number, end: number, keep: number): number {
  let replace = countDigits(bytes, start, end) - keep
  const replaced = Math.max(0, replace)
  for (let at = start; at < end && replace > 0;) {
    const token = readToken(bytes, at, end, looseAlphabet.kinds)
    const next = at + widthOf(token)
    if (kindOf(token) === DIGIT) {
      bytes.fill(STAR, at, next)
      replace -= 1
    }
    at = next
  }
  return replaced
}

/** Replaces everything between two offsets by `*`, in place. */
export function blank(bytes: Bytes, start: number, end: number): void {
  bytes.fill(STAR, start, end)
}

/** How many digits of any script, escaped or not, lie between two offsets. */
export function countDigits(bytes: Bytes, start: number, end: number): number {
  let digits = 0
  for (let at = start; at < end;) {
    const token = readToken(bytes, at, end, looseAlphabet.kinds)
    if (kindOf(token) === DIGIT) digits += 1
    at += widthOf(token)
  }
  return digits
}
