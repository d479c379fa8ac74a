import type { Bytes } from '#base'
import { type DigitChain, LISTED, PARTED } from './chain.ts'
import type { Clusters } from './clusters.ts'
import { type IinIndex, maxPanDigits, minPanDigits } from './iin.ts'
import { isListLayout, isLayout, maxLayoutGroups } from './layouts.ts'
import { isDecimal, isFraction, isLookalike } from './lookalikes.ts'

const POINT = 0x2e
const LOWER_E = 0x65

/** The part of the text that may be read around a number: one value. */
export interface Window {
  readonly bytes: Bytes
  readonly origin: number
  readonly to: number
}

/**
 * Which stretches of a chain are looked at in results, where a false alarm destroys a value: a group of digits as a whole,
 * groups in a layout that card numbers have, and a chain as a whole however it is grouped. Never a part of a group.
 */
export class StrictRules {
  readonly #iins: IinIndex
  readonly #chain: DigitChain
  readonly #clusters: Clusters
  /** First digit since the last item of a list. */
  #item = 0
  #listed = false

  constructor(iins: IinIndex, chain: DigitChain, clusters: Clusters) {
    this.#iins = iins
    this.#chain = chain
    this.#clusters = clusters
  }

  clear(): void {
    this.#item = 0
    this.#listed = false
  }

  /** Looks at what ends with the latest digit, which ends its group; `gap` says what follows. */
  closeGroup(window: Window, gap: number): void {
    const chain = this.#chain
    const end = chain.count
    let from = chain.groupStart(0)
    if (end - from >= minPanDigits) {
      if (!isFraction(window.bytes, chain.startOf(from), end - from, window.origin)) this.#try(window, from, end)
    } else {
      let code = end - from
      let scale = 1
      for (let back = 1; back < maxLayoutGroups && back < chain.groups; back += 1) {
        if (chain.gapBefore(from) !== PARTED) break
        const before = chain.groupStart(back)
        if (end - before > maxPanDigits) break
        scale *= 32
        code += scale * (from - before)
        from = before
        const decimal = back === 1 && this.#isDecimal(window, chain.groupStart(0), from)
        if (isLayout(code) && !decimal) this.#try(window, from, end)
      }
    }
    if (gap === LISTED) this.#closeItem(window)
  }

  /** Looks at the chain as a whole; its last group is closed. */
  closeChain(window: Window): void {
    const listed = this.#listed
    this.#closeItem(window)
    if (listed) this.#tryList(window)
  }

  #closeItem(window: Window): void {
    const { count } = this.#chain
    const digits = count - this.#item
    if (digits >= minPanDigits && digits <= maxPanDigits && this.#isWrittenAsCard(window)) {
      this.#try(window, this.#item, count)
    }
    this.#item = count
    this.#listed = true
  }

  /** Whether the item's groups may be those of one number: not a decimal number, not dotted quads. */
  #isWrittenAsCard(window: Window): boolean {
    const chain = this.#chain
    let back = 0
    let to = chain.count
    let size = 0
    let longest = 0
    let uneven = false
    for (; ; back += 1) {
      const from = chain.groupStart(back)
      // The last group may be shorter than the others.
      if (back > 1 && to - from !== size) uneven = true
      size = to - from
      longest = Math.max(longest, size)
      if (from <= this.#item) break
      to = from
    }
    if (back === 0) return false
    if (back === 1 && this.#isDecimal(window, to, this.#item)) return false
    return longest > 3 || !uneven
  }

  /** Whether the last two groups are the parts of a decimal number; with an exponent they are looked at, for a card may be a float. */
  #isDecimal({ bytes, to }: Window, fraction: number, integer: number): boolean {
    const chain = this.#chain
    if (!isDecimal(fraction - integer, chain.count - fraction)) return false
    const point = chain.endOf(fraction - 1)
    const end = chain.endOf(chain.count - 1)
    if (bytes[point] !== POINT || chain.startOf(fraction) !== point + 1) return false
    return end >= to || ((bytes[end] ?? 0) | 0x20) !== LOWER_E
  }

  /** Four items of a list that is nothing else. */
  #tryList(window: Window): void {
    const chain = this.#chain
    if (chain.count > maxPanDigits || chain.groups > maxLayoutGroups) return
    let code = 0
    let last = chain.count
    let scale = 1
    for (let back = 0; back < chain.groups; back += 1) {
      const from = chain.groupStart(back)
      if (from > 0 && chain.gapBefore(from) !== LISTED) return
      code += scale * (last - from)
      scale *= 32
      last = from
    }
    if (isListLayout(code)) this.#try(window, 0, chain.count)
  }

  #try(window: Window, from: number, to: number): void {
    const chain = this.#chain
    const brand = chain.brand(from, to, this.#iins)
    if (brand === undefined) return
    if (isLookalike(window.bytes, chain.startOf(from), chain.endOf(to - 1), window.origin, window.to)) return
    this.#clusters.add(from, to, brand)
  }
}
