import { headerOf, type RowSink, type RowText, type TableDefinition, tablePath } from '@sallyport/verifier'
import type { LineFile, PackFolder } from './pack-folder.ts'

/** The two files of each table while they are written. */
export class TableFiles implements RowSink {
  readonly #files = new Map<string, { readonly csv: LineFile; readonly jsonl: LineFile }>()

  async begin(folder: PackFolder, table: TableDefinition): Promise<void> {
    const csv = await folder.begin(tablePath(table.name, 'csv'))
    const jsonl = await folder.begin(tablePath(table.name, 'jsonl'))
    this.#files.set(table.name, { csv, jsonl })
    csv.add(headerOf(table))
  }

  row(table: string, text: RowText): void {
    const files = this.#files.get(table)
    files?.csv.add(text.csv)
    files?.jsonl.add(text.jsonl)
  }

  rowsOf(table: string): number {
    return this.#files.get(table)?.jsonl.lines ?? 0
  }

  async drain(): Promise<void> {
    for (const { csv, jsonl } of this.#files.values()) {
      await csv.drain()
      await jsonl.drain()
    }
  }

  async end(): Promise<void> {
    for (const { csv, jsonl } of this.#files.values()) {
      await csv.end()
      await jsonl.end()
    }
    this.#files.clear()
  }

  async abandon(): Promise<void> {
    for (const { csv, jsonl } of this.#files.values()) {
      await csv.abandon()
      await jsonl.abandon()
    }
  }
}
