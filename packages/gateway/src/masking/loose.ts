import { type DigitChain, LISTED, PARTED, PARTED_WIDE } from './chain.ts'
import type { Clusters } from './clusters.ts'
import { type IinIndex, maxPanDigits, minPanDigits } from './iin.ts'
import { isListLayout } from './layouts.ts'
import type { Window } from './strict.ts'

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
    const end = this.#chain.count
    if (this.#chain.gapBefore(end - 1) > PARTED) this.#plainFrom = end - 1
    const earliest = Math.max(this.#plainFrom, end - maxPanDigits)
    for (let from = end - minPanDigits; from >= earliest; from -= 1) this.#try(from, end)
  }

  /** Looks at what ends with the latest digit, which ends its group, and has a gap in it that is more than plain. */
  closeGroup(window: Window): void {
    const chain = this.#chain
    const end = chain.count
    const after = chain.endOf(end - 1)
    if (after < window.to && window.bytes[after] === STAR) return
    let widest = chain.gapBefore(chain.groupStart(0))
    let code = end - chain.groupStart(0)
    let scale = 1
    for (let back = 1; back < chain.groups; back += 1) {
      const from = chain.groupStart(back)
      if (end - from > maxPanDigits) break
      scale *= 32
      code += scale * (chain.groupStart(back - 1) - from)
      if (widest === PARTED_WIDE || (widest === LISTED && isListLayout(code))) this.#tryAligned(window, from, end)
      widest = Math.max(widest, chain.gapBefore(from))
    }
  }

  /** A group whose beginning was replaced does not begin where it seems to: what is scrubbed once must stay as it is. */
  #tryAligned(window: Window, from: number, to: number): void {
    const start = this.#chain.startOf(from)
    if (start === window.origin || window.bytes[start - 1] !== STAR) this.#try(from, to)
  }

  #try(from: number, to: number): void {
    const brand = this.#chain.brand(from, to, this.#iins)
    if (brand !== undefined) this.#clusters.add(from, to, brand)
  }
}
