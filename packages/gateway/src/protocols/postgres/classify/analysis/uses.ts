import { type End, holding, type Lineage } from './lineage.ts'

/** Parts of the graph that are looked at; a statement of everyday size has some dozens. */
const MAX_STEPS = 100_000

/**
 * What a statement does with values, collected while it is read and settled at its end.
 *
 * Comparing for equality tells whether a column holds one of the values that a statement spells out or that lie in a table. What the
 * statement can make (`generate_series`, digits put together) runs through all card numbers instead, so what is compared with that counts as computed. Order
 * tells more: where a column is sorted among values of other origin, its place among them gives its digits away, one after the other.
 */
export class Uses {
  readonly #computed: Lineage[] = []
  readonly #compared: (readonly [Lineage, Lineage])[] = []
  readonly #ordered: Lineage[] = []
  readonly #given: Given[] = []
  #isMerging = false
  #steps = 0

  /** Values that go into an expression, or where nobody looks for them. */
  compute(...values: readonly Lineage[]): void {
    for (const value of values) if (!isFree(value)) this.#computed.push(value)
  }

  /** Two values that are told apart. */
  compare(left: Lineage, right: Lineage): void {
    if (left.kind === 'constant' || right.kind === 'constant') return
    if (this.#isMerging) this.order(holding([left, right]))
    else if (left.kind !== 'origin' || right.kind !== 'origin') this.#compared.push([left, right])
  }

  /**
   * Reads the condition of a FULL JOIN. PostgreSQL may sort both sides and merge them, and what has no match on the other side still comes
   * out in its place.
   */
  merge(read: () => void): void {
    const before = this.#isMerging
    this.#isMerging = true
    read()
    this.#isMerging = before
  }

  /** A value that rows are sorted by, or grouped, for which they may be sorted. */
  order(value: Lineage): void {
    if (value.kind === 'choice') this.#ordered.push(value)
  }

  /** A value that the client is given, in a result column of this name. */
  give(value: Lineage, label: string | undefined): void {
    if (value.kind === 'choice') this.#given.push({ value, label: label?.toLowerCase() })
  }

  /** Notes each use at its column. Returns false when the graph is too large: then any column may be used in any way. */
  settle(): boolean {
    for (const [left, right] of this.#compared) {
      if (this.#isMade(left)) this.#computed.push(right)
      if (this.#isMade(right)) this.#computed.push(left)
    }
    for (const value of this.#ordered) if (isMixed(this.#ends([value]))) this.#computed.push(value)
    for (const end of this.#ends(this.#computed)) if (end.kind === 'origin') end.note('computed', end.name)
    for (const given of this.#given) this.#settleGiven(given)
    return this.#steps <= MAX_STEPS
  }

  #isMade(value: Lineage): boolean {
    return this.#ends([value]).some(({ kind }) => kind === 'made')
  }

  /** The ends that values can be followed to. */
  #ends(values: readonly Lineage[]): readonly End[] {
    return [...this.#reached(values)].filter((value) => value.kind !== 'choice')
  }

  /** All that values may be. Not recursive: a chain of CTEs can be longer than the stack. */
  #reached(values: readonly Lineage[], passes: (value: Lineage) => boolean = () => true): ReadonlySet<Lineage> {
    const reached = new Set(values)
    for (const value of reached) {
      if (this.#steps > MAX_STEPS) break
      if (value.kind !== 'choice' || !passes(value)) continue
      for (const part of value.parts()) {
        this.#steps++
        reached.add(part)
      }
    }
    return reached
  }

  /** Behind the first value that is not traced lies what the result's column does not name, unless its label does. */
  #settleGiven({ value, label }: Given): void {
    const traced = this.#reached([value], (part) => part.kind === 'choice' && part.isTraced)
    const untraced = [...traced].filter((part) => part.kind === 'choice' && !part.isTraced)
    for (const end of this.#ends(untraced)) {
      if (end.kind !== 'origin' || (label !== undefined && end.name?.toLowerCase() === label)) continue
      end.note('unnamed', end.name)
    }
  }
}

interface Given {
  readonly value: Lineage
  readonly label: string | undefined
}

/** Whether nothing of a table is in a value. */
function isFree({ kind }: Lineage): boolean {
  return kind === 'constant' || kind === 'made'
}

/** Whether values of more than one column are among these; an ambiguous name is the same column, of one table or another. */
function isMixed(ends: readonly End[]): boolean {
  const origins = ends.filter((end) => end.kind === 'origin')
  if (origins.length < ends.length) return true
  const [first] = origins
  return origins.length > 1 && origins.some(({ name }) => name === undefined || name !== first?.name)
}
