import type { Bytes } from '#base'
import { DIGIT, declaredAlphabet } from './alphabet.ts'
import type { ValueReader } from './reader.ts'
import { kindOf, widthOf } from './token.ts'
import { readToken } from './tokens.ts'
import { blank, keptDigits } from './truncate.ts'

/** A digit is kept only this close to the end of its value, so that what is held back has a bound. */
const maxTailBytes = 4096

/**
 * Truncates values that are declared to be card numbers: every digit but the last four becomes `*`, whatever the value looks like; where
 * there are no more than four, all do. Another reader goes along to find tracks.
 */
export class DeclaredReader implements ValueReader {
  readonly #tracks: ValueReader
  readonly #onMasked: () => void
  readonly #starts = new Int32Array(keptDigits)
  readonly #ends = new Int32Array(keptDigits)
  /** Digits so far; the last four of them that are not replaced yet. */
  #count = 0
  #kept = 0
  #position = 0
  #tracksPosition = 0

  /** `onMasked` is called at the end of a value in which a digit was replaced. */
  constructor(tracks: ValueReader, onMasked: () => void) {
    this.#tracks = tracks
    this.#onMasked = onMasked
  }

  begin(origin: number): void {
    this.#tracks.begin(origin)
    this.#count = 0
    this.#kept = 0
    this.#position = origin
    this.#tracksPosition = origin
  }

  advance(bytes: Bytes, _at: number, limit: number, to: number): number {
    this.#tracksPosition = this.#tracks.advance(bytes, this.#tracksPosition, limit, to)
    let at = this.#position
    while (at < limit) {
      const token = readToken(bytes, at, to, declaredAlphabet.kinds)
      const next = at + widthOf(token)
      if (kindOf(token) === DIGIT) this.#digit(bytes, at, next)
      at = next
    }
    this.#position = at
    while (this.#kept > 0 && this.#oldest() < at - maxTailBytes) this.#replaceOldest(bytes)
    if (limit === to) this.#finish(bytes)
    return Math.min(at, this.#tracksPosition)
  }

  heldFrom(at: number): number {
    const held = this.#tracks.heldFrom(at)
    return this.#kept === 0 ? held : Math.min(held, this.#oldest())
  }

  shift(by: number): void {
    this.#tracks.shift(by)
    this.#position += by
    this.#tracksPosition += by
    for (let index = 0; index < keptDigits; index += 1) {
      this.#starts[index] = (this.#starts[index] ?? 0) + by
      this.#ends[index] = (this.#ends[index] ?? 0) + by
    }
  }

  #digit(bytes: Bytes, start: number, end: number): void {
    if (this.#kept === keptDigits) this.#replaceOldest(bytes)
    this.#starts[this.#count % keptDigits] = start
    this.#ends[this.#count % keptDigits] = end
    this.#count += 1
    this.#kept += 1
  }

  #finish(bytes: Bytes): void {
    if (this.#count <= keptDigits) while (this.#kept > 0) this.#replaceOldest(bytes)
    if (this.#count > 0) this.#onMasked()
    this.#count = 0
    this.#kept = 0
  }

  #oldest(): number {
    return this.#starts[(this.#count - this.#kept) % keptDigits] ?? 0
  }

  #replaceOldest(bytes: Bytes): void {
    const index = (this.#count - this.#kept) % keptDigits
    blank(bytes, this.#starts[index] ?? 0, this.#ends[index] ?? 0)
    this.#kept -= 1
  }
}
