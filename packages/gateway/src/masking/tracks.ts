import type { Bytes } from '#base'

/** ISO/IEC 7813: track 1 has at most 79 characters, track 2 at most 40. */
const maxTrackBytes = 79

/**
 * Sensitive authentication data: what a card's magnetic stripe says after the number, ISO/IEC 7813.
 *
 *     track 1   %B 4111…1111 ^ DOE/JOHN ^ 2512 101 discretionary ? LRC
 *     track 2    ; 4111…1111 = 2512 101 discretionary ? LRC
 *
 * The sentinels are often missing, and chips write `D` for `=` (in capitals: small hexadecimal is some digest's). Without a sentinel
 * before it, track 2 must show expiry and service code. Returns the end of the track that goes on at `end`, the byte after the
 * number; or -1 where none does.
 */
export function trackEnd(bytes: Bytes, end: number, to: number, sentinel: boolean): number {
  if (!mayBeTrack(bytes, end, to)) return -1
  const limit = Math.min(to, end + maxTrackBytes)
  if (bytes[end] === CARET) return track1End(bytes, end + 1, limit)
  return track2End(bytes, end + 1, limit, sentinel ? 4 : 7)
}

/** Whether what follows a number parts it from the rest of a track. */
export function mayBeTrack(bytes: Bytes, end: number, to: number): boolean {
  if (end >= to) return false
  const sign = bytes[end]
  return sign === CARET || sign === EQUALS || sign === UPPER_D
}

/** Where the track that a number at `start` belongs to begins: at its sentinel, when it has one. */
export function trackStart(bytes: Bytes, start: number, origin: number): number {
  const before = start > origin ? bytes[start - 1] : undefined
  if (before === SEMICOLON) return start - 1
  if (before !== UPPER_B && before !== LOWER_B) return start
  return start - 1 > origin && bytes[start - 2] === PERCENT ? start - 2 : start - 1
}

const CARET = 0x5e
const EQUALS = 0x3d
const UPPER_D = 0x44
const UPPER_B = 0x42
const LOWER_B = 0x62
const SEMICOLON = 0x3b
const PERCENT = 0x25
const QUESTION = 0x3f

/** ISO/IEC 7813: the name has 2 to 26 characters; some encoders pad it. Then YYMM, or another `^` where there is no expiry. */
function track1End(bytes: Bytes, at: number, limit: number): number {
  let name = at
  while (name < limit && isTrackByte(bytes[name] ?? 0) && bytes[name] !== CARET) name += 1
  if (name - at < 2 || name - at > 30 || name >= limit || bytes[name] !== CARET) return -1
  if (!isExpiry(bytes, name + 1, limit) && bytes[name + 1] !== CARET) return -1
  let end = name + 1
  while (end < limit && isTrackByte(bytes[end] ?? 0)) end += 1
  if (end < limit && bytes[end] === QUESTION) return end + 1
  // Without an end sentinel only what cannot be ordinary text belongs to it.
  end = name + 1
  while (end < limit && (isDigit(bytes[end] ?? 0) || bytes[end] === CARET)) end += 1
  return end
}

function track2End(bytes: Bytes, at: number, limit: number, digits: number): number {
  if (!isExpiry(bytes, at, limit) && bytes[at] !== EQUALS) return -1
  let end = at
  while (end < limit && (isDigit(bytes[end] ?? 0) || bytes[end] === EQUALS)) end += 1
  if (end - at < digits) return -1
  // A chip pads an odd number of digits with F.
  if (end < limit && ((bytes[end] ?? 0) | 0x20) === 0x66) end += 1
  return end < limit && bytes[end] === QUESTION ? end + 1 : end
}

/** YYMM: four digits, the month 01 to 12. */
function isExpiry(bytes: Bytes, at: number, limit: number): boolean {
  if (at + 4 > limit) return false
  for (let index = at; index < at + 4; index += 1) if (!isDigit(bytes[index] ?? 0)) return false
  const month = 10 * ((bytes[at + 2] ?? 0) - 0x30) + (bytes[at + 3] ?? 0) - 0x30
  return month >= 1 && month <= 12
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

/** ISO/IEC 7813: track 1 is written in U+0020 to U+005F; here also in small letters, and never with a quote or its sentinels. */
function isTrackByte(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f && byte !== QUESTION && byte !== PERCENT && byte !== 0x22 && byte !== 0x27
}
