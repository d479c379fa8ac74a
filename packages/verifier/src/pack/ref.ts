/** Crockford's base 32. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** The number of the record that a reference stands for: its digits but the last, which is a check character. Null for what is no reference. */
export function recordOfRef(ref: string | null): number | null {
  if (ref === null || ref.length < 5 || ref.length > 12) return null
  let record = 0
  for (const digit of ref.slice(0, -1)) {
    const value = ALPHABET.indexOf(digit)
    if (value < 0) return null
    record = record * 32 + value
  }
  return Number.isSafeInteger(record) ? record : null
}
