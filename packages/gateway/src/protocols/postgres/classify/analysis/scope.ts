import { type Columns, noColumns } from './findings.ts'

/**
 * Names in sight. PostgreSQL 18, "SELECT", "WITH Clause": a CTE's name hides tables of the same name, but only where the name stands
 * without a schema, and only within the statement that the WITH belongs to.
 */
export interface CteScope {
  readonly names: ReadonlySet<string>
  readonly outer?: CteScope
}

/** Whether an unqualified name means a CTE. */
export function isCte(name: string, scope: CteScope | undefined): boolean {
  for (let level = scope; level !== undefined; level = level.outer) if (level.names.has(name)) return true
  return false
}

/** Something that a FROM list or a modifying statement brings into sight. */
export interface Source {
  /** What qualified columns call it. */
  readonly name: string
  /** Its schema, when it is a table without an alias: then `schema.name.column` reaches it too. */
  readonly schema?: string
  readonly columns: Columns
  /** Notes that its rows get locked (FOR UPDATE and its like). */
  readonly lock: () => void
}

/** One query level: what stands in its FROM, and the level around it that its subqueries can see. */
export class Level {
  readonly sources: Source[] = []
  /** Sources that only qualified names reach: `excluded`, `old`, `new`. */
  readonly qualifiedOnly: Source[] = []
  readonly ctes: CteScope | undefined
  readonly outer: Level | undefined
  /** Names that the SELECT list gives by AS: what GROUP BY may mean instead of a column. */
  readonly aliases: Set<string> = new Set()
  /** All names of output columns: what ORDER BY means instead of a column. */
  readonly outputs: Set<string> = new Set()

  constructor(outer: Level | undefined, ctes: CteScope | undefined) {
    this.outer = outer
    this.ctes = ctes
  }

  /** A column without a table's name. Its table is certain only when there is exactly one in sight. */
  column(name: string): void {
    const [only, ...others] = this.#unqualified()
    const rows = this.#qualified().filter((source) => source.name === name)
    if (only !== undefined && others.length === 0 && rows.length === 0) {
      only.columns.add(name)
      return
    }
    // Either several tables may have it, or it is the whole row of the source with that name.
    this.everything()
    for (const source of rows) source.columns.any()
  }

  /** A column behind a source's name, and its schema when that is given. Returns what it belongs to. */
  columnOf(qualifier: string, schema: string | undefined): Columns {
    for (const source of this.#qualified()) {
      if (source.name === qualifier && (schema === undefined || source.schema === schema)) return source.columns
    }
    // PostgreSQL reports "missing FROM-clause entry"; should it see more than we do, no column list may be believed.
    this.everything()
    return noColumns
  }

  /** `*`: all columns of this level. */
  star(): void {
    for (const source of this.sources) source.columns.any()
  }

  /** Columns of everything in sight may be read. */
  everything(): void {
    for (const source of this.#unqualified()) source.columns.any()
  }

  #unqualified(): readonly Source[] {
    return this.#levels().flatMap((level) => level.sources)
  }

  #qualified(): readonly Source[] {
    return this.#levels().flatMap((level) => [...level.qualifiedOnly, ...level.sources])
  }

  /** Innermost first, as names are looked up. */
  #levels(): readonly Level[] {
    return this.outer === undefined ? [this] : [this, ...this.outer.#levels()]
  }
}
