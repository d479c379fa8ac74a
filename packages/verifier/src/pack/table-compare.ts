import type { TrailFile } from '../source.ts'
import type { Finding } from '../verification.ts'
import { tablePath } from './layout.ts'
import type { RowSink } from './pack-tables.ts'
import type { PackSource } from './pack-source.ts'
import { headerOf, type RowText, type TableDefinition } from './table.ts'

/** Characters that are gathered before they are compared. */
const BATCH_CHARACTERS = 256 * 1024

/** Compares tables as the records give them with the files of a pack. */
export class TableComparison implements RowSink {
  readonly #files = new Map<string, { readonly csv: FileComparison; readonly jsonl: FileComparison }>()

  /** Begins with a table. @throws {VerifierError} `SP_FILE_UNREADABLE` */
  async begin(source: PackSource, table: TableDefinition): Promise<void> {
    const open = async (form: 'csv' | 'jsonl'): Promise<FileComparison> => {
      const path = tablePath(table.name, form)
      return new FileComparison(path, await source.open(path))
    }
    const files = { csv: await open('csv'), jsonl: await open('jsonl') }
    files.csv.expect(headerOf(table), undefined)
    this.#files.set(table.name, files)
  }

  row(table: string, { csv, jsonl }: RowText, record: number | undefined): void {
    const files = this.#files.get(table)
    files?.csv.expect(csv, record)
    files?.jsonl.expect(jsonl, record)
  }

  /** How many rows a table has. */
  rowsOf(table: string): number {
    return this.#files.get(table)?.jsonl.lines ?? 0
  }

  async drain(): Promise<void> {
    for (const file of this.#all()) await file.drain(false)
  }

  async end(): Promise<void> {
    for (const file of this.#all()) await file.end()
  }

  async close(): Promise<void> {
    for (const file of this.#all()) await file.close()
  }

  /** What was found in each file, in the order of the tables. */
  get findings(): readonly Finding[] {
    return this.#all().flatMap(({ finding }) => finding ?? [])
  }

  #all(): readonly FileComparison[] {
    return [...this.#files.values()].flatMap(({ csv, jsonl }) => [csv, jsonl])
  }
}

/** A file that must consist of the lines that it is told. */
class FileComparison {
  readonly #path: string
  readonly #file: TrailFile | undefined
  #position = 0
  #count = 0
  #compared = 0
  #lines: string[] = []
  /** For each line the record that it rests on. */
  #records: (number | undefined)[] = []
  #characters = 0
  #finding: Finding | undefined

  constructor(path: string, file: TrailFile | undefined) {
    this.#path = path
    this.#file = file
    if (file === undefined)
      this.#finding = { code: 'pack-file-missing', verdict: 'incomplete', message: `${path} is missing`, file: path }
  }

  get finding(): Finding | undefined {
    return this.#finding
  }

  get lines(): number {
    return this.#count
  }

  expect(line: string, record: number | undefined): void {
    this.#count += 1
    if (this.#finding !== undefined) return
    this.#lines.push(line)
    this.#records.push(record)
    this.#characters += line.length + 1
  }

  async drain(isLast: boolean): Promise<void> {
    if (this.#lines.length === 0 || (this.#characters < BATCH_CHARACTERS && !isLast)) return
    const lines = this.#lines
    const records = this.#records
    this.#lines = []
    this.#records = []
    this.#characters = 0
    const expected = Buffer.from(`${lines.join('\n')}\n`)
    const found = Buffer.allocUnsafe(expected.length)
    const read = (await this.#file?.read(found, this.#position)) ?? 0
    this.#position += read
    if (read === expected.length && found.equals(expected)) this.#compared += lines.length
    else this.#name(lines, records, found.subarray(0, read))
  }

  async end(): Promise<void> {
    await this.drain(true)
    if (this.#finding === undefined && this.#file !== undefined && this.#file.size > this.#position)
      this.#finding = this.#changed(`it goes on after line ${this.#compared}, with which the records end`, undefined)
    await this.close()
  }

  async close(): Promise<void> {
    await this.#file?.close()
  }

  /** Finds the first line that is another one. */
  #name(lines: readonly string[], records: readonly (number | undefined)[], found: Buffer): void {
    let at = 0
    for (const [index, line] of lines.entries()) {
      const expected = Buffer.from(`${line}\n`)
      if (!found.subarray(at, at + expected.length).equals(expected)) {
        const record = records[index]
        const what = record === undefined ? 'the records say' : `record ${record} says`
        this.#finding = this.#changed(`line ${this.#compared + index + 1} is not what ${what}`, record)
        return
      }
      at += expected.length
    }
  }

  #changed(reason: string, record: number | undefined): Finding {
    const finding = {
      code: 'table-changed',
      verdict: 'altered',
      message: `${this.#path} changed: ${reason}`,
      file: this.#path,
    } as const
    return record === undefined || record < 0 ? finding : { ...finding, record }
  }
}
