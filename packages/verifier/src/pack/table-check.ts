import type { Finding } from '../verification.ts'
import type { JsonObject } from './members.ts'
import type { PackManifest } from './manifest.ts'
import { readAsking } from './pack-policy.ts'
import type { PackSource } from './pack-source.ts'
import { type PackStatement, PackTables, RECORD_TABLES } from './pack-tables.ts'
import { Roster } from './roster.ts'
import { TableComparison } from './table-compare.ts'

/** Records one behind the other, each of them found to be the one of the log. */
export interface RecordBatch {
  /** The number of the first. */
  readonly first: number
  /** Each as it stands in the log. */
  readonly leaves: readonly string[]
  /** Of each its payload, opened, when it is disclosed. */
  readonly statements: readonly (string | undefined)[]
}

/** What the records make of the tables, and how the files differ from it. */
export interface CheckedTables {
  readonly statement: PackStatement
  /** What was found in each file, in the order of the tables. */
  readonly findings: readonly Finding[]
  /** How many rows each table has. */
  readonly rows: ReadonlyMap<string, number>
}

/** Writes the tables again from the records and compares. */
export interface TableCheck {
  /** Takes the next records; resolves when there is room for more. @throws {VerifierError} */
  take(batch: RecordBatch): Promise<void>
  /** To be called behind the last record. @throws {VerifierError} */
  finish(): Promise<CheckedTables>
  close(): Promise<void>
}

/** What the tables follow from besides the records. */
export interface TableOrder {
  readonly names: ReadonlyMap<string, string>
  readonly disclosed: PackManifest['disclosed']
}

/** The check of the tables in this thread. */
export class OwnTableCheck implements TableCheck {
  readonly #comparison: TableComparison
  readonly #tables: PackTables

  private constructor(comparison: TableComparison, tables: PackTables) {
    this.#comparison = comparison
    this.#tables = tables
  }

  /** @throws {VerifierError} `SP_FILE_UNREADABLE` */
  static async begin(source: PackSource, { names, disclosed }: TableOrder): Promise<OwnTableCheck> {
    const asking = await readAsking(source)
    const comparison = new TableComparison()
    try {
      for (const table of RECORD_TABLES)
        if (disclosed === 'statements' || table.name !== '1-statements') await comparison.begin(source, table)
    } catch (cause) {
      await comparison.close()
      throw cause
    }
    return new OwnTableCheck(comparison, new PackTables(new Roster(names), comparison, asking))
  }

  async take({ first, leaves, statements }: RecordBatch): Promise<void> {
    // That each is a JSON object, in canonical form, was checked before it came here.
    for (const [at, text] of leaves.entries())
      this.#tables.take(first + at, { text, leaf: JSON.parse(text) as JsonObject }, statements[at])
    await this.#comparison.drain()
  }

  async finish(): Promise<CheckedTables> {
    const statement = this.#tables.finish()
    await this.#comparison.end()
    const rows = new Map(RECORD_TABLES.map(({ name }) => [name, this.#comparison.rowsOf(name)]))
    return { statement, findings: this.#comparison.findings, rows }
  }

  async close(): Promise<void> {
    await this.#comparison.close()
  }
}
