import type { Bytes } from '#base'
import { DIGIT, ESCAPE_HEAD, ESCAPE_HEX, INVISIBLE, looseAlphabet } from './alphabet.ts'
import { type DigitChain, LISTED, PARTED, PARTED_WIDE } from './chain.ts'
import type { Clusters } from './clusters.ts'
import { type IinIndex, maxPanDigits, minPanDigits } from './iin.ts'
import { isListLayout, maxListGroups } from './layouts.ts'
import type { Window } from './strict.ts'
import { kindOf, widthOf } from './token.ts'
import { maxTokenBytes, readToken } from './tokens.ts'

/** Invisible characters between two digits of one chain. */
export const maxInvisibleGap = 8

const STAR = 0x2a

/**
 * Which stretches of a chain are looked at in what is recorded, logged and said, where a miss is a leak: every stretch of 12 to 19 digits,
 * also within longer runs; across quotes, `||`, `_` and `/` those that begin and end with a group; across commas the usual layouts.
 */
export class LooseRules {
  readonly #iins: IinIndex
  readonly #chain: DigitChain
  readonly #clusters: Clusters
  /** First digit since a gap that is more than plain. */
  #plainFrom = 0

  constructor(iins: IinIndex, chain: DigitChain, clusters: Clusters) {
    this.#iins = iins
    this.#chain = chain
    this.#clusters = clusters
  }

  clear(): void {
    this.#plainFrom = 0
  }

  /** Looks at what ends with the latest digit. */
  closeDigit(): void {
    const chain = this.#chain
    const end = chain.count
    if (chain.gapBefore(end - 1) > PARTED) this.#plainFrom = end - 1
    const earliest = Math.max(this.#plainFrom, end - maxPanDigits)
    let from = chain.luhnFrom(end - minPanDigits, earliest)
    for (; from >= earliest; from = chain.luhnFrom(from - 1, earliest)) this.#try(from, end)
  }

  /** Looks at what ends with the latest digit, which ends its group, and has a gap in it that is more than plain. */
  closeGroup(window: Window): void {
    const chain = this.#chain
    const end = chain.count
    // No such gap lies within reach.
    if (this.#plainFrom <= Math.max(0, end - maxPanDigits)) return
    let widest = chain.gapBefore(chain.groupStart(0))
    let code = end - chain.groupStart(0)
    let scale = 1
    for (let back = 1; back < chain.groups; back += 1) {
      const from = chain.groupStart(back)
      if (end - from > maxPanDigits || (widest === LISTED && back >= maxListGroups)) break
      scale *= 32
      code += scale * (chain.groupStart(back - 1) - from)
      if (widest === PARTED_WIDE || (widest === LISTED && isListLayout(code))) this.#tryAligned(window, from, end)
      widest = Math.max(widest, chain.gapBefore(from))
    }
  }

  #tryAligned(window: Window, from: number, to: number): void {
    const chain = this.#chain
    const brand = chain.brand(from, to, this.#iins)
    if (brand === undefined) return
    if (isReplacedBefore(window, chain.startOf(from)) || isReplacedAfter(window, chain.endOf(to - 1))) return
    this.#clusters.add(from, to, brand)
  }

  #try(from: number, to: number): void {
    const brand = this.#chain.brand(from, to, this.#iins)
    if (brand !== undefined) this.#clusters.add(from, to, brand)
  }
}

// A group of which a part was replaced does not begin or end where it seems to. What is scrubbed once must stay as it is, so where
// groups count, asterisks are taken for digits; invisible characters in between do not part a group either.

function isReplacedAfter({ bytes, to }: Window, end: number): boolean {
  let at = end
  for (let count = 0; count < maxInvisibleGap && at < to; count += 1) {
    const token = readToken(bytes, at, to, looseAlphabet.kinds)
    if (kindOf(token) !== INVISIBLE) break
    at += widthOf(token)
  }
  return at < to && bytes[behindOpenReference(bytes, at, to)] === STAR
}

/** Behind the digit that a reference without semicolon would be if no asterisk followed it (`&#x39*`); `at` where there is none. */
function behindOpenReference(bytes: Bytes, at: number, to: number): number {
  const star = bytes[at] === AMPERSAND ? bytes.subarray(at, Math.min(to, at + maxReferenceBytes)).indexOf(STAR) : -1
  if (star < 0) return at
  const token = readToken(bytes, at, at + star, looseAlphabet.kinds)
  return kindOf(token) === DIGIT && widthOf(token) === star ? at + star : at
}

/** Reads backwards, so it takes anything that may be the inside of an invisible character, written or escaped, for one. */
function isReplacedBefore({ bytes, origin }: Window, start: number): boolean {
  const earliest = Math.max(origin, start - maxInvisibleGap * maxTokenBytes)
  let at = start - 1
  while (at >= earliest) {
    const byte = bytes[at] ?? 0
    if (byte === STAR) return true
    const reference = byte === SEMICOLON ? referenceStart(bytes, at, earliest) : -1
    if (reference < 0 && byte < 0x80 && !mayBeInEscape(byte)) return false
    at = reference < 0 ? at - 1 : reference - 1
  }
  return false
}

function mayBeInEscape(byte: number): boolean {
  const classes = looseAlphabet.classes[byte] ?? 0
  return (classes & (ESCAPE_HEAD | ESCAPE_HEX)) !== 0 || byte === LOWER_U || (byte >= 0x30 && byte <= 0x39)
}

/** Where the reference to an invisible character begins that ends with the semicolon at an offset, or -1. */
function referenceStart(bytes: Bytes, semicolon: number, earliest: number): number {
  const first = Math.max(earliest, semicolon - maxReferenceBytes)
  for (let at = semicolon - 1; at >= first; at -= 1) {
    if (bytes[at] !== AMPERSAND && bytes[at] !== BACKSLASH) continue
    const token = readToken(bytes, at, semicolon + 1, looseAlphabet.kinds)
    if (kindOf(token) === INVISIBLE && at + widthOf(token) === semicolon + 1) return at
  }
  return -1
}

/** `\u0026amp;amp;amp;ZeroWidthSpace` */
const maxReferenceBytes = 40
const BACKSLASH = 0x5c
const AMPERSAND = 0x26
const SEMICOLON = 0x3b
const LOWER_U = 0x75
