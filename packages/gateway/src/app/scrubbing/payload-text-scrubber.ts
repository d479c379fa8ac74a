import { type Base64Text, type Bytes, findBase64 } from '#base'
import type { CardMasking } from '#masking'
import type { Scrubber } from '#model'

/** What scrubs text, in a copy or in place. */
type TextScrubber = CardMasking['scrubber']

/** 12 digits are the shortest card number. */
const MIN_DIGITS = 12
const STAR = 0x2a

/**
 * Scrubs payloads as text, and before that what they hold in base64: a file that a tool is given lies in its arguments like this. Byte length is kept.
 */
export class PayloadTextScrubber implements Scrubber {
  readonly #text: TextScrubber

  constructor(text: TextScrubber) {
    this.#text = text
  }

  /** Returns the same bytes when nothing was found, else a copy with the findings replaced. */
  scrub(payload: Bytes): Bytes {
    const findings = this.#findings(findBase64(payload, 0, payload.length))
    if (findings.every((finding) => finding === undefined)) return this.#text.scrub(payload)
    const copy = payload.slice()
    this.#replace(copy, findBase64(copy, 0, copy.length), findings)
    this.#text.scrubInPlace(copy, 0, copy.length)
    return copy
  }

  scrubText(text: string): string {
    return this.#text.scrubText(text)
  }

  /** Replaces findings between two offsets in place. */
  scrubInPlace(bytes: Bytes, from: number, to: number): void {
    const texts = findBase64(bytes, from, to)
    this.#replace(bytes, texts, this.#findings(texts))
    this.#text.scrubInPlace(bytes, from, to)
  }

  /** For each base64 that there is: what it decodes to, scrubbed; undefined when that is the same. */
  #findings(texts: readonly Base64Text[]): readonly (Bytes | undefined)[] {
    return texts.map(({ decoded }) => {
      if (!mayHoldNumber(decoded)) return undefined
      const scrubbed = this.#text.scrub(decoded)
      return scrubbed === decoded ? undefined : scrubbed
    })
  }

  #replace(bytes: Bytes, texts: readonly Base64Text[], findings: readonly (Bytes | undefined)[]): void {
    for (const [index, text] of texts.entries()) {
      const scrubbed = findings[index]
      // What cannot be written back in its place is not kept at all.
      if (scrubbed !== undefined && !text.write(scrubbed)) bytes.fill(STAR, text.start, text.end)
    }
  }
}

/** Whether there is room for a card number: its digits are one byte each, or two or more of other scripts. Most that looks like base64 is none. */
function mayHoldNumber(decoded: Bytes): boolean {
  let halves = 0
  for (const byte of decoded) {
    if (byte >= 0x30 && byte <= 0x39) halves += 2
    else if (byte >= 0x80) halves += 1
  }
  return halves >= 2 * MIN_DIGITS
}
