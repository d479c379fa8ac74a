import type { Bytes } from '#base'
import { BREAK, CELL, COUNTS, LINE, looseAlphabet, MARK, tokenOf } from './alphabet.ts'
import { minPanDigits } from './iin.ts'
import { packToken } from './token.ts'
import { hexValue } from './utf8.ts'

/** A longer tag is none: what stands beside it is not read across it. */
export const maxTagBytes = 256

/** `&amp;nbsp;` is HTML within HTML; so many times. */
const maxAmpersands = 3
/** `&#x00000034;` */
const maxReferenceDigits = 8
/** `\/`, and that within JSON within JSON. */
const maxSlashEscapes = 8

/** Elements that part nothing to the eye. Each marks a place where a number may end, and may go on. */
const inline =
  'a abbr b bdi bdo big code del dfn em font i ins kbd mark nobr s samp small span strike strong sub sup tspan tt u wbr'
/** Elements of which each holds a thing of its own: what stands in several is taken for one number as the items of a list are. */
const cells = 'dd div dt li p td th tr'

/** Kinds of elements by name, in small letters. All others end what stands before them, as any word does. */
const elements: ReadonlyMap<number, Element> = new Map(
  [...named(inline, MARK), ...named('br', LINE), ...named(cells, CELL)].map((element) => [
    nameCode(element.name),
    element,
  ]),
)
const maxElementName = 6

interface Element {
  readonly name: string
  readonly kind: number
}

function named(names: string, kind: number): readonly Element[] {
  return names.split(' ').map((name) => ({ name, kind }))
}

/** HTML Standard, Named character references: those that are separators in one of our alphabets. */
const references: ReadonlyMap<number, Reference> = new Map(
  Object.entries({
    ...{ Tab: 0x09, NewLine: 0x0a, nbsp: 0xa0, NonBreakingSpace: 0xa0, ensp: 0x2002, emsp: 0x2003, numsp: 0x2007 },
    ...{ puncsp: 0x2008, thinsp: 0x2009, ThinSpace: 0x2009, hairsp: 0x200a, VeryThinSpace: 0x200a },
    ...{ MediumSpace: 0x205f, dash: 0x2010, hyphen: 0x2010, ndash: 0x2013, mdash: 0x2014, horbar: 0x2015 },
    ...{ minus: 0x2212, hybull: 0x2043, period: 0x2e, middot: 0xb7, centerdot: 0xb7, CenterDot: 0xb7, bull: 0x2022 },
    ...{ bullet: 0x2022, sdot: 0x22c5, comma: 0x2c, plus: 0x2b, shy: 0xad, ZeroWidthSpace: 0x200b, zwnj: 0x200c },
    ...{ zwj: 0x200d, lrm: 0x200e, rlm: 0x200f, NoBreak: 0x2060, apos: 0x27, quot: 0x22, grave: 0x60, lowbar: 0x5f },
    ...{ sol: 0x2f, bsol: 0x5c, verbar: 0x7c, vert: 0x7c, VerticalLine: 0x7c },
  }).map(([name, codePoint]) => [nameCode(name), { name, codePoint }]),
)

interface Reference {
  readonly name: string
  readonly codePoint: number
}

/** HTML Standard: of those, these are known without a semicolon. */
const withoutSemicolon: ReadonlySet<string> = new Set(['nbsp', 'shy', 'middot'])
const maxReferenceName = 'NonBreakingSpace'.length

const AMPERSAND = 0x26
const SEMICOLON = 0x3b
const NUMBER = 0x23
const LESS = 0x3c
const GREATER = 0x3e
const SLASH = 0x2f
const BACKSLASH = 0x5c
const LOWER_X = 0x78
const STAR = 0x2a

/**
 * Reads the character reference (HTML Standard, XML 1.0 §4.1) whose ampersand ends before `after`: `&nbsp;`, `&#160;`, `&#xA0;`, or the tag that
 * `&lt;` opens. Returns its token, from `at` on, or 0 where it is nothing that may stand within a number.
 */
export function readReference(bytes: Bytes, at: number, after: number, to: number, kinds: Uint8Array): number {
  let name = after
  for (let count = 0; count < maxAmpersands && isWord(bytes, name, to, 'amp;'); count += 1) name += 4
  if (name < to && bytes[name] === NUMBER) return readNumeric(bytes, at, name + 1, to, kinds)
  if (isWord(bytes, name, to, 'lt;')) return readTag(bytes, at, name + 3, to, kinds)
  return readNamed(bytes, at, name, to, kinds)
}

/** `160;`, `xA0;`; browsers want no semicolon. */
function readNumeric(bytes: Bytes, at: number, after: number, to: number, kinds: Uint8Array): number {
  const isHex = after < to && ((bytes[after] ?? 0) | 0x20) === LOWER_X
  const base = isHex ? 16 : 10
  const from = isHex ? after + 1 : after
  const most = Math.min(to, from + maxReferenceDigits)
  let end = from
  let codePoint = 0
  for (; end < most; end += 1) {
    const digit = hexValue(bytes[end] ?? 0)
    if (digit < 0 || digit >= base) break
    codePoint = base * codePoint + digit
  }
  if (end === from || codePoint > 0x10ffff) return 0
  if (end < to && bytes[end] === SEMICOLON) end += 1
  // Of `&#x315` the 5 may have been replaced: what is left of it was no digit before, and must not be one the second time.
  else if (end < to && bytes[end] === STAR) return 0
  return tokenUnlessBreak(codePoint, end - at, kinds)
}

