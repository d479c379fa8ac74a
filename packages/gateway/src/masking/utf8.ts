import type { Bytes } from '#base'

/**
 * Reads the multi-byte character at an offset: `code point << 4 | width`, or 0 where the bytes are no well-formed character
 * (RFC 3629: no overlong forms, nothing above U+10FFFF) or it is cut off. ASCII is not asked for here.
 */
export function readUtf8(bytes: Bytes, at: number, to: number): number {
  const lead = bytes[at] ?? 0
  const width = utf8Width(lead)
  if (width < 2 || at + width > to) return 0
  let codePoint = lead & (0x7f >> width)
  for (let index = 1; index < width; index += 1) {
    const next = bytes[at + index] ?? 0
    if ((next & 0xc0) !== 0x80) return 0
    codePoint = (codePoint << 6) | (next & 0x3f)
  }
  return codePoint < (leastOfWidth[width] ?? 0) || codePoint > 0x10ffff ? 0 : (codePoint << 4) | width
}

/** How many bytes a character takes that begins with this byte; 0 when none begins with it. */
export function utf8Width(lead: number): number {
  if (lead < 0x80) return 1
  if (lead < 0xc2) return 0
  if (lead < 0xe0) return 2
  if (lead < 0xf0) return 3
  return lead < 0xf5 ? 4 : 0
}

/** The first byte of a code point in UTF-8. */
export function utf8Lead(codePoint: number): number {
  if (codePoint < 0x80) return codePoint
  if (codePoint < 0x800) return 0xc0 | (codePoint >> 6)
  return codePoint < 0x10000 ? 0xe0 | (codePoint >> 12) : 0xf0 | (codePoint >> 18)
}

/** The value of an ASCII hexadecimal digit, or -1. */
export function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

const leastOfWidth = Uint32Array.of(0, 0, 0x80, 0x800, 0x10000)
