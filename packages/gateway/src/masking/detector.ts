import type { Bytes } from '#base'
import {
  type Alphabet,
  BREAK,
  DIGIT,
  INVISIBLE,
  LINE,
  LIST,
  looseAlphabet,
  MARK,
  PLAIN,
  strictAlphabet,
} from './alphabet.ts'
import { ADJACENT, afterPercent, DigitChain, LISTED, MARKED, PARTED, PARTED_WIDE } from './chain.ts'
import { Clusters, type OnFinding } from './clusters.ts'
import { type IinIndex, maxPanDigits, minPanDigits } from './iin.ts'
import { maxLookBytes } from './lookalikes.ts'
import { LooseRules, maxInvisibleGap } from './loose.ts'
import { isBlank, maxTagBytes } from './markup.ts'
import { StrictRules } from './strict.ts'
import { SuspectFinder } from './suspect.ts'
import { kindOf, valueOf, widthOf } from './token.ts'
import { readToken } from './tokens.ts'
import { mayBeTrack, trackEnd, trackStart } from './tracks.ts'

/** `strict`: for results, where a false alarm destroys a value; `loose`: for what is recorded, logged and said. */
export type DetectorMode = 'strict' | 'loose'

/** Visible characters between two digits: as people write them, in a list, and where a program put the number together. */
const maxPlainGap = 2
const maxListGap = 3
const maxWideGap = 16

/**
 * Tags and asterisks between two digits. A number that was replaced has at least eight asterisks for its eight digits: what stands before it is
 * never read together with what was left of it.
 */
const maxMarks = 7
/** Bytes between two digits, where there is markup. */
const maxMarkedGap = 512
/** Blanks before a tag; HTML shows them as one. */
const maxBlanks = 64

/** Bytes after a position that may be read to decide about it; while more may follow, a caller keeps so many unread. */
export const lookAhead: number = Math.max(maxLookBytes, maxTagBytes + maxBlanks)

/**
 * Finds card numbers and tracks in UTF-8 bytes, in linear time and without allocating. One instance serves one text at a time.
 *
 * Digits (of any script, escaped or not) and separators form chains; which stretches of a chain are looked at is the mode's rule; each
 * must have a known issuer's prefix and length and pass Luhn's check. Findings come in order and do not overlap. The callback may replace
 * the finding's bytes in place.
 */
export class CardDetector {
  readonly #iins: IinIndex
  readonly #alphabet: Alphabet
  readonly #chain = new DigitChain()
  readonly #clusters: Clusters
  readonly #suspects: SuspectFinder
  readonly #strict: StrictRules | undefined
  readonly #loose: LooseRules | undefined
  /** The text at hand; emptied after use, so that nothing is kept alive. */
  readonly #window: { bytes: Bytes; origin: number; to: number } = { bytes: nothing, origin: 0, to: 0 }
  #gapKind = BREAK
  #gapVisible = 0
  #gapInvisible = 0
  #gapMarks = 0

  constructor(iins: IinIndex, mode: DetectorMode, onFinding: OnFinding) {
    this.#iins = iins
    this.#alphabet = mode === 'strict' ? strictAlphabet : looseAlphabet
    this.#clusters = new Clusters(this.#chain, onFinding)
    this.#suspects = new SuspectFinder(this.#alphabet)
    if (mode === 'strict') this.#strict = new StrictRules(iins, this.#chain, this.#clusters)
    else this.#loose = new LooseRules(iins, this.#chain, this.#clusters)
  }

  /** Scans the whole text between two offsets. */
  scan(bytes: Bytes, from: number, to: number): void {
    this.begin(from)
    this.advance(bytes, from, to, to)
  }

  /** Begins a text at an offset. */
  begin(origin: number): void {
    this.#clear()
    this.#suspects.reset()
    this.#window.origin = origin
  }

  /**
   * Reads on from `at`, where the last call stopped, to `limit`. When `limit` is `to`, the text ends there; else at least
   * {@link lookAhead} bytes lie between them, and the caller goes on from the offset returned once it has more.
   */
  advance(bytes: Bytes, at: number, limit: number, to: number): number {
    this.#window.bytes = bytes
    this.#window.to = to
    const last = limit === to
    const { kinds } = this.#alphabet
    const suspects = this.#suspects
    let position = at
    while (position < limit) {
      if (this.#chain.count === 0 && position >= suspects.until) {
        if (!suspects.find(bytes, position, to, last) || suspects.from >= limit) {
          position = limit
          break
        }
        position = suspects.from
      }
      const byte = bytes[position] ?? 0
      if (byte >= 0x30 && byte <= 0x39) {
        this.#digit(byte - 0x30, position, position + 1)
        position += 1
        continue
      }
      const token = readToken(bytes, position, to, kinds)
      const kind = kindOf(token)
      const next = position + widthOf(token)
      if (kind === DIGIT) {
        const percent = byte === PERCENT ? afterPercent : 0
        this.#digit(valueOf(token) | percent, position, next)
      }
      const resume = kind !== DIGIT && this.#chain.count > 0 ? this.#separator(kind, position, next) : position
      position = Math.max(resume, next)
    }
    if (last && this.#chain.count > 0) this.#closeChain(to)
    this.#window.bytes = nothing
    return position
  }

  /** The first byte at or before `at` that a finding yet to come may replace. */
  heldFrom(at: number): number {
    return this.#chain.count === 0 ? at : this.#chain.startOf(this.#clusters.earliestOpen())
  }

  /** Moves what is remembered along with bytes that were moved by the caller. */
  shift(by: number): void {
    this.#window.origin = Math.max(0, this.#window.origin + by)
    this.#chain.shift(by)
    this.#suspects.shift(by)
  }

  #digit(value: number, start: number, end: number): void {
    const chain = this.#chain
    const gap = this.#gap()
    if (chain.count > 0 && gap !== ADJACENT) this.#closeGroup(gap)
    this.#clusters.enter()
    chain.push(value, start, end, gap)
    this.#loose?.closeDigit()
    this.#clearGap()
  }

