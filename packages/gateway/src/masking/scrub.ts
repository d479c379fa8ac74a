import { type Bytes, fromUtf8, toUtf8 } from '#base'
import type { Scrubber } from '#model'
import type { Finding } from './clusters.ts'
import { CardDetector } from './detector.ts'
import { minPanDigits, type IinIndex } from './iin.ts'
import { blank, truncateDigits } from './truncate.ts'

/**
 * Replaces card numbers and tracks in whatever is recorded, logged or said: statements with their comments and identifiers, parameters,
 * errors, notices, log lines.
 *
 * It is loose: every stretch of digits that can be a card number is one, also within longer runs and across the quotes of
 * `'4111' || '1111…'`; numbers that are none are replaced too, about one in five of sixteen digits. Byte length is kept. What was
 * scrubbed once stays as it is. Nothing throws: any bytes are text.
 */
export class CardScrubber implements Scrubber {
  readonly #detector: CardDetector
  #bytes: Bytes = nothing
  #found = 0
  /** Whether findings are replaced in a copy, which is made at the first. */
  #copying = false

  constructor(iins: IinIndex) {
    this.#detector = new CardDetector(iins, 'loose', (finding) => this.#replace(finding))
  }

  /** Returns the same bytes when nothing was found, else a copy with the findings replaced. */
  scrub(bytes: Bytes): Bytes {
    this.#copying = true
    this.#run(bytes, 0, bytes.length)
    return this.#take()
  }

  /** Replaces findings between two offsets in place; returns how many there were. */
  scrubInPlace(bytes: Bytes, from: number, to: number): number {
    this.#copying = false
    this.#run(bytes, from, to)
    this.#take()
    return this.#found
  }

  /** Returns the same text when nothing was found; a character of n bytes in UTF-8 becomes n asterisks. */
  scrubText(text: string): string {
    if (text.length < minPanDigits) return text
    const bytes = toUtf8(text)
    return this.scrubInPlace(bytes, 0, bytes.length) === 0 ? text : fromUtf8(bytes)
  }

  #run(bytes: Bytes, from: number, to: number): void {
    this.#bytes = bytes
    this.#found = 0
    this.#detector.scan(bytes, from, to)
  }

  #take(): Bytes {
    const bytes = this.#bytes
    this.#bytes = nothing
    return bytes
  }

  #replace(finding: Finding): void {
    if (this.#copying && this.#found === 0) this.#bytes = this.#bytes.slice()
    this.#found += 1
    if (finding.kind === 'sad') blank(this.#bytes, finding.start, finding.end)
    else truncateDigits(this.#bytes, finding.start, finding.end, finding.keep)
  }
}

const nothing = new Uint8Array(0)
