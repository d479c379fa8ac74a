import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { demoSql, SERVICE_USER } from '../../demo/data.ts'
import { startPostgres, type TestPostgres } from '../../packages/gateway/testkit/postgres.ts'
import type { Target } from './pgbench.ts'

/** pgbench's own unit: 100,000 accounts each. Enough that hardly a statement text comes twice in a run. */
export const SCALE = 5
/** Rows of the table that is read as a whole. */
export const BULK_ROWS = 10_000

const bulk = (table: string): string => `SELECT reference, name, email, city, note FROM ${table};\n`
/** Reads all of that table. */
export const BULK: string = bulk('bench_rows')
/** Reads as many bytes in a tenth of the rows. */
export const BULK_TENTH: string = bulk('bench_wide_rows')

/** The database under the benchmark, and the account of the service. */
export interface BenchDatabase {
  readonly target: Target
  /** What the rows of the bulk result have on the wire. */
  readonly bulkBytes: number
  stop(): Promise<void>
}

/** Starts a PostgreSQL of its own with the demo's tables, pgbench's accounts and a table of text rows. */
export async function startDatabase(): Promise<BenchDatabase> {
  const password = randomBytes(24).toString('base64url')
  const server = await startPostgres({
    user: 'bench_owner',
    database: 'cards',
    sql: demoSql(password),
    // What the server writes about each statement would be measured with it.
    settings: { log_statement: "'none'", shared_buffers: "'256MB'", autovacuum: 'off' },
  })
  let bulkBytes: number
  try {
    bulkBytes = await fill(server)
  } catch (error) {
    await server.stop()
    throw error
  }
  const { host, port, database } = server
  return { target: { host, port, user: SERVICE_USER, password, database }, bulkBytes, stop: () => server.stop() }
}

async function fill({ host, port, user, password, database }: TestPostgres): Promise<number> {
  const client = new pg.Client({ host, port, user, password, database })
  await client.connect()
  try {
    await client.query(ACCOUNTS)
    await client.query(ROWS)
    await client.query(WIDE_ROWS)
    for (const table of ['pgbench_accounts', 'bench_rows', 'bench_wide_rows']) {
      await client.query(`grant select on ${table} to ${SERVICE_USER}`)
      await client.query(`vacuum analyze ${table}`)
    }
    const { rows } = await client.query<{ bytes: string }>(BULK_BYTES)
    return Number(rows[0]?.bytes)
  } finally {
    await client.end()
  }
}

/** As `pgbench -i` makes it. */
const ACCOUNTS = `
  create unlogged table pgbench_accounts (aid int not null, bid int, abalance int, filler char(84)) with (fillfactor = 100);
  insert into pgbench_accounts
    select aid, (aid - 1) / 100000 + 1, 0, '' from generate_series(1, ${SCALE} * 100000) as aid;
  alter table pgbench_accounts add primary key (aid)`

/** Text as it is in life: names, addresses, references with digits; no run of them that could be a card number. */
const ROWS = `
  create unlogged table bench_rows (
    id int primary key, reference text not null, name text not null, email text not null, city text not null, note text not null);
  insert into bench_rows
    select id, 'order ' || id || '/2026-11', 'Customer ' || substr(md5(id::text), 1, 10), substr(md5(id::text), 13, 9) || '@example.com',
      (array['Amsterdam', 'Berlin', 'Cork', 'Dresden', 'Espoo', 'Faro', 'Ghent'])[id % 7 + 1],
      'asked on the phone about the delivery of order ' || id || ', called back at ' || (id % 24) || ':15'
    from generate_series(1, ${BULK_ROWS}) as id`

/** The same text in a tenth of the rows, filled up by what the other nine rows need for themselves, so that it has as many bytes. */
const WIDE_ROWS = `
  create unlogged table bench_wide_rows as
    select min(id) as id, string_agg(reference, ' ') as reference, string_agg(name, ' ') as name, string_agg(email, ' ') as email,
      string_agg(city, ' ') as city, string_agg(note, ' ') || repeat(' ', 9 * (7 + 5 * 4) - 5 * 9) as note
    from bench_rows group by (id - 1) / 10`

/** DataRow: type, length, number of columns (7 bytes), then a length (4) and the text of each of the five. */
const BULK_BYTES = `
  select sum(7 + 5 * 4 + octet_length(reference || name || email || city || note)) as bytes from bench_rows`
