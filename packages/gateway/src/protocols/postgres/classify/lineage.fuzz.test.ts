/**
 * What the accesses say of uses against a running PostgreSQL. Each random statement runs twice, over data that differ in the columns that are
 * not computed, all of them: every value there became another one, longer and far away, but equal values are equal again and those of one column
 * in the same order. If these columns are only given out whole, compared for equality, sorted each by itself and counted, then nothing else can
 * have changed: the second answer is the first one with the values exchanged, and so are the tables afterwards.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import pg from 'pg'
import type { Access } from '#model'
import { startPostgres, type TestPostgres } from '../../../../testkit/postgres.ts'
import { statement } from './testkit/parsed.ts'
import { flowColumns, flowTables, randomFlows } from './testkit/random-flows.ts'
import { fuzzRuns } from './testkit/soup.ts'

/** The number of a cell's value; 0 stands for NULL, 1 for a value that statements spell out. */
const cells: readonly (readonly number[])[] = [
  [110, 115, 201],
  [115, 120, 202],
  [1, 110, 1],
  [120, 0, 204],
  [115, 1, 205],
  [127, 127, 206],
]

/**
 * The greatest values of their columns: the one lies in some tables only, the other in the others only. They change places, for a column's
 * order says nothing of where values of another table would be in it.
 */
const exchanged: ReadonlyMap<number, number> = new Map([
  [127, 132],
  [132, 127],
])

/** Which of two databases: in the second one the values of columns that are not computed are exchanged. */
type Run = 'first' | 'second'

function value(number: number, isComputed: boolean, run: Run): string {
  if (number === 0) return 'null'
  if (number === 1) return `'m0130'`
  if (isComputed) return `'q0${number}'`
  return run === 'first' ? `'p0${number}'` : `'p0${2 * (exchanged.get(number) ?? number) + 50}y'`
}

/** Whole values of columns that are not computed, as they stand by themselves, in arrays, rows and JSON. */
const whole = /(?<![^[\]{}(),":\\\s])p(\d{4})(y?)(?![^[\]{}(),":\\\s])/g

/** The same for both runs, when all values are whole. */
function withoutRun(text: string): string {
  return text.replaceAll(whole, (_, digits: string, mark: string) => {
    const number = (Number(digits) - 50) / 2
    return `<${mark === '' ? Number(digits) : (exchanged.get(number) ?? number)}>`
  })
}

let server: TestPostgres
let client: pg.Client

before(async () => {
  server = await startPostgres()
  const { host, port, user, password } = server
  const maker = new pg.Client({ host, port, user, password, database: server.database })
  await maker.connect()
  await maker.query("create database flows template template0 locale 'C'")
  await maker.end()
  client = new pg.Client({ host, port, user, password, database: 'flows' })
  await client.connect()
  await client.query('set statement_timeout = 400')
  const columns = flowColumns.map((name) => `${name} text ${name === 'id' ? 'unique' : ''}`).join()
  for (const table of flowTables) await client.query(`create table ${table} (${columns})`)
})

after(async () => {
  await client.end()
  await server.stop()
})

/** Whether an access says this use of a column. */
function isUsed(accesses: readonly Access[], use: 'computed' | 'unnamed', table: string, column: string): boolean {
  return accesses.some(({ object, [use]: columns }) => {
    const isTable = object.kind === 'table' && object.name === table
    return isTable && (columns === '*' || columns?.includes(column) === true)
  })
}

/** SQLSTATE query_canceled: the statement took too long. */
const CANCELLED = '57014'

interface Answer {
  readonly error?: string
  readonly fields: readonly pg.FieldDef[]
  readonly rows: readonly (readonly (string | null)[])[]
  /** The tables afterwards: of columns that are computed the values as they are, of others without the run. */
  readonly tables: string
}

const asText = { getTypeParser: () => (text: string | Buffer) => text.toString() }

