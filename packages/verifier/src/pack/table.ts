import { VerifierError } from '../errors.ts'

/** What stands in a field: nothing, text, a whole number, or a list of them. */
export type Cell = string | number | null | readonly (string | number)[]

/** A column over subjects of one kind: what it is called, where in a record it comes from, and how it is read. */
export interface Column<Subject> {
  readonly name: string
  /** The path in the record (`docs/spec/record.md`), or how it is computed; for readers. */
  readonly from: string
  readonly of: (subject: Subject) => Cell
}

/** A table of a pack, as its manifest describes it. */
export interface TableDefinition {
  /** The name of its files, without `.csv` and `.jsonl`. */
  readonly name: string
  /** Which of the five artifacts it belongs to. */
  readonly artifact: 1 | 2 | 3 | 4 | 5
  readonly title: string
  /** What selected its rows. */
  readonly query: string
  readonly columns: readonly Pick<Column<never>, 'name' | 'from'>[]
}

/** A table that knows how to write its rows. */
export interface Table<Subject> extends TableDefinition {
  readonly columns: readonly Column<Subject>[]
}

/** One row in both forms, without line ends. */
export interface RowText {
  readonly csv: string
  readonly jsonl: string
}

/** Writes the rows of one table. */
export class RowWriter<Subject> {
  readonly #columns: readonly Column<Subject>[]
  /** RFC 8785 wants the members sorted: the columns in that order, each with its quoted name. */
  readonly #sorted: readonly { readonly at: number; readonly prefix: string }[]

  constructor({ columns }: Table<Subject>) {
    this.#columns = columns
    this.#sorted = columns
      .map(({ name }, at) => ({ at, name, prefix: `${JSON.stringify(name)}:` }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  row(subject: Subject): RowText {
    const cells = this.#columns.map(({ of }) => of(subject))
    // Joined at once: a text that grows piece by piece would be copied once more when it is written.
    const members = this.#sorted.map(({ at, prefix }) => prefix + jsonCell(cells[at] ?? null))
    return { csv: cells.map(csvCell).join(','), jsonl: `{${members.join(',')}}` }
  }
}

/** The first line of a table's CSV file. */
export function headerOf({ columns }: TableDefinition): string {
  return columns.map(({ name }) => csvText(name)).join(',')
}

function jsonCell(cell: Cell): string {
  if (cell === null) return 'null'
  if (typeof cell !== 'number') return JSON.stringify(cell)
  if (!Number.isSafeInteger(cell)) throw new VerifierError('SP_OUT_OF_RANGE', 'a field that is no whole number')
  return String(cell)
}

function csvCell(cell: Cell): string {
  if (cell === null) return ''
  if (typeof cell === 'number') return String(cell)
  return csvText(typeof cell === 'string' ? cell : cell.join('; '))
}

/**
 * RFC 4180 §2: "Fields containing line breaks (CRLF), double quotes, and commas should be enclosed in double-quotes."
 *
 * Much of what a record says was written by whoever asked. A spreadsheet takes text that begins like a formula for one
 * and computes it, so such text gets an apostrophe before it, as OWASP ("CSV Injection") has it; the JSON Lines file
 * has it as it is.
 */
function csvText(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
