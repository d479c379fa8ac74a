import { type Bytes, toUtf8 } from './bytes.ts'

/** 12 digits, the shortest card number, are 16 characters. */
const MIN_CHARACTERS = 16
/** `;base64,` of a data URL is looked for within so many bytes. */
const MAX_PREFIX = 256

const BACKSLASH = 0x5c
const SLASH = 0x2f
const PADDING = 0x3d
const LOWER_U = 0x75
const MARK = toUtf8(';base64,')

/** A stretch of text that may be binary data in base64 (RFC 4648, either alphabet): what it decodes to, and how to write it back changed. */
export interface Base64Text {
  /** Where it lies. */
  readonly start: number
  readonly end: number
  readonly decoded: Bytes
  /** Writes what is different about `decoded`, of the same length, back in place; false when that is not possible. */
  write(decoded: Bytes): boolean
}

/**
 * Finds base64 in what lies between the quotes of a JSON string, or is a JSON text: the whole of it or all behind `data:…;base64,`, where line ends
 * are taken as escapes; otherwise each stretch that is long enough, as in JSON within text, in a header or on a line of its own. `\/` is a slash of it.
 */
export function findBase64(bytes: Bytes, from: number, end: number): readonly Base64Text[] {
  const start = behindMark(bytes, from, end)
  if (end - start < MIN_CHARACTERS) return []
  return isWhole(bytes, start, end) ? [textOf(bytes, start, end)] : stretches(bytes, from, end)
}

/**
 * Whether a character of base64 is no decimal digit. Where all are digits, as in rows of numbers, the first of every three bytes decoded is
 * at least 0xd0 and the second ends in 0xd to 0xf: never a digit of any script, nor what may stand between two. Such a stretch is none.
 */
function isNoDigit(byte: number): boolean {
  return byte < 0x30 || byte > 0x39
}

/** Whether there is nothing but base64, padding at its end, and escapes of slashes and line ends. */
function isWhole(bytes: Bytes, start: number, end: number): boolean {
  let last = end
  let isData = false
  while (last > start && bytes[last - 1] === PADDING) last--
  for (let at = start; at < last; at++) {
    const byte = bytes[at] ?? 0
    isData ||= isNoDigit(byte) && byte !== BACKSLASH
    if (byte === BACKSLASH) {
      const next = bytes[++at]
      if (next !== SLASH && next !== 0x6e && next !== 0x72) return false
    } else if (!isBase64Byte(byte)) return false
  }
  return isData
}

/**
 * Stretches of base64 within other text. Padding ends one: what follows is another. The end of a line does not, where so far there are whole groups
 * of four: that is how long data is broken into lines, and what follows is read the same.
 */
function stretches(bytes: Bytes, from: number, end: number): readonly Base64Text[] {
  const texts: Base64Text[] = []
  let start = from
  let count = 0
  let isData = false
  const finish = (last: number): void => {
    if (isData && count >= MIN_CHARACTERS) texts.push(textOf(bytes, start, last))
    count = 0
    isData = false
  }
  for (let at = from; at < end;) {
    const next = isBase64Byte(bytes[at] ?? 0) ? at + 1 : behindEscape(bytes, at, end, isSlash)
    const line = next > at || count === 0 || count % 4 !== 0 ? at : behindEscape(bytes, at, end, isLineEnd)
    if (next > at) {
      count++
      isData ||= isNoDigit(bytes[at] ?? 0)
    } else if (line === at) {
      finish(at)
      start = behindSign(bytes, at)
    }
    at = Math.max(next, line, start)
  }
  finish(end)
  return texts
}

const isSlash = (byte: number): boolean => byte === SLASH
const isLineEnd = (byte: number): boolean => byte === 0x6e || byte === 0x72

/** Behind an escape of this kind, however deep its text is nested; `at` when there is none. */
function behindEscape(bytes: Bytes, at: number, end: number, isKind: (byte: number) => boolean): number {
  let next = at
  while (next < end && bytes[next] === BACKSLASH) next++
  return next > at && next < end && isKind(bytes[next] ?? 0) ? next + 1 : at
}

/** Behind a sign that is none of base64. The letters of an escape (`\n`, `\u000a`) look like it and are not. */
function behindSign(bytes: Bytes, at: number): number {
  if (bytes[at] !== BACKSLASH) return at + 1
  let next = at
  while (bytes[next] === BACKSLASH) next++
  return next + (bytes[next] === LOWER_U ? 5 : 1)
}

