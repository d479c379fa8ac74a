import type { Bytes } from '#base'
import { isSpace, type Span, stringOf } from './json.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN_BRACE = 0x7b
const OPEN_BRACKET = 0x5b

/** Whether a value that was checked is an object. */
export function isObject(bytes: Bytes, { start }: Span): boolean {
  return bytes[start] === OPEN_BRACE
}

/** Whether a value that was checked is an array. */
export function isArray(bytes: Bytes, { start }: Span): boolean {
  return bytes[start] === OPEN_BRACKET
}

/** The text of a value that was checked, when it is a string. */
export function textOf(bytes: Bytes, value: Span | undefined): string | undefined {
  if (value === undefined || bytes[value.start] !== QUOTE) return undefined
  return stringOf(bytes, { start: value.start + 1, end: value.end - 1 })
}

/** Whether a value that was checked is the word `true`. */
export function isTrue(bytes: Bytes, value: Span | undefined): boolean {
  return value !== undefined && bytes[value.start] === 0x74
}

/** A member of an object. */
export interface Entry {
  /** Its name, with the quotes. */
  readonly name: Span
  readonly value: Span
}

/** The members of an object that was checked, in the order in which they are written. */
export function entriesOf(bytes: Bytes, object: Span): Entry[] {
  const entries: Entry[] = []
  let at = skipSpace(bytes, object.start + 1)
  while (at < object.end - 1) {
    const name = { start: at, end: skipString(bytes, at) }
    // A colon is between them.
    const start = skipSpace(bytes, skipSpace(bytes, name.end) + 1)
    const value = { start, end: skipValue(bytes, start) }
    entries.push({ name, value })
    at = behindComma(bytes, value.end)
  }
  return entries
}

/** The members of an object that was checked, by their names: where each value lies. */
export function membersOf(bytes: Bytes, object: Span): Map<string, Span> {
  const members = new Map<string, Span>()
  for (const { name, value } of entriesOf(bytes, object)) {
    members.set(stringOf(bytes, { start: name.start + 1, end: name.end - 1 }), value)
  }
  return members
}

/** The elements of an array that was checked. */
export function elementsOf(bytes: Bytes, array: Span): Span[] {
  const elements: Span[] = []
  let at = skipSpace(bytes, array.start + 1)
  while (at < array.end - 1) {
    const end = skipValue(bytes, at)
    elements.push({ start: at, end })
    at = behindComma(bytes, end)
  }
  return elements
}

function behindComma(bytes: Bytes, end: number): number {
  const at = skipSpace(bytes, end)
  return bytes[at] === COMMA ? skipSpace(bytes, at + 1) : at
}

function skipSpace(bytes: Bytes, from: number): number {
  let at = from
  while (isSpace(bytes[at] ?? 0)) at++
  return at
}

/** The end of a string that begins at `from`. */
export function skipString(bytes: Bytes, from: number): number {
  for (let quote = bytes.indexOf(QUOTE, from + 1); quote >= 0; quote = bytes.indexOf(QUOTE, quote + 1)) {
    let before = quote - 1
    while (bytes[before] === BACKSLASH) before--
    // An even number of backslashes are escapes of each other.
    if ((quote - before) % 2 === 1) return quote + 1
  }
  return bytes.length
}

/** The end of the value that begins at `from`. `{` and `[` are 0x7b and 0x5b, their ends 0x7d and 0x5d. */
function skipValue(bytes: Bytes, from: number): number {
  let at = from
  let depth = 0
  while (at < bytes.length) {
    const byte = bytes[at] ?? 0
    if (byte === QUOTE) at = skipString(bytes, at)
    else {
      const folded = byte | 0x20
      if (folded === 0x7b) depth++
      else if (folded === 0x7d && depth > 0) depth--
      else if (depth === 0) return skipScalar(bytes, at)
      at++
    }
    if (depth === 0) return at
  }
  return at
}

/** The end of a number or word. */
function skipScalar(bytes: Bytes, from: number): number {
  let at = from
  while (at < bytes.length) {
    const byte = bytes[at] ?? 0
    if (byte === COMMA || (byte | 0x20) === 0x7d || isSpace(byte)) break
    at++
  }
  return at
}
