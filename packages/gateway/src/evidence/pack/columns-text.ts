import { headerOf, RowWriter, type Table, type TableDefinition } from '@sallyport/verifier'
import { meaningOf } from './column-meanings.ts'

interface Described {
  readonly table: string
  readonly name: string
  readonly from: string
}

const COLUMNS: Table<Described> = {
  name: 'columns',
  artifact: 1,
  title: 'Where each column comes from',
  query: 'the definitions of the tables',
  columns: [
    { name: 'table', from: 'the name of the table', of: ({ table }) => table },
    { name: 'column', from: 'the name of the column', of: ({ name }) => name },
    { name: 'meaning', from: 'what it says', of: ({ table, name }) => meaningOf(table, name) ?? null },
    { name: 'from', from: 'the path in the record, or how it is computed', of: ({ from }) => from },
  ],
}

/** `columns.csv`: what each column of each table says, and which part of which record it is. */
export function columnsText(tables: readonly TableDefinition[]): string {
  const writer = new RowWriter(COLUMNS)
  const rows = tables.flatMap(({ name: table, columns }) =>
    columns.map(({ name, from }) => writer.row({ table, name, from }).csv),
  )
  return [headerOf(COLUMNS), ...rows, ''].join('\n')
}
