import type { DigitChain } from './chain.ts'
import { maxPanDigits } from './iin.ts'

/** What was found: the bytes from the first digit to the last, separators included. */
export interface Finding {
  readonly start: number
  readonly end: number
  /** `pan`: a card number; `sad`: sensitive authentication data, a track. */
  readonly kind: 'pan' | 'sad'
  readonly brand: string
  /** Digits at its end that may stay: 4; 0 for the first part of a finding that is too long to be told in one. */
  readonly keep: number
}

/** Takes a finding; the object is the detector's own and is rewritten after the call. */
export type OnFinding = (finding: Finding) => void

const ring = 128
const mask = ring - 1
/** Digits of the longest finding told in one. With the digits behind it that are still open it must fit the ring. */
const maxClusterDigits = 64
/** A digit this far behind the latest is in no number that is yet to be found, nor is the next one. */
const settledBehind = maxPanDigits + 1

/**
 * Joins numbers that overlap. Where several stretches of one chain are card numbers, which one is meant cannot be known: showing the last
 * four digits of each would show too much, so the union is one finding with one last four.
 */
export class Clusters {
  readonly #chain: DigitChain
  readonly #onFinding: OnFinding
  /** Whether a digit and the next are in the same number. */
  readonly #linked = new Uint8Array(ring)
  /** Length of the longest number that ends with this digit, and its brand. */
  readonly #lengths = new Uint8Array(ring)
  readonly #brands: string[] = Array.from({ length: ring }, () => '')
  /** Digits before this one are settled. */
  #settled = 0
  /** The first digit of the finding that is open, or -1. */
  #open = -1
  #longest = 0
  readonly #finding: { -readonly [Key in keyof Finding]: Finding[Key] } = {
    start: 0,
    end: 0,
    kind: 'pan',
    brand: '',
    keep: 4,
  }

  constructor(chain: DigitChain, onFinding: OnFinding) {
    this.#chain = chain
    this.#onFinding = onFinding
  }

  clear(): void {
    this.#settled = 0
    this.#open = -1
  }

  /** Makes room for the digit that comes next. */
  enter(): void {
    const digit = this.#chain.count
    this.#linked[digit & mask] = 0
    this.#lengths[digit & mask] = 0
    if (digit >= settledBehind) this.#settle(digit - settledBehind + 1)
  }

  /** Notes that digits `from` to `to` (not included) are a card number. */
  add(from: number, to: number, brand: string): void {
    for (let digit = from; digit < to - 1; digit += 1) this.#linked[digit & mask] = 1
    const last = (to - 1) & mask
    if (to - from < (this.#lengths[last] ?? 0)) return
    this.#lengths[last] = to - from
    this.#brands[last] = brand
  }

  /** Tells what is open at the end of a chain. */
  close(): void {
    this.#settle(this.#chain.count)
  }

  /** Tells what is open at the end of a chain whose last number goes on as a track, from its sentinel to its end. */
  closeAsTrack(from: number, start: number, end: number): void {
    this.#settle(from)
    const finding = this.#finding
    finding.start = this.#open < 0 ? start : Math.min(start, this.#chain.startOf(this.#open))
    finding.end = end
    finding.kind = 'sad'
    finding.brand = this.#brands[(this.#chain.count - 1) & mask] ?? ''
    finding.keep = 0
    this.#onFinding(finding)
  }

  /** The earliest digit that may still have to be replaced. */
  earliestOpen(): number {
    return this.#open < 0 ? this.#settled : this.#open
  }

  #settle(before: number): void {
    for (; this.#settled < before; this.#settled += 1) this.#settleDigit(this.#settled)
  }

  #settleDigit(digit: number): void {
    const linked = this.#linked[digit & mask] === 1
    if (this.#open < 0) {
      if (!linked) return
      this.#open = digit
      this.#longest = 0
    }
    const length = this.#lengths[digit & mask] ?? 0
    if (length > this.#longest) {
      this.#longest = length
      this.#finding.brand = this.#brands[digit & mask] ?? ''
    }
    if (!linked) {
      this.#tell(digit, 4)
      this.#open = -1
    } else if (digit - this.#open + 1 === maxClusterDigits) {
      this.#tell(digit, 0)
      this.#open = digit + 1
    }
  }

  #tell(last: number, keep: number): void {
    const finding = this.#finding
    finding.start = this.#chain.startOf(this.#open)
    finding.end = this.#chain.endOf(last)
    finding.kind = 'pan'
    finding.keep = keep
    this.#onFinding(finding)
  }
}
