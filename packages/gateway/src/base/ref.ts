/**
 * References: what a refused person is shown (`[ref 0007F3]`) and gives to `sallyport why`.
 *
 * A reference *is* the number of a record in the trail, in Crockford's base 32 with one check character behind it, so it needs no store,
 * is known as soon as the record is durable, and a mistyped one is noticed.
 */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
/** Shorter references are padded, so that they look like references. */
const MIN_DIGITS = 4
/** 2^53 has 11 base-32 digits. */
const MAX_DIGITS = 11

/** Formats a record's number (a safe integer ≥ 0) as a reference. */
export function formatRef(sequence: number): string {
  if (!Number.isSafeInteger(sequence) || sequence < 0) throw new TypeError('a record number is a safe integer from 0')
  let digits = ''
  for (let rest = sequence; rest > 0; rest = Math.floor(rest / 32)) digits = ALPHABET.charAt(rest % 32) + digits
  digits = digits.padStart(MIN_DIGITS, '0')
  return digits + checkCharacter(digits)
}

/** Reads a reference back, or returns undefined when it is none or its check character does not fit. Case and Crockford's look-alikes (O, I, L) are forgiven. */
export function parseRef(text: string): number | undefined {
  const clean = text.trim().toUpperCase().replaceAll('O', '0').replaceAll(/[IL]/g, '1')
  if (clean.length <= MIN_DIGITS || clean.length > MAX_DIGITS + 1) return undefined
  const digits = clean.slice(0, -1)
  let sequence = 0
  for (const digit of digits) {
    const value = ALPHABET.indexOf(digit)
    if (value < 0) return undefined
    sequence = sequence * 32 + value
  }
  if (!Number.isSafeInteger(sequence) || clean.slice(-1) !== checkCharacter(digits)) return undefined
  return sequence
}

/** Weighted sum modulo 31 (prime), which notices every single wrong digit and every swap of two neighbours. */
function checkCharacter(digits: string): string {
  let sum = 0
  for (let index = 0; index < digits.length; index++)
    sum += (ALPHABET.indexOf(digits.charAt(index)) + 1) * (digits.length - index + 1)
  return ALPHABET.charAt(sum % 31)
}