async function run(sql: string, accesses: readonly Access[], which: Run): Promise<Answer> {
  const fill = flowTables.map((table, shift) => {
    const rows = cells.map((row) => {
      const values = row.map((number, index) => {
        const isComputed = isUsed(accesses, 'computed', table, flowColumns[index] ?? '')
        // The tables overlap, but not in all.
        return value(number > 1 && index < 2 ? number + 5 * (shift % 2) : number, isComputed, which)
      })
      return `(${values.join()})`
    })
    return `insert into ${table} values ${rows.join()}`
  })
  await client.query(['begin', ...fill].join(';'))
  try {
    const result = await client.query<(string | null)[]>({ text: sql, rowMode: 'array', types: asText })
    return { fields: result.fields, rows: result.rows, tables: await tablesNow(accesses) }
  } catch (error) {
    const code = error instanceof pg.DatabaseError ? error.code : undefined
    return { error: code ?? 'no answer', fields: [], rows: [], tables: '' }
  } finally {
    await client.query('rollback')
  }
}

async function tablesNow(accesses: readonly Access[]): Promise<string> {
  const rows = flowTables.map((name) => `select '${name}' as name, ${flowColumns.join()} from ${name}`)
  const result = await client.query<Record<string, string | null>>(rows.join(' union all '))
  const seen = result.rows.map((row) => {
    const table = row['name'] ?? ''
    const values = flowColumns.map((column) => {
      const text = row[column] ?? ''
      return isUsed(accesses, 'computed', table, column) ? text : withoutRun(text)
    })
    return `${table}: ${values.join('|')}`
  })
  return seen.toSorted().join('\n')
}

const rowsOf = ({ rows }: Answer): readonly string[] => rows.map((row) => withoutRun(JSON.stringify(row))).toSorted()

/** Whole values in a result column that PostgreSQL does not trace to a table's column, and whose label names none that has them. */
function untracedValues({ fields, rows }: Answer): readonly (readonly [label: string, number: number])[] {
  return fields.flatMap((field, index) =>
    field.tableID === 0
      ? rows.flatMap((row) =>
          [...(row[index] ?? '').matchAll(whole)].map((match) => [field.name, Number(match[1])] as const),
        )
      : [],
  )
}

/** The columns in which a number lies. */
function placesOf(number: number): readonly (readonly [table: string, column: string])[] {
  return flowTables.flatMap((table, shift) =>
    flowColumns
      .filter((_, index) => cells.some((row) => row[index] === (index < 2 ? number - 5 * (shift % 2) : number)))
      .map((column) => [table, column] as const),
  )
}

function assertNamed(sql: string, answer: Answer, accesses: readonly Access[]): void {
  // What the statement makes looks like what lies in the tables.
  if (sql.includes('generate_series')) return
  for (const [label, number] of untracedValues(answer)) {
    const places = placesOf(number)
    if (places.some(([, column]) => column === label)) continue
    const isTold = places.some(([table, column]) => isUsed(accesses, 'unnamed', table, column))
    assert.ok(isTold, `${label} gives ${number} unsaid`)
  }
}

test('columns that are not computed are given out whole, compared for equality, sorted or counted', async (t) => {
  const count = { compared: 0, failed: 0, givingValues: 0 }
  const property = fc.asyncProperty(randomFlows, async (sql) => {
    const { accesses, incomplete } = statement(sql).shape
    assert.equal(incomplete, undefined)
    const first = await run(sql, accesses, 'first')
    count[first.error === undefined ? 'compared' : 'failed']++
    if (first.error !== undefined) return
    const second = await run(sql, accesses, 'second')
    if (second.error === CANCELLED) return
    assert.equal(second.error, undefined)
    assert.deepEqual(rowsOf(second), rowsOf(first))
    assert.equal(second.tables, first.tables)
    assertNamed(sql, first, accesses)
    if (JSON.stringify(first.rows).match(whole) !== null) count.givingValues++
  })
  await fc.assert(property, { numRuns: fuzzRuns(600) })
  t.diagnostic(JSON.stringify(count))
  assert.ok(count.compared >= fuzzRuns(600) / 3, 'too few statements run at all')
  assert.ok(count.givingValues >= count.compared / 10, 'too few statements give any value')
})
