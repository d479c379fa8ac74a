import { GatewayError } from '#model'
import { iinTable, type IinRow } from './iin-table.ts'

/** Fewest digits of a card number (Maestro). */
export const minPanDigits = 12
/** Most digits of a card number, ISO/IEC 7812-1. */
export const maxPanDigits = 19

/** Digits of the longest prefix that is looked at, ISO/IEC 7812-1:2017. */
const iinDigits = 8
const iinSpace = 10 ** iinDigits
const lengthCount = maxPanDigits - minPanDigits + 1

interface PrefixRange {
  readonly brand: number
  /** First number of the range, in eight digits. */
  readonly first: number
  /** First number after the range. */
  readonly after: number
  readonly lengths: readonly number[]
}

/** Answers, for the first eight digits and a length, which brand such a number belongs to. */
export class IinIndex {
  /** Bit `length` is set where some brand has numbers of that length under these first four digits. */
  readonly #lengthsByFirstFour: Uint32Array
  /** Where the segments of the eight-digit space begin, ascending; within a segment every answer is the same. */
  readonly #segments: Uint32Array
  /** Brand number per segment and length; 0 is none. */
  readonly #brandOf: Uint8Array
  readonly #brands: readonly string[]

  /** Use {@link compileIins}. */
  constructor(brands: readonly string[], ranges: readonly PrefixRange[]) {
    this.#brands = brands
    const edges = new Set([0, ...ranges.flatMap(({ first, after }) => [first, after])])
    this.#segments = Uint32Array.from(edges).filter((edge) => edge < iinSpace)
    this.#segments.sort()
    this.#brandOf = new Uint8Array(this.#segments.length * lengthCount)
    this.#lengthsByFirstFour = new Uint32Array(10_000)
    // The widest first, so that the narrowest has the last word.
    const ordered = ranges.toSorted((a, b) => b.after - b.first - (a.after - a.first))
    for (const range of ordered) this.#enter(range)
  }

  /** Whether a number of this length may begin with these four digits: a first sieve, never a false no. */
  mayBe(firstFour: number, length: number): boolean {
    return (((this.#lengthsByFirstFour[firstFour] ?? 0) >>> length) & 1) === 1
  }

  /** The brand of a number, from its first eight digits and its length; undefined when no brand has such numbers. */
  brand(firstEight: number, length: number): string | undefined {
    if (length < minPanDigits || length > maxPanDigits) return undefined
    let low = 0
    let high = this.#segments.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((this.#segments[middle] ?? 0) <= firstEight) low = middle
      else high = middle
    }
    return this.#brands[(this.#brandOf[low * lengthCount + length - minPanDigits] ?? 0) - 1]
  }

  #enter(range: PrefixRange): void {
    for (let segment = 0; segment < this.#segments.length; segment += 1) {
      const begin = this.#segments[segment] ?? 0
      if (begin < range.first || begin >= range.after) continue
      for (const length of range.lengths) this.#brandOf[segment * lengthCount + length - minPanDigits] = range.brand + 1
    }
    let lengths = 0
    for (const length of range.lengths) lengths |= 1 << length
    const lastFour = Math.floor((range.after - 1) / 10_000)
    for (let four = Math.floor(range.first / 10_000); four <= lastFour; four += 1) {
      this.#lengthsByFirstFour[four] = (this.#lengthsByFirstFour[four] ?? 0) | lengths
    }
  }
}

/**
 * Compiles issuer ranges into a fast index.
 *
 * @throws {GatewayError} `SP_CONFIG_INVALID` for a prefix that is not 1 to 8 digits or a range of such, or a length outside 12 to 19.
 */
export function compileIins(rows: readonly IinRow[] = iinTable): IinIndex {
  const brands = [...new Set(rows.map((row) => row.brand))]
  if (brands.length > 255) throw new GatewayError('SP_CONFIG_INVALID', 'more than 255 card brands')
  const ranges = rows.flatMap((row) => {
    for (const length of row.lengths) {
      if (Number.isInteger(length) && length >= minPanDigits && length <= maxPanDigits) continue
      throw new GatewayError('SP_CONFIG_INVALID', `card brand ${row.brand}: ${length} digits are not 12 to 19`)
    }
    return row.prefixes.map((prefix) => parsePrefix(row, prefix, brands.indexOf(row.brand)))
  })
  return new IinIndex(brands, ranges)
}

function parsePrefix(row: IinRow, prefix: string, brand: number): PrefixRange {
  const [, low, high] = /^(\d{1,8})(?:-(\d{1,8}))?$/.exec(prefix) ?? []
  if (low === undefined || (high !== undefined && (high.length !== low.length || high < low))) {
    throw new GatewayError('SP_CONFIG_INVALID', `card brand ${row.brand}: ${prefix} is no prefix of 1 to 8 digits`)
  }
  const scale = 10 ** (iinDigits - low.length)
  return { brand, first: Number(low) * scale, after: (Number(high ?? low) + 1) * scale, lengths: row.lengths }
}