function readNamed(bytes: Bytes, at: number, name: number, to: number, kinds: Uint8Array): number {
  const most = Math.min(to, name + maxReferenceName)
  let end = name
  let code = 0
  while (end < most && isLetter(bytes[end] ?? 0)) code = nextCode(code, bytes[end++] ?? 0)
  const known = references.get(code)
  if (known === undefined || known.name.length !== end - name || !isWord(bytes, name, to, known.name)) return 0
  if (end < to && bytes[end] === SEMICOLON) end += 1
  else if (!withoutSemicolon.has(known.name)) return 0
  return tokenUnlessBreak(known.codePoint, end - at, kinds)
}

function tokenUnlessBreak(codePoint: number, width: number, kinds: Uint8Array): number {
  const token = tokenOf(codePoint, width, kinds)
  return token === packToken(BREAK, 0, width) ? 0 : token
}

/**
 * Reads the tag or comment whose `<`, written as it is or escaped, ends before `after`. Returns its token, from `at` on, or 0 where it is none
 * that may stand within a number: of another element, too long, with another `<` in it, or with room for a card number, which must be looked
 * for in it.
 */
export function readTag(bytes: Bytes, at: number, after: number, to: number, kinds: Uint8Array): number {
  // An alphabet for which tags are text.
  if (kinds[LESS] !== MARK) return 0
  const name = tagName(bytes, after, to)
  const kind = isWord(bytes, name, to, '!--') ? MARK : elementKind(bytes, name, to)
  const close = kind === BREAK ? -1 : tagEnd(bytes, name, Math.min(to, at + maxTagBytes))
  return close < 0 ? 0 : packToken(kind, 0, close - at)
}

/** What the element named at an offset is. */
function elementKind(bytes: Bytes, at: number, to: number): number {
  let end = at
  let code = 0
  while (end < to && end - at <= maxElementName && isLetter(bytes[end] ?? 0)) {
    code = nextCode(code, (bytes[end] ?? 0) | 0x20)
    end += 1
  }
  const element = elements.get(code)
  if (element === undefined || element.name.length !== end - at || end === to) return BREAK
  return isWord(bytes, at, to, element.name, 0x20) && endsName(bytes[end] ?? 0) ? element.kind : BREAK
}

/** Where the name begins: after the slash of a closing tag, which JSON may write as `\/`. */
function tagName(bytes: Bytes, after: number, to: number): number {
  let slash = after
  while (slash < to && slash - after < maxSlashEscapes && bytes[slash] === BACKSLASH) slash += 1
  return slash < to && bytes[slash] === SLASH ? slash + 1 : after
}

/**
 * The end of a tag that goes on at `at`, or -1. No card number lies within: no stretch of it has the digits of one, and where references may be
 * part of a stretch, all of it has not. What was replaced counts, so that a tag with a card number in it stays none.
 */
function tagEnd(bytes: Bytes, at: number, to: number): number {
  const { classes } = looseAlphabet
  let digits = 0
  let isStretched = false
  for (let index = at; index < to; index += 1) {
    const byte = bytes[index] ?? 0
    if (byte === GREATER) return index + 1
    if (byte === LESS) return -1
    if (byte === AMPERSAND || byte === BACKSLASH) {
      const angle = readAngle(bytes, index, to)
      if (angle > 0) return index + angle
      if (angle < 0) return -1
      isStretched ||= byte === AMPERSAND || isEscaped(bytes, index, to, '26')
    }
    const bits = classes[byte] ?? 0
    if (bits === 0 && !isStretched) digits = 0
    digits += byte === STAR ? 1 : (bits & COUNTS) >> 1
    if (digits >= minPanDigits) return -1
  }
  return -1
}

/** The width of an escaped `>` at an ampersand or backslash; -1 for an escaped `<`, 0 for anything else. */
function readAngle(bytes: Bytes, at: number, to: number): number {
  if (bytes[at] === BACKSLASH) {
    if (isEscaped(bytes, at, to, '3e') || isEscaped(bytes, at, to, '3E')) return 6
    return isEscaped(bytes, at, to, '3c') || isEscaped(bytes, at, to, '3C') ? -1 : 0
  }
  let name = at + 1
  for (let count = 0; count < maxAmpersands && isWord(bytes, name, to, 'amp;'); count += 1) name += 4
  if (isWord(bytes, name, to, 'gt;')) return name + 3 - at
  return isWord(bytes, name, to, 'lt;') ? -1 : 0
}

/** Whether a backslash begins the escape of an ASCII character, given as its two hexadecimal digits. */
function isEscaped(bytes: Bytes, at: number, to: number, hex: string): boolean {
  return isWord(bytes, at + 1, to, 'u00') && isWord(bytes, at + 4, to, hex)
}

/** What may follow the name of an element: blanks, `/`, `>`, or the escape of one of them. */
function endsName(byte: number): boolean {
  return byte === GREATER || byte === SLASH || byte === BACKSLASH || byte === AMPERSAND || isBlank(byte)
}

/** Whether a word stands at an offset; `fold` 0x20 takes its letters in either case. */
function isWord(bytes: Bytes, at: number, to: number, word: string, fold = 0): boolean {
  if (at + word.length > to) return false
  for (let index = 0; index < word.length; index += 1) {
    if (((bytes[at + index] ?? 0) | fold) !== word.charCodeAt(index)) return false
  }
  return true
}

/** ASCII whitespace, which HTML shows as one space, however much of it there is. */
export function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d
}

function isLetter(byte: number): boolean {
  const small = byte | 0x20
  return small >= 0x61 && small <= 0x7a
}

function nameCode(name: string): number {
  let code = 0
  for (let index = 0; index < name.length; index += 1) code = nextCode(code, name.charCodeAt(index))
  return code
}

/** A name as a number; names may share one, so that they are compared as well. */
function nextCode(code: number, byte: number): number {
  return (Math.imul(code, 61) + byte) | 0
}
