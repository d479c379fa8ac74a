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
  readonly #parts = new Map<Lineage, readonly Lineage[]>()
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
    for (const value of this.#ordered) if (this.#isMixed(value)) this.#computed.push(value)
    for (const end of this.#ends(this.#computed)) if (end.kind === 'origin') end.note('computed', end.name)
    for (const given of this.#given) this.#settleGiven(given)
    return this.#steps <= MAX_STEPS
  }

  #isMade(value: Lineage): boolean {
    return this.#ends([value]).some(({ kind }) => kind === 'made')
  }

  /**
   * Whether rows may hold values of more than one column here. A name that may mean several columns means one of them in all rows, so each
   * meaning is looked at by itself, as long as nothing else stands beside it.
   */
  #isMixed(value: Lineage): boolean {
    const meanings = new Set([value])
    for (const meaning of meanings) {
      const isCertain = (part: Lineage): boolean => !this.#isAmbiguous(part)
      const held = [...this.#reached([meaning], isCertain)].filter(
        (part) => part.kind !== 'choice' || this.#isAmbiguous(part),
      )
      if (!this.#areSame(held) && !this.#areSame(this.#ends(held))) return true
      for (const part of held) for (const one of this.#partsOf(part)) meanings.add(one)
    }
    return false
  }

  /** Whether it is a name that may mean several values. */
  #isAmbiguous(value: Lineage): boolean {
    return value.kind === 'choice' && value.isFixed && this.#partsOf(value).length > 1
  }

  /** Whether these are one column or one ambiguous name. */
  #areSame(values: readonly Lineage[]): boolean {
    return new Set(values.map((value) => this.#identity(value))).size <= 1
  }

  /**
   * A column is known by its table and its name, however often it is read; an ambiguous name by the columns that it may mean, in the order in
   * which they are looked up: where that is the same, so is what is found.
   */
  #identity(value: Lineage): unknown {
    const columns = value.kind === 'choice' ? this.#partsOf(value) : [value]
    const known = columns.flatMap((column) =>
      column.kind === 'origin' && column.name !== undefined ? [[column.table, column.name]] : [],
    )
    return known.length === columns.length ? JSON.stringify(known) : value
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
      for (const part of this.#partsOf(value)) reached.add(part)
    }
    return reached
  }

  /** What a value may be, unless that is too much to look at. Asked for once, so that going in a circle is noticed. */
  #partsOf(value: Lineage): readonly Lineage[] {
    if (value.kind !== 'choice' || this.#steps > MAX_STEPS) return []
    const parts = this.#parts.get(value) ?? value.parts()
    this.#parts.set(value, parts)
    this.#steps += parts.length
    return parts
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
