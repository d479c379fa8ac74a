import type { Bytes } from '#base'
import { isSpace, type Span, stringOf } from './json.ts'
import { skipString } from './members.ts'

/** What a leaf is: text, a number, or the name of a member. */
type LeafKind = 'text' | 'number' | 'name'

/** Gets a leaf, a string with its quotes; `where` may be asked during the call only. */
export type LeafVisitor = (kind: LeafKind, start: number, end: number, where: () => string) => void

const QUOTE = 0x22
const COLON = 0x3a
const MINUS = 0x2d

/** Names in a pattern beyond this length, or of other characters, are data rather than names. */
const PLAIN_NAME = /^[A-Za-z_$][A-Za-z0-9_$.-]{0,63}$/

/**
 * Visits every leaf of a JSON text that was checked: strings, numbers, and the names of members. `where` gives the leaf's JSON Pointer
 * (RFC 6901) as a pattern: `*` for the place in a list and for a name that does not look like one, `/#names` behind an object for its names.
 */
export function visitLeaves(bytes: Bytes, whole: Span, visit: LeafVisitor): void {
  /** For each open value, from the outside: the name of the member at hand, or undefined in a list. */
  const path: (Span | undefined)[] = []
  const isObject: boolean[] = []
  let kind: LeafKind = 'text'
  const where = (): string =>
    patternOf(bytes, kind === 'name' ? path.slice(0, -1) : path) + (kind === 'name' ? '/#names' : '')
  let at = whole.start
  while (at < whole.end) {
    const byte = bytes[at] ?? 0
    if (byte === QUOTE) {
      const end = skipString(bytes, at)
      kind = isObject.at(-1) === true && isName(bytes, end) ? 'name' : 'text'
      if (kind === 'name') path[path.length - 1] = { start: at + 1, end: end - 1 }
      visit(kind, at, end, where)
      at = end
      continue
    }
    const folded = byte | 0x20
    if (folded === 0x7b) {
      isObject.push(byte === 0x7b)
      path.push(undefined)
    } else if (folded === 0x7d) {
      isObject.pop()
      path.pop()
    } else if (byte === MINUS || (byte >= 0x30 && byte <= 0x39)) {
      const end = skipNumber(bytes, at)
      kind = 'number'
      visit(kind, at, end, where)
      at = end
      continue
    }
    at++
  }
}

/** Whether a colon follows the string that ends here. */
function isName(bytes: Bytes, end: number): boolean {
  let at = end
  while (isSpace(bytes[at] ?? 0)) at++
  return bytes[at] === COLON
}

function skipNumber(bytes: Bytes, from: number): number {
  let at = from + 1
  while (isNumberByte(bytes[at] ?? 0)) at++
  return at
}

/** Digits, `+`, `-`, `.`, `E` and `e`. */
function isNumberByte(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || byte === 0x2b || byte === MINUS || byte === 0x2e || (byte | 0x20) === 0x65
}

function patternOf(bytes: Bytes, path: readonly (Span | undefined)[]): string {
  return path.map((name) => `/${name === undefined ? '*' : plainName(stringOf(bytes, name))}`).join('')
}

function plainName(name: string): string {
  return PLAIN_NAME.test(name) ? name : '*'
}