  /** What the gap before the digit at hand is. */
  #gap(): number {
    if (this.#gapKind === BREAK) return this.#gapMarks === 0 ? ADJACENT : MARKED
    if (this.#gapKind >= LIST) return LISTED
    if (this.#gapKind === PLAIN && this.#gapVisible <= maxPlainGap) return PARTED
    return PARTED_WIDE
  }

  /** Takes what is no digit after digits; returns where to go on when that is not the next token. */
  #separator(kind: number, position: number, next: number): number {
    if (kind === BREAK) return this.#closeChain(position)
    if (kind === INVISIBLE) {
      this.#gapInvisible += 1
      return this.#gapInvisible > maxInvisibleGap ? this.#closeChain(position) : position
    }
    if (kind >= MARK) return this.#markup(kind, position, next)
    const isBlankSign = isBlank(this.#window.bytes[position] ?? 0)
    if (isBlankSign && this.#gapMarks > 0) return this.#widen(PLAIN, position, next)
    if (isBlankSign && this.#gapVisible === this.#maxGap()) {
      const tag = this.#tagAfterBlanks(position)
      return tag < 0 ? this.#closeChain(position) : tag
    }
    this.#gapVisible += 1
    const twoItems = kind === LIST && this.#gapKind === LIST
    this.#gapKind = Math.max(this.#gapKind, kind)
    return this.#gapVisible > this.#maxGap() || (twoItems && this.#strict !== undefined)
      ? this.#closeChain(position)
      : position
  }

  /** Takes a tag, or asterisks, between two digits. */
  #markup(kind: number, position: number, next: number): number {
    this.#gapMarks += this.#window.bytes[position] === STAR ? next - position : 1
    if (this.#gapMarks > maxMarks) return this.#closeChain(position)
    return this.#widen(kind === MARK ? BREAK : kind === LINE ? PLAIN : kind, position, next)
  }

  /** Takes what is not counted, as there is markup: the gap must not be too long. */
  #widen(kind: number, position: number, next: number): number {
    this.#gapKind = Math.max(this.#gapKind, kind)
    return next - this.#chain.endOf(this.#chain.count - 1) > maxMarkedGap ? this.#closeChain(position) : position
  }

  /** The tag that more blanks than may part a number lead to, or -1. */
  #tagAfterBlanks(position: number): number {
    const { bytes, to } = this.#window
    const most = Math.min(to, position + maxBlanks)
    let at = position
    while (at < most && isBlank(bytes[at] ?? 0)) at += 1
    return at < to && bytes[at] === LESS ? at : -1
  }

  #maxGap(): number {
    if (this.#loose !== undefined) return maxWideGap
    return this.#gapKind === LIST ? maxListGap : maxPlainGap
  }

  #closeGroup(gap: number): void {
    this.#strict?.closeGroup(this.#window, gap, this.#gapMarks > 0)
    this.#loose?.closeGroup(this.#window)
  }

  /** Ends the chain before `position`; returns where to go on, which is after the track when there is one. */
  #closeChain(position: number): number {
    this.#clearGap()
    this.#closeGroup(ADJACENT)
    this.#strict?.closeChain(this.#window)
    const end = this.#closeTrack()
    if (end < 0) this.#clusters.close()
    this.#clear()
    return Math.max(position, end)
  }

  /** Tells a track when the chain's last number begins one; returns its end, or -1. */
  #closeTrack(): number {
    const { bytes, origin, to } = this.#window
    const chain = this.#chain
    const end = chain.endOf(chain.count - 1)
    if (!mayBeTrack(bytes, end, to)) return -1
    // The longest first: the sentinel, if there is one, stands before it.
    for (let from = this.#trackFrom(); from <= chain.count - minPanDigits; from += 1) {
      if (this.#strict !== undefined && chain.gapBefore(from) === ADJACENT) continue
      const start = trackStart(bytes, chain.startOf(from), origin)
      const trackTo = trackEnd(bytes, end, to, start < chain.startOf(from))
      const brand = trackTo < 0 ? undefined : chain.brand(from, chain.count, this.#iins)
      if (brand === undefined) continue
      this.#clusters.add(from, chain.count, brand)
      this.#clusters.closeAsTrack(from, start, trackTo)
      return trackTo
    }
    return -1
  }

  /** The earliest digit that a number before a track may begin with: nothing more than plain separators lies after it. */
  #trackFrom(): number {
    const chain = this.#chain
    const earliest = Math.max(0, chain.count - maxPanDigits)
    let from = chain.count - 1
    while (from > earliest && chain.gapBefore(from) <= PARTED) from -= 1
    return from
  }

  #clear(): void {
    this.#chain.clear()
    this.#clusters.clear()
    this.#strict?.clear()
    this.#loose?.clear()
    this.#clearGap()
  }

  #clearGap(): void {
    this.#gapKind = BREAK
    this.#gapVisible = 0
    this.#gapInvisible = 0
    this.#gapMarks = 0
  }
}

const PERCENT = 0x25
const STAR = 0x2a
const LESS = 0x3c
const nothing = new Uint8Array(0)
