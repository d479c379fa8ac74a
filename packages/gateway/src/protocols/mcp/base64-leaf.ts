import { type Bytes, toUtf8 } from '#base'

/** 12 digits, the shortest card number, are 16 characters. */
const MIN_CHARACTERS = 16
/** `;base64,` of a data URL is looked for within so many bytes. */
const MAX_PREFIX = 256

const BACKSLASH = 0x5c
const SLASH = 0x2f
const MARK = toUtf8(';base64,')

/** A string that may be binary data in base64 (RFC 4648, either alphabet): what it decodes to, and how to write it back changed. */
export interface Base64Leaf {
  readonly decoded: Bytes
  /** Writes `decoded`, of the same length, back in place; false when that is not possible. */
  write(decoded: Bytes): boolean
}

/**
 * Reads what lies between the quotes of a JSON string as base64, as the whole of it or behind `data:…;base64,`. Line ends and `\/` are
 * taken as escapes of it.
 */
export function readBase64(bytes: Bytes, from: number, end: number): Base64Leaf | undefined {
  const start = behindMark(bytes, from, end)
  if (end - start < MIN_CHARACTERS) return undefined
  let isPlain = true
  let isUrl = false
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0
    if (byte === BACKSLASH) {
      const next = bytes[at + 1]
      if (next !== SLASH && next !== 0x6e && next !== 0x72) return undefined
      isPlain = false
      at++
    } else if (!isBase64Byte(byte)) return undefined
    isUrl ||= byte === 0x2d || byte === 0x5f
  }
  const places = isPlain ? undefined : placesOf(bytes, start, end)
  const text = places === undefined ? latin1(bytes.subarray(start, end)) : characters(bytes, places)
  const encoding = isUrl ? 'base64url' : 'base64'
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
    byte === 0x5f ||
    byte === 0x3d
  )
}

/** Where each character of the data lies; of `\/` where its slash lies. */
function placesOf(bytes: Bytes, start: number, end: number): number[] {
  const places: number[] = []
  for (let at = start; at < end; at++) {
    if (bytes[at] !== BACKSLASH) places.push(at)
    else if (bytes[++at] === SLASH) places.push(at)
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
