import type { Bytes } from '#base'
import { BREAK, DIGIT, PLAIN, tokenOf } from './alphabet.ts'
import { isBlank, readReference, readTag } from './markup.ts'
import { kindOf, packToken } from './token.ts'
import { hexValue, readUtf8, utf8Width } from './utf8.ts'

/** Bytes of the longest token without markup in it: twice eight backslashes and `ud835`. */
export const maxTokenBytes = 26

/** Asterisks about an emphasis in Markdown: `*`, `**`, `***`. */
const maxEmphasis = 3

/**
 * More backslashes than three levels of JSON within JSON make; a longer run is read in pieces of this many. Even, so that which
 * backslash escapes which stays the same.
 */
const maxBackslashes = 8

/**
 * Reads the token at an offset. A break is as wide as can be skipped without another look, at least 1. `\u0034`, `\n`, `%34`, `&#52;`, `&nbsp;`,
 * `<b class="x">` and `**` are one token each, in whatever text they stand.
 */
export function readToken(bytes: Bytes, at: number, to: number, kinds: Uint8Array): number {
  const byte = bytes[at] ?? 0
  if (byte >= 0x30 && byte <= 0x39) return packToken(DIGIT, byte - 0x30, 1)
  if (byte === 0x5c) return readBackslash(bytes, at, to, kinds)
  if (byte === 0x25) return readPercent(bytes, at, to, kinds)
  if (byte === 0x26) return readReference(bytes, at, at + 1, to, kinds) || breakOf(1)
  if (byte === 0x3c) return readTag(bytes, at, at + 1, to, kinds) || breakOf(1)
  if (byte === 0x2a) return readEmphasis(bytes, at, to, kinds)
  if (byte < 0x80) return packToken(kinds[byte] ?? BREAK, 0, 1)
  const character = readUtf8(bytes, at, to)
  return character === 0 ? breakOf(1) : tokenOf(character >> 4, character & 15, kinds)
}

function breakOf(width: number): number {
  return packToken(BREAK, 0, width)
}

/** CommonMark §6.2: asterisks with blanks on either side are no emphasis. A longer run is what a number was replaced by. */
function readEmphasis(bytes: Bytes, at: number, to: number, kinds: Uint8Array): number {
  let end = at + 1
  while (end < to && end - at <= maxEmphasis && bytes[end] === 0x2a) end += 1
  const isBeside = (at > 0 && !isBlank(bytes[at - 1] ?? 0)) || (end < to && !isBlank(bytes[end] ?? 0))
  return packToken(isBeside && end - at <= maxEmphasis ? (kinds[0x2a] ?? BREAK) : BREAK, 0, end - at)
}

/**
 * RFC 8259 §7: "\uXXXX", and "\n", "\r", "\t". JSON within JSON doubles the backslashes, so a run of 1, 2, 4 or 8 begins one escape.
 * Of an odd run only the last backslash does; the others are a break of their own: whoever replaces a token must not leave a
 * backslash behind that would escape what follows.
 */
function readBackslash(bytes: Bytes, at: number, to: number, kinds: Uint8Array): number {
  const after = behindBackslashes(bytes, at, to)
  const run = after - at
  const sign = after < to ? (bytes[after] ?? 0) : 0
  const other = packToken(kinds[0x5c] ?? BREAK, 0, run)
  if (sign === 0x6e || sign === 0x72 || sign === 0x74) {
    return run === 1 || run % 2 === 0 ? packToken(PLAIN, 0, run + 1) : other - 1
  }
  const unit = sign === 0x75 ? readUnit(bytes, after + 1, to) : -1
  if (unit < 0) return other
  if (run > 1 && run % 2 === 1) return other - 1
  const end = after + 5
  // Programs that write JSON for web pages escape `<`, `>` and `&`.
  const token =
    unit === 0x26
      ? readReference(bytes, at, end, to, kinds)
      : unit === 0x3c
        ? readTag(bytes, at, end, to, kinds)
        : (unit & 0xfc00) === 0xd800
          ? readPair(bytes, at, end, to, kinds)
          : tokenOf(unit, end - at, kinds)
  return kindOf(token) === BREAK ? other : token
}

/**
 * RFC 8259 §7: what lies beyond U+FFFF is "a 12-character sequence, encoding the UTF-16 surrogate pair". The first of its escapes lies from `at` to
 * `after`; returns 0 where the second is not there.
 */
function readPair(bytes: Bytes, at: number, after: number, to: number, kinds: Uint8Array): number {
  const sign = behindBackslashes(bytes, after, to)
  const isAlike = sign - after === after - 5 - at && sign < to && bytes[sign] === 0x75
  const low = isAlike ? readUnit(bytes, sign + 1, to) : -1
  if ((low & 0xfc00) !== 0xdc00) return 0
  const high = readUnit(bytes, after - 4, after)
  return tokenOf(0x1_0000 + ((high & 0x3ff) << 10) + (low & 0x3ff), sign + 5 - at, kinds)
}

function behindBackslashes(bytes: Bytes, at: number, to: number): number {
  let after = at
  while (after < to && after - at < maxBackslashes && bytes[after] === 0x5c) after += 1
  return after
}

/** Four hexadecimal digits as a number, or -1. */
function readUnit(bytes: Bytes, at: number, to: number): number {
  let unit = 0
  for (let index = at; index < at + 4; index += 1) {
    const digit = index < to ? hexValue(bytes[index] ?? 0) : -1
    if (digit < 0) return -1
    unit = (unit << 4) | digit
  }
  return unit
}

/**
 * RFC 3986 §2.1: the bytes of a character in UTF-8, each as `%` and two hexadecimal digits. What is no digit or separator is not skipped
 * as one: in `like '%4111…'` the percent sign stands alone. (`like '%3714…'` is read as an encoded 7; `DigitChain` knows.)
 */
function readPercent(bytes: Bytes, at: number, to: number, kinds: Uint8Array): number {
  const lead = percentByte(bytes, at, to)
  if (lead < 0) return breakOf(1)
  if (lead < 0x80) {
    const token = tokenOf(lead, 3, kinds)
    return kindOf(token) === BREAK ? breakOf(1) : token
  }
  const count = utf8Width(lead)
  if (count === 0) return breakOf(1)
  for (let index = 0; index < count; index += 1) {
    const byte = percentByte(bytes, at + 3 * index, to)
    if (byte < 0) return breakOf(1)
    scratch[index] = byte
  }
  const character = readUtf8(scratch, 0, count)
  const token = character === 0 ? breakOf(1) : tokenOf(character >> 4, 3 * count, kinds)
  return kindOf(token) === BREAK ? breakOf(1) : token
}

/** The bytes of one percent-encoded character; filled and read within one call. */
const scratch = new Uint8Array(4)

function percentByte(bytes: Bytes, at: number, to: number): number {
  if (at + 3 > to || bytes[at] !== 0x25) return -1
  const high = hexValue(bytes[at + 1] ?? 0)
  const low = hexValue(bytes[at + 2] ?? 0)
  return high < 0 || low < 0 ? -1 : (high << 4) | low
}
