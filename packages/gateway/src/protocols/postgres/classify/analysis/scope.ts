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
  readonly ctes: CteScope | undefined
  readonly outer: Level | undefined
  /** Names that the SELECT list gives by AS: what GROUP BY may mean instead of a column. */
  readonly aliases: Set<string> = new Set()
  /** All names of output columns: what ORDER BY means instead of a column. */
  readonly outputs: Set<string> = new Set()
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
  column(name: string): void {
    const row = this.source(name)
    const levels = this.#levels().filter((level) => level.#sources.length > 0)
    const [level, ...others] = levels
    const [only, ...more] = level?.sources.slice(0, 2) ?? []
    if (row === undefined && others.length === 0 && more.length === 0) {
      only?.columns.add(name)
      return
    }
    // Either several tables may have it, or it is the whole row of the source with that name.
    row?.columns.any()
    this.everything()
  }

  /** A column behind a source's name, and its schema when that is given. Returns what it belongs to. */
  columnOf(qualifier: string, schema: string | undefined): Columns {
    const source = this.source(qualifier, schema)
    if (source !== undefined) return source.columns
    // PostgreSQL reports "missing FROM-clause entry"; should it see more than we do, no column list may be believed.
    this.everything()
    return noColumns
  }

  /** `*`: all columns of this level. */
  star(): void {
    if (this.#noted === this.#sources.length) return
    this.#noted = this.#sources.length
    for (const source of this.#sources) source.columns.any()
  }

  /** Columns of everything in sight may be read. */
  everything(): void {
    for (const level of this.#levels()) level.star()
  }

  /** Innermost first, as names are looked up. */
  #levels(): readonly Level[] {
    const levels: Level[] = [this]
    for (let { outer } = this; outer !== undefined; { outer } = outer) levels.push(outer)
    return levels
  }
}
