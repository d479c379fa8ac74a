import type { Bytes } from '#base'

const AMPERSAND = 0x26
const LESS = 0x3c
const BACKSLASH = 0x5c

/** In each of four bytes: those that `<` and `\` have in common with `|`, and the highest. */
const angleBits = 0x9f9f9f9f | 0
const highBits = 0x80808080 | 0

/** So many bytes are looked at one by one: where there is markup, the next sign is near. */
const near = 48

/**
 * The first sign at or after `from` that markup begins with, `<`, `&` or `\` (of `\u003c`); `to` when there is none. Nearly all text has none of
 * them, and every byte of it is looked at: four at a time.
 */
export function nextSign(bytes: Bytes, from: number, to: number): number {
  let at = signWithin(bytes, from, Math.min(to, from + near))
  if (at >= to || at < from + near) return at
  while (at < to && ((bytes.byteOffset + at) & 3) !== 0) {
    if (isSign(bytes[at] ?? 0)) return at
    at += 1
  }
  if (to - at < 4) return signWithin(bytes, at, to)
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, (to - at) >> 2)
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? 0
    // A byte of zeros is one that 1 cannot be taken from without the highest bit turning up; the byte above it may seem to be one, too.
    const angle = (word & angleBits) ^ 0x1c1c1c1c
    const ampersand = word ^ 0x26262626
    if (((((angle - 0x01010101) | 0) & ~angle) | (((ampersand - 0x01010101) | 0) & ~ampersand)) & highBits) {
      const sign = signWithin(bytes, at + 4 * index, at + 4 * index + 4)
      if (sign < at + 4 * index + 4) return sign
    }
  }
  return signWithin(bytes, at + 4 * words.length, to)
}

function signWithin(bytes: Bytes, from: number, to: number): number {
  let at = from
  while (at < to && !isSign(bytes[at] ?? 0)) at += 1
  return at
}

function isSign(byte: number): boolean {
  return byte === LESS || byte === AMPERSAND || byte === BACKSLASH
}
