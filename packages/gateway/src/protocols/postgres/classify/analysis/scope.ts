import type { Columns } from './findings.ts'
import { holding, type Lineage, made, referenceTo, wholeRow } from './lineage.ts'
import { Outputs } from './outputs.ts'
import type { Relation } from './relation.ts'

/**
 * Names in sight. PostgreSQL 18, "SELECT", "WITH Clause": a CTE's name hides tables of the same name, but only where the name stands
 * without a schema, and only within the statement that the WITH belongs to.
 */
export interface CteScope {
  readonly names: ReadonlyMap<string, Relation>
  readonly outer?: CteScope
}

/** The columns of the CTE that an unqualified name means, if it means one. */
export function cteNamed(name: string, scope: CteScope | undefined): Relation | undefined {
  for (let level = scope; level !== undefined; level = level.outer) {
    const found = level.names.get(name)
    if (found !== undefined) return found
  }
  return undefined
}

/** Something that a FROM list or a modifying statement brings into sight. */
export interface Source {
  /** What qualified columns call it. */
  readonly name: string
  /** Its schema, when it is a table without an alias: then `schema.name.column` reaches it too. */
  readonly schema?: string
  /** Takes the columns that are read. */
  readonly columns: Columns
  /** Says what the columns are. */
  readonly relation: Relation
  /** Notes that its rows get locked (FOR UPDATE and its like). */
  readonly lock: () => void
}

/** One query level: what stands in its FROM, and the level around it that its subqueries can see. */
export class Level {
  readonly ctes: CteScope | undefined
  readonly outer: Level | undefined
  /** Names that the SELECT list gives by AS: what GROUP BY may mean instead of a column. */
  readonly aliases: Set<string> = new Set()
  /** What it gives; ORDER BY means an output column of a name rather than a column in sight. */
  outputs: Outputs = new Outputs()
  readonly #sources: Source[] = []
  readonly #byName = new Map<string, Source[]>()
  /** How many sources were there when all their columns were noted. */
  #noted = 0

  constructor(outer: Level | undefined, ctes: CteScope | undefined) {
    this.outer = outer
    this.ctes = ctes
  }

  get sources(): readonly Source[] {
    return this.#sources
  }

  /** Brings sources into sight. */
  add(...sources: readonly Source[]): void {
    this.#sources.push(...sources)
    this.addQualified(...sources)
  }

  /** Brings sources into sight that only qualified names reach: `excluded`, `old`, `new`. */
  addQualified(...sources: readonly Source[]): void {
    for (const source of sources) {
      const others = this.#byName.get(source.name)
      if (others === undefined) this.#byName.set(source.name, [source])
      else others.push(source)
    }
  }

  /** The first source of this name, of the innermost level that has one. */
  source(name: string, schema?: string): Source | undefined {
    for (const level of this.#levels()) {
      const found = level.#byName.get(name)?.find((source) => schema === undefined || source.schema === schema)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** A column without a table's name. Its table is certain only when there is exactly one in sight. */
  column(name: string): Lineage {
    const row = this.source(name)
    const levels = this.#levels().filter((level) => level.#sources.length > 0)
    const [level, ...others] = levels
    const [only, ...more] = level?.sources.slice(0, 2) ?? []
    if (row === undefined && others.length === 0 && more.length === 0) {
      only?.columns.add(name)
      return only?.relation.column(name) ?? made
    }
    // Either several tables may have it, or it is the whole row of the source with that name.
    row?.columns.any()
    this.everything()
    return referenceTo(() => [
      ...(row === undefined ? [] : [holding([row.relation.row()])]),
      ...levels
        .flatMap(({ sources }) => sources)
        .flatMap(({ relation }) => (relation.has(name) === false ? [] : [relation.column(name)])),
    ])
  }

  /** `*`: all columns of this level. */
  star(): void {
    if (this.#noted === this.#sources.length) return
    this.#noted = this.#sources.length
    for (const source of this.#sources) source.columns.any()
  }

  /** Columns of everything in sight may be read, and be what is meant. */
  everything(): Lineage {
    const levels = this.#levels()
    for (const level of levels) level.star()
    return holding([wholeRow(() => levels.flatMap(({ sources }) => sources.map(({ relation }) => relation.row())))])
  }

  /** Innermost first, as names are looked up. */
  #levels(): readonly Level[] {
    const levels: Level[] = [this]
    for (let { outer } = this; outer !== undefined; { outer } = outer) levels.push(outer)
    return levels
  }
}
