import { keyOf } from './findings.ts'
import { type Lineage, type Origin, holding, referenceTo, wholeRow } from './lineage.ts'
import type { TableName } from './walk.ts'

/** Columns with their lineage, as something in FROM has them. */
export interface Relation {
  /** Whether it has a column of this name; undefined where that cannot be told. */
  has(name: string): boolean | undefined
  /** What a column of this name may be; whatever the relation holds when there is none that is known. */
  column(name: string): Lineage
  /** What any of its columns may be. */
  row(): Lineage
}

/** A table: which columns it has is not known here. */
export function tableRelation(name: TableName, note: Origin['note']): Relation {
  const table = keyOf(name)
  return {
    has: () => undefined,
    column: (column) => ({ kind: 'origin', table, name: column, note }),
    row: () => ({ kind: 'origin', table, name: undefined, note }),
  }
}

/** Something whose columns cannot be told apart. */
export function opaque(value: Lineage): Relation {
  return { has: () => undefined, column: () => value, row: () => value }
}

/** Several relations under one name: a join with an alias. */
export function joined(relations: readonly Relation[]): Relation {
  return {
    has: (name) => {
      const answers = relations.map((relation) => relation.has(name))
      return answers.includes(true) ? true : answers.includes(undefined) ? undefined : false
    },
    column: (name) =>
      referenceTo(() =>
        relations.filter((relation) => relation.has(name) !== false).map((relation) => relation.column(name)),
      ),
    row: () => wholeRow(() => relations.map((relation) => relation.row())),
  }
}

/** A side of a join whose columns USING may have merged with another's, all of them where no names are given. */
export function merged(relation: Relation, names?: ReadonlySet<string>): Relation {
  return {
    has: (name) => relation.has(name),
    column: (name) => {
      const value = relation.column(name)
      return names === undefined || names.has(name) ? holding([value]) : value
    },
    // For `*`, which leaves every column its name.
    row: () => relation.row(),
  }
}

/** The columns of a recursive CTE, which is referred to before it has been read. */
export class LateRelation implements Relation {
  #relation: Relation | undefined

  /** Tells what it is. */
  is(relation: Relation): void {
    this.#relation = relation
  }

  has(): undefined {
    return undefined
  }

  column(name: string): Lineage {
    return referenceTo(() => (this.#relation === undefined ? [] : [this.#relation.column(name)]))
  }

  row(): Lineage {
    return wholeRow(() => (this.#relation === undefined ? [] : [this.#relation.row()]))
  }
}
