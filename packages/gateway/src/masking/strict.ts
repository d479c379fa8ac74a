import type { Bytes } from '#base'
import { type DigitChain, LISTED, MARKED, PARTED } from './chain.ts'
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
  /** First digit since the last markup. */
  #part = 0

  constructor(iins: IinIndex, chain: DigitChain, clusters: Clusters) {
    this.#iins = iins
    this.#chain = chain
    this.#clusters = clusters
  }

  clear(): void {
    this.#item = 0
    this.#part = 0
  }

  /**
   * Looks at what ends with the latest digit, which ends its group; `gap` says what follows, and `marked` whether there is markup in that. What
   * stands between two marks is looked at as if there were nothing else, and then what goes on over them.
   */
  closeGroup(window: Window, gap: number, marked: boolean): void {
    const chain = this.#chain
    const end = chain.count
    let from = chain.groupStart(0)
    if (end - from >= minPanDigits) {
      if (!isFraction(window.bytes, chain.startOf(from), end - from, window.origin)) this.#try(window, from, end)
    } else {
      let code = end - from
      let scale = 1
      for (let back = 1; back < maxLayoutGroups && back < chain.groups; back += 1) {
        if (chain.gapBefore(from) > PARTED) break
        const before = chain.groupStart(back)
        if (end - before > maxPanDigits) break
        scale *= 32
        code += scale * (from - before)
        from = before
        const decimal = back === 1 && this.#isDecimal(window, chain.groupStart(0), from)
        if (isLayout(code) && !decimal) this.#try(window, from, end)
      }
    }
    if (this.#part > 0 && gap !== MARKED) this.#tryShown(window)
    if (gap === LISTED || marked) this.#tryWhole(window, Math.max(this.#part, this.#item))
    if (gap === LISTED) this.#closeItem(window)
    if (marked) this.#closePart(window)
  }

  /** Looks at the chain as a whole; its last group is closed. */
  closeChain(window: Window): void {
    this.#tryWhole(window, Math.max(this.#part, this.#item))
    this.#closeItem(window)
    this.#tryList(window, 0)
    if (this.#part > 0) this.#tryList(window, this.#part)
  }

  /** As for groups, for those that are seen: markup alone parts nothing. */
  #tryShown(window: Window): void {
    const chain = this.#chain
    const end = chain.count
    let last = end
    let code = 0
    let scale = 1
    for (let back = 0, shown = 0; back < chain.groups && shown < maxLayoutGroups; back += 1) {
      const from = chain.groupStart(back)
      if (end - from > maxPanDigits) return
      const gap = chain.gapBefore(from)
      if (gap === MARKED) continue
      shown += 1
      code += scale * (last - from)
      scale *= 32
      const isCardLike =
        shown === 1
          ? end - from >= minPanDigits && !isFraction(window.bytes, chain.startOf(from), end - from, window.origin)
          : isLayout(code) && !(shown === 2 && this.#isDecimal(window, last, from))
      if (isCardLike) this.#try(window, from, end)
      if (gap !== PARTED) return
      last = from
    }
  }

  /** Looks at an item over the marks in it. */
  #closeItem(window: Window): void {
    if (this.#part > this.#item) this.#tryWhole(window, this.#item)
    this.#item = this.#chain.count
  }

  #closePart(window: Window): void {
    this.#tryList(window, this.#part)
    this.#part = this.#chain.count
  }

  #tryWhole(window: Window, from: number): void {
    const { count } = this.#chain
    const digits = count - from
    if (digits >= minPanDigits && digits <= maxPanDigits && this.#isWrittenAsCard(window, from)) {
      this.#try(window, from, count)
    }
  }

  /** Whether the item's groups may be those of one number: not decimal numbers, not dotted quads. */
  #isWrittenAsCard(window: Window, item: number): boolean {
    const chain = this.#chain
    let shown = 0
    let to = chain.count
    let size = 0
    let longest = 0
    let uneven = false
    for (let back = 0, from = to; from > item; back += 1) {
      from = chain.groupStart(back)
      if (from > item && chain.gapBefore(from) === MARKED) continue
      // The last group may be shorter than the others, and, where thousands are parted, the first.
      if (shown > 1 && (to - from > size || (to - from < size && from > item))) uneven = true
      shown += 1
      size = to - from
      longest = Math.max(longest, size)
      if (from > item) to = from
    }
    if (shown === 1 || (shown === 2 && this.#isDecimal(window, to, item))) return false
    return (longest > 3 || !uneven) && !this.#isDecimals(window, item)
  }

  /** Whether the item is several numbers of which two or more have a fraction, and none has two points: coordinates, prices. */
  #isDecimals({ bytes }: Window, item: number): boolean {
    const chain = this.#chain
    let decimals = 0
    let points = 0
    for (let back = 0, from = chain.groupStart(0); from > item && points < 2; from = chain.groupStart(back)) {
      const point = chain.endOf(from - 1)
      if (chain.startOf(from) === point + 1 && bytes[point] === POINT) {
        points += 1
        decimals += 1
      } else if (chain.gapBefore(from) !== MARKED) points = 0
      back += 1
    }
    return decimals > 1 && points < 2
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

  /** Four items of a list that is nothing else; it begins with digit `first`. */
  #tryList(window: Window, first: number): void {
    const chain = this.#chain
    if (chain.count - first > maxPanDigits) return
    let code = 0
    let last = chain.count
    let scale = 1
    for (let back = 0; last > first; back += 1) {
      const from = chain.groupStart(back)
      if (back === maxLayoutGroups || (from > first && chain.gapBefore(from) !== LISTED)) return
      code += scale * (last - from)
      scale *= 32
      last = from
    }
    if (isListLayout(code)) this.#try(window, first, chain.count)
  }

  #try(window: Window, from: number, to: number): void {
    const chain = this.#chain
    const brand = chain.brand(from, to, this.#iins)
    if (brand === undefined) return
    if (isLookalike(window.bytes, chain.startOf(from), chain.endOf(to - 1), window.origin, window.to)) return
    this.#clusters.add(from, to, brand)
  }
}
