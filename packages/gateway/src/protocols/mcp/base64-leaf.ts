import { type Bytes, toUtf8 } from '#base'

/** 12 digits, the shortest card number, are 16 characters. */
const MIN_CHARACTERS = 16
/** `;base64,` of a data URL is looked for within so many bytes. */
const MAX_PREFIX = 256

const BACKSLASH = 0x5c
const SLASH = 0x2f
const PADDING = 0x3d
const LOWER_U = 0x75
const MARK = toUtf8(';base64,')

/** A string that may be binary data in base64 (RFC 4648, either alphabet): what it decodes to, and how to write it back changed. */
export interface Base64Leaf {
  readonly decoded: Bytes
  /** Writes `decoded`, of the same length, back in place; false when that is not possible. */
  write(decoded: Bytes): boolean
}

/**
 * Finds base64 in what lies between the quotes of a JSON string: the whole of it or all behind `data:…;base64,`, where line ends are taken as
 * escapes; otherwise each stretch that is long enough, as in JSON within text, in a header or on a line of its own. `\/` is a slash of it.
 */
export function findBase64(bytes: Bytes, from: number, end: number): readonly Base64Leaf[] {
  const start = behindMark(bytes, from, end)
  if (end - start < MIN_CHARACTERS) return []
  return isWhole(bytes, start, end) ? [leafOf(bytes, start, end)] : stretches(bytes, from, end)
}

/** Whether there is nothing but base64, its padding, and escapes of slashes and line ends. */
function isWhole(bytes: Bytes, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0
    if (byte === BACKSLASH) {
      const next = bytes[++at]
      if (next !== SLASH && next !== 0x6e && next !== 0x72) return false
    } else if (!isBase64Byte(byte) && byte !== PADDING) return false
  }
  return true
}

/** Stretches of base64 within other text. Padding ends one: what follows is another. */
function stretches(bytes: Bytes, from: number, end: number): readonly Base64Leaf[] {
  const leaves: Base64Leaf[] = []
  let start = from
  for (let at = from; at < end;) {
    const next = isBase64Byte(bytes[at] ?? 0) ? at + 1 : behindSlash(bytes, at, end)
    if (next > at) at = next
    else {
      if (at - start >= MIN_CHARACTERS) leaves.push(leafOf(bytes, start, at))
      start = at = behindSign(bytes, at)
    }
  }
  if (end - start >= MIN_CHARACTERS) leaves.push(leafOf(bytes, start, end))
  return leaves
}

/** Behind an escaped slash, however deep its text is nested; `at` when there is none. */
function behindSlash(bytes: Bytes, at: number, end: number): number {
  let next = at
  while (next < end && bytes[next] === BACKSLASH) next++
  return next > at && next < end && bytes[next] === SLASH ? next + 1 : at
}

/** Behind a sign that is none of base64. The letters of an escape (`\n`, `\u000a`) look like it and are not. */
function behindSign(bytes: Bytes, at: number): number {
  if (bytes[at] !== BACKSLASH) return at + 1
  let next = at
  while (bytes[next] === BACKSLASH) next++
  return next + (bytes[next] === LOWER_U ? 5 : 1)
}

function leafOf(bytes: Bytes, start: number, end: number): Base64Leaf {
  const inner = bytes.subarray(start, end)
  const encoding = inner.includes(0x2d) || inner.includes(0x5f) ? 'base64url' : 'base64'
  const places = inner.includes(BACKSLASH) ? placesOf(bytes, start, end) : undefined
  const text = places === undefined ? latin1(inner) : characters(bytes, places)
  return {
    decoded: Buffer.from(text, encoding),
    write: (decoded) => {
      const encoded = Buffer.from(decoded).toString(encoding).replaceAll('=', '')
      return writeBack(bytes, encoded, places ?? { at: (index) => start + index })
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

function isBase64Byte(byte: number): boolean {
  const letter = byte | 0x20
  return (
    (letter >= 0x61 && letter <= 0x7a) ||
    (byte >= 0x2f && byte <= 0x39) ||
    byte === 0x2b ||
    byte === 0x2d ||
    byte === 0x5f
  )
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

function characters(bytes: Bytes, places: readonly number[]): string {
  return latin1(Uint8Array.from(places, (at) => bytes[at] ?? 0))
}

function latin1(bytes: Bytes): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/** Writes characters to their places. An escaped slash can only stay one. */
function writeBack(bytes: Bytes, encoded: string, places: { at(index: number): number | undefined }): boolean {
  for (let index = 0; index < encoded.length; index++) {
    const place = places.at(index)
    if (place === undefined) return false
    const code = encoded.charCodeAt(index)
    if (bytes[place] === code) continue
    if (bytes[place - 1] === BACKSLASH) return false
    bytes[place] = code
  }
  return true
}
