import type { Bytes } from '#base'
import type { MaskVerdict, ResultColumn } from '#model'
import type { Finding } from './clusters.ts'
import { DeclaredReader } from './declared.ts'
import { CardDetector } from './detector.ts'
import type { IinIndex } from './iin.ts'
import { JsonReader } from './json-leaves.ts'
import { MoneyReader } from './money.ts'
import { looksLikeCard, NumberReader } from './numbers.ts'
import type { ValueReader } from './reader.ts'
import { countDigits, keptDigits, truncateDigits } from './truncate.ts'

/** A verdict that ends the result. */
export type Refusal = Extract<MaskVerdict, 'refuse-numeric' | 'refuse-sad'>

/**
 * One reader for each treatment that a column can have, and what they found in the value at hand. They serve one value at a time, which
 * may be of any result.
 */
export class Readers {
  /** Whether something was replaced in the value at hand. */
  masked = false
  /** Why the value at hand must not go out. */
  refusal: Refusal | undefined
  readonly #text: ValueReader
  readonly #json: ValueReader
  readonly #numeric: ValueReader
  readonly #money: ValueReader
  readonly #declaredText: ValueReader
  readonly #declaredJson: ValueReader
  readonly #declaredNumeric: ValueReader
  /** Stands in for a column declared as authentication data: any byte is too much. */
  readonly #declaredSad: ValueReader
  #reader: ValueReader
  #bytes: Bytes = nothing

  constructor(iins: IinIndex) {
    const onNumber = (): void => this.#refuse('refuse-numeric')
    const onMasked = (): void => {
      this.masked = true
    }
    const detector = new CardDetector(iins, 'strict', (finding) => this.#onFinding(finding))
    const tracks = new CardDetector(iins, 'strict', (finding) => {
      if (finding.kind === 'sad') this.#refuse('refuse-sad')
    })
    const likeCard = new NumberReader((bytes, start, end) => looksLikeCard(bytes, start, end, iins), onNumber)
    const longer = new NumberReader((bytes, start, end) => countDigits(bytes, start, end) > keptDigits, onNumber)
    const declared = new DeclaredReader(tracks, onMasked)
    this.#text = detector
    this.#json = new JsonReader(detector, likeCard)
    this.#numeric = likeCard
    this.#money = new MoneyReader(iins, onNumber)
    this.#declaredText = declared
    this.#declaredJson = new JsonReader(declared, longer)
    this.#declaredNumeric = new NumberReader(() => true, onNumber)
    this.#declaredSad = new PresenceReader(() => this.#refuse('refuse-sad'))
    this.#reader = detector
  }

  /** Begins a value of a column at an offset. */
  begin(column: ResultColumn, origin: number): void {
    this.masked = false
    this.refusal = undefined
    this.#reader = this.#readerOf(column)
    this.#reader.begin(origin)
  }

  /** See {@link ValueReader.advance}; the value is done for once there is a {@link refusal}. */
  advance(bytes: Bytes, at: number, limit: number, to: number): number {
    this.#bytes = bytes
    const position = this.#reader.advance(bytes, at, limit, to)
    this.#bytes = nothing
    return position
  }

  /** See {@link ValueReader.heldFrom}. */
  heldFrom(at: number): number {
    return this.#reader.heldFrom(at)
  }

  /** See {@link ValueReader.shift}. */
  shift(by: number): void {
    this.#reader.shift(by)
  }

  #readerOf({ category, declared }: ResultColumn): ValueReader {
    if (declared === 'sad') return this.#declaredSad
    switch (category) {
      case 'text':
      case 'other':
        return declared === 'pan' ? this.#declaredText : this.#text
      case 'json':
        return declared === 'pan' ? this.#declaredJson : this.#json
      case 'numeric':
        return declared === 'pan' ? this.#declaredNumeric : this.#numeric
      case 'money':
        return declared === 'pan' ? this.#declaredNumeric : this.#money
      default:
        return category satisfies never
    }
  }

  #onFinding({ kind, start, end, keep }: Finding): void {
    if (kind === 'sad') {
      this.#refuse('refuse-sad')
      return
    }
    truncateDigits(this.#bytes, start, end, keep)
    this.masked = true
  }

  #refuse(refusal: Refusal): void {
    if (this.refusal !== 'refuse-sad') this.refusal = refusal
  }
}

/** Reports a value that has any byte. */
class PresenceReader implements ValueReader {
  readonly #onPresent: () => void

  constructor(onPresent: () => void) {
    this.#onPresent = onPresent
  }

  begin(): void {}

  advance(_bytes: Bytes, at: number, limit: number, to: number): number {
    if (to > at) this.#onPresent()
    return limit
  }

  heldFrom(at: number): number {
    return at
  }

  shift(): void {}
}

const nothing = new Uint8Array(0)
