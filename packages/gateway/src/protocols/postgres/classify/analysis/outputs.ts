import { holding, type Lineage, referenceTo, wholeRow } from './lineage.ts'
import { opaque, type Relation } from './relation.ts'

/** One output column, or all columns of something whose columns are not known one by one. */
export type Output = { readonly name: string | undefined; readonly value: Lineage } | { readonly all: Relation }

/** More columns of a subquery are not copied to where `*` stands for them: nested in one another they would be without end. */
const MAX_COPIED = 100

/** The output columns of a query, in their order, as an outer one can name them. */
export class Outputs implements Relation {
  readonly #items: Output[] = []
  readonly #byName = new Map<string, Lineage[]>()
  /** What may have any name: columns without one that is known, and tables behind `*`. */
  readonly #open: Output[] = []
  readonly #references = new Map<string, Lineage>()
  #hasStar = false

  get items(): readonly Output[] {
    return this.#items
  }

  /** Whether columns are among them that are not known one by one. */
  get hasStar(): boolean {
    return this.#hasStar
  }

  /** Its columns, those behind `*` in one. */
  given(): readonly { readonly name: string | undefined; readonly value: Lineage }[] {
    return this.#items.map((item) => ('all' in item ? { name: undefined, value: item.all.row() } : item))
  }

  /** Adds one column; without a name where PostgreSQL chooses one. */
  add(name: string | undefined, value: Lineage): void {
    const item = { name, value }
    this.#items.push(item)
    if (name === undefined) this.#open.push(item)
    else {
      const others = this.#byName.get(name)
      if (others === undefined) this.#byName.set(name, [value])
      else others.push(value)
    }
  }

  /** Adds all columns of a relation, for `*`. */
  addAll(relation: Relation): void {
    if (relation instanceof Outputs && !relation.hasStar && relation.items.length <= MAX_COPIED) {
      for (const item of relation.items)
        if ('value' in item)
          this.add(
            item.name,
            referenceTo(() => [item.value]),
          )
      return
    }
    const item = { all: relation }
    this.#items.push(item)
    this.#open.push(item)
    this.#hasStar = true
  }

  has(name: string): boolean | undefined {
    return this.#byName.has(name) ? true : this.#open.length > 0 ? undefined : false
  }

  column(name: string): Lineage {
    const known = this.#references.get(name) ?? referenceTo(() => this.#named(name))
    this.#references.set(name, known)
    return known
  }

  #named(name: string): readonly Lineage[] {
    const open = this.#open.map((item) => ('all' in item ? item.all.column(name) : item.value))
    const found = [...(this.#byName.get(name) ?? []), ...open]
    // PostgreSQL may read it as a function of the whole row.
    return found.length > 0 ? found : [this.row()]
  }

  /** What the column at a place may be, counted from 1 as ORDER BY does. */
  at(place: number): Lineage {
    const item = this.#hasStar ? undefined : this.#items[place - 1]
    return item !== undefined && 'value' in item ? item.value : this.row()
  }

  row(): Lineage {
    return wholeRow(() => this.#items.map((item) => ('all' in item ? item.all.row() : item.value)))
  }

  /** Under UNION and its like: names of the left side, values of both. */
  with(other: Outputs): Outputs {
    const both = new Outputs()
    if (this.#hasStar || other.hasStar || this.#items.length !== other.items.length) {
      both.addAll(opaque(holding([this.row(), other.row()])))
      return both
    }
    for (const [index, item] of this.#items.entries()) {
      if ('value' in item) both.add(item.name, holding([item.value, other.at(index + 1)]))
    }
    return both
  }
}

/** The same columns with other names for the first of them: `AS alias (name, …)`. */
export function renamed(relation: Relation, names: readonly string[]): Relation {
  if (names.length === 0) return relation
  // Which columns get which names is not known.
  if (!(relation instanceof Outputs) || relation.hasStar) return opaque(holding([relation.row()]))
  const outputs = new Outputs()
  for (const [index, item] of relation.items.entries()) {
    if ('value' in item) outputs.add(names[index] ?? item.name, item.value)
  }
  return outputs
}

/** VALUES: `column1`, `column2` and so on. */
export function valuesOutputs(rows: readonly (readonly Lineage[])[]): Outputs {
  const outputs = new Outputs()
  const width = rows.reduce((widest, row) => Math.max(widest, row.length), 0)
  for (let index = 0; index < width; index++) {
    const values = new Set(rows.flatMap((row) => row[index] ?? []))
    outputs.add(`column${String(index + 1)}`, holding([...values]))
  }
  return outputs
}
