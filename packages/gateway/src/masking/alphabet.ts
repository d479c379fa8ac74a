import { decimalValue, decimalZeros } from './digit-sets.ts'
import { packToken } from './token.ts'
import { utf8Lead } from './utf8.ts'

/** What a token is, for one who looks for card numbers. Where several lie between two digits, the greatest names the gap. */
export const BREAK = 0
/** A decimal digit of any script. */
export const DIGIT = 1
/** Takes no room on a screen: zero-width characters, soft hyphen, direction marks, variations. Never parts a group of digits. */
export const INVISIBLE = 2
/** Parts groups within a card number as people write it: spaces, dashes, dots, line ends. */
export const PLAIN = 3
/** Parts them where a program put the number together: quotes, `||`, `_`, `/`. Known to the loose alphabet alone. */
const WIDE = 4
/** Parts the items of a list: comma, plus (a space in a form's encoding). */
export const LIST = 5
/** Markup that takes no room: tags of inline elements, comments, Markdown's asterisks. A number may end here, and may go on. */
export const MARK = 6
/** A tag that ends a line. */
export const LINE = 7
/** A tag about something of its own: a cell, an item, a paragraph. Parts as the signs of a list do. */
export const CELL = 8

/** Class bit of a byte: may belong to a token other than an escape. */
export const TIGHT = 1
/** Class bit: may begin a digit. */
export const COUNTS = 2
/** Class bit: begins an escape (`\u0034`, `%34`). */
export const ESCAPE_HEAD = 4
/** Class bit: a hexadecimal letter of an escape. */
export const ESCAPE_HEX = 8
/** Class bit: the letter after a backslash. */
export const ESCAPE_SIGN = 16

/** Which characters may stand between the digits of one card number, as tables. */
export interface Alphabet {
  /** Token kind of each ASCII character. */
  readonly kinds: Uint8Array
  /** Class bits of each byte. */
  readonly classes: Uint8Array
}

const spaces = [0x85, 0xa0, 0x1680, ...span(0x2000, 0x200a), 0x2028, 0x2029, 0x202f, 0x205f, 0x3000]
/** With what a Japanese keyboard writes for a hyphen, which Unicode counts among the letters. */
const dashes = [...span(0x2010, 0x2015), 0x2043, 0x2212, 0xfe58, 0xfe63, 0xff0d, 0x30fc, 0xff70]
const dots = [0xb7, 0x2022, 0x2024, 0x2027, 0x2219, 0x22c5, 0x30fb, 0xfe52, 0xff0e]
const plain = new Set([...spaces, ...dashes, ...dots])
const invisible = new Set([
  ...[0xad, 0x34f, 0x61c, 0x180e, 0x20e3, 0xfeff, ...span(0xfe00, 0xfe0f)],
  ...[...span(0x200b, 0x200f), ...span(0x202a, 0x202e), ...span(0x2060, 0x2064), ...span(0x2066, 0x206f)],
  ...[...span(0xe0020, 0xe007f), ...span(0xe0100, 0xe01ef)],
])

const plainAscii = '\t\n\v\f\r -.'

/** For results, where a false alarm destroys a value. */
export const strictAlphabet: Alphabet = alphabet({ plain: plainAscii, list: ',+', mark: '<*' })
/** For what is recorded, logged and said: statements and errors, where a miss is a leak. */
export const looseAlphabet: Alphabet = alphabet({ plain: plainAscii, wide: '\'"`|_/\\', list: ',+', mark: '<*' })
/** For declared columns: no digit is passed over, not even within a tag. */
export const declaredAlphabet: Alphabet = alphabet({ plain: plainAscii })

/** Whether any of sixteen code points, by their number without its last four bits, is a digit or a separator: most are not. */
const blocks = new Uint8Array(0x11_0000 >> 4)
for (const codePoint of [...plain, ...invisible]) blocks[codePoint >> 4] = 1
for (const zero of decimalZeros) blocks[zero >> 4] = blocks[(zero + 9) >> 4] = 1

/** The token that a code point is, written in `width` bytes. What begins markup is not markup where it is escaped. */
export function tokenOf(codePoint: number, width: number, kinds: Uint8Array): number {
  if (codePoint >= 0x80 && blocks[codePoint >> 4] !== 1) return packToken(BREAK, 0, width)
  const value = decimalValue(codePoint)
  if (value >= 0) return packToken(DIGIT, value, width)
  if (codePoint < 0x80) {
    const kind = kinds[codePoint] ?? BREAK
    return packToken(kind === MARK ? BREAK : kind, 0, width)
  }
  if (plain.has(codePoint)) return packToken(PLAIN, 0, width)
  return packToken(invisible.has(codePoint) ? INVISIBLE : BREAK, 0, width)
}

/** The signs of an alphabet by what they are. */
interface Signs {
  readonly plain: string
  readonly wide?: string
  readonly list?: string
  /** Those that may begin markup. */
  readonly mark?: string
}

function alphabet(signs: Signs): Alphabet {
  const kinds = new Uint8Array(128)
  const classes = new Uint8Array(256)
  const mark = (byte: number, bits: number): void => {
    classes[byte] = (classes[byte] ?? 0) | bits
  }
  const enter = (entered: string | undefined, kind: number): void => {
    for (const sign of entered ?? '') {
      kinds[sign.charCodeAt(0)] = kind
      if (sign !== '<') mark(sign.charCodeAt(0), TIGHT)
    }
  }
  enter(signs.plain, PLAIN)
  enter(signs.wide, WIDE)
  enter(signs.list, LIST)
  enter(signs.mark, MARK)
  for (let byte = 0x80; byte < 0xc0; byte += 1) mark(byte, TIGHT)
  for (const codePoint of [...plain, ...invisible]) mark(utf8Lead(codePoint), TIGHT)
  for (const zero of decimalZeros) {
    for (let value = 0; value < 10; value += 1) mark(utf8Lead(zero + value), TIGHT | COUNTS)
  }
  for (const sign of '\\%') mark(sign.charCodeAt(0), ESCAPE_HEAD)
  for (const sign of 'abcdefABCDEF') mark(sign.charCodeAt(0), ESCAPE_HEX)
  for (const sign of 'unrt') mark(sign.charCodeAt(0), ESCAPE_SIGN)
  return { kinds, classes }
}

function span(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}