function textOf(bytes: Bytes, start: number, end: number): Base64Text {
  const inner = bytes.subarray(start, end)
  const places = inner.includes(BACKSLASH) ? placesOf(bytes, start, end) : undefined
  const read = (): Bytes => (places === undefined ? inner : Uint8Array.from(places, (at) => bytes[at] ?? 0))
  return {
    start,
    end,
    decoded: decode(read()),
    write: (decoded) => {
      const characters = encodeChanged(read(), decoded)
      return writeBack(bytes, characters, places ?? { at: (index) => start + index })
    },
  }
}

/** Behind the mark of a data URL, or the beginning. */
function behindMark(bytes: Bytes, from: number, end: number): number {
  // "data:"
  if (bytes[from] !== 0x64 || bytes[from + 4] !== 0x3a) return from
  const last = Math.min(end, from + MAX_PREFIX) - MARK.length
  for (let at = from; at <= last; at++)
    if (MARK.every((byte, index) => bytes[at + index] === byte)) return at + MARK.length
  return from
}

const STANDARD = toUtf8('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')
const URL_SAFE = toUtf8('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')
const NONE = 64

/** The value of each character of either alphabet. */
const VALUES = new Uint8Array(256).fill(NONE)
for (const alphabet of [STANDARD, URL_SAFE]) for (const [value, code] of alphabet.entries()) VALUES[code] = value

function isBase64Byte(byte: number): boolean {
  return (VALUES[byte] ?? NONE) !== NONE
}

/** Where each character of the data lies; of `\/` where its slash lies. */
function placesOf(bytes: Bytes, start: number, end: number): number[] {
  const places: number[] = []
  for (let at = start; at < end; at++) {
    const isEscape = bytes[at] === BACKSLASH
    while (bytes[at] === BACKSLASH) at++
    if (!isEscape || bytes[at] === SLASH) places.push(at)
  }
  return places
}

/** How many characters there are before the padding. */
function lengthOf(characters: Bytes): number {
  let length = characters.length
  while (length > 0 && characters[length - 1] === PADDING) length--
  return length
}

/** RFC 4648 §4: four characters are three bytes; two and three of them at the end are one and two. */
function decode(characters: Bytes): Bytes {
  const length = lengthOf(characters)
  const decoded = new Uint8Array(Math.floor((length * 3) / 4))
  for (let at = 0, out = 0; at < length; at += 4, out += 3) {
    const bits = bitsOf(characters, at)
    decoded[out] = bits >> 16
    // What lies behind the end is not kept.
    decoded[out + 1] = bits >> 8
    decoded[out + 2] = bits
  }
  return decoded
}

function bitsOf(characters: Bytes, at: number): number {
  return (
    (valueAt(characters, at) << 18) |
    (valueAt(characters, at + 1) << 12) |
    (valueAt(characters, at + 2) << 6) |
    valueAt(characters, at + 3)
  )
}

/** Behind the end, and for padding, it is zero. */
function valueAt(characters: Bytes, at: number): number {
  return (VALUES[characters[at] ?? 0] ?? 0) & 63
}

/** The characters of `decoded`: as they are wherever their bytes are. */
function encodeChanged(characters: Bytes, decoded: Bytes): Bytes {
  const before = decode(characters)
  const alphabet = characters.includes(0x2d) || characters.includes(0x5f) ? URL_SAFE : STANDARD
  const encoded = characters.slice(0, lengthOf(characters))
  for (let at = 0, from = 0; from < decoded.length; at += 4, from += 3) {
    const [one = 0, two = 0, three = 0] = [decoded[from], decoded[from + 1], decoded[from + 2]]
    if (one === before[from] && two === (before[from + 1] ?? 0) && three === (before[from + 2] ?? 0)) continue
    const bits = (one << 16) | (two << 8) | three
    for (let index = 0; index < 4 && at + index < encoded.length; index++)
      encoded[at + index] = alphabet[(bits >> (18 - 6 * index)) & 63] ?? 0
  }
  return encoded
}

/** Writes characters to their places. An escaped slash can only stay one. */
function writeBack(bytes: Bytes, characters: Bytes, places: { at(index: number): number | undefined }): boolean {
  for (const [index, code] of characters.entries()) {
    const place = places.at(index)
    if (place === undefined) return false
    if (bytes[place] === code) continue
    if (bytes[place - 1] === BACKSLASH) return false
    bytes[place] = code
  }
  return true
}
