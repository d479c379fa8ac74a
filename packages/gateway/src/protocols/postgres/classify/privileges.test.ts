/**
 * The accesses of queries and modifications against a running PostgreSQL: with exactly the privileges that they name, and no others, it
 * must let the statement pass its own permission check, down to single columns. An access that is missing shows as "permission denied".
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import pg from 'pg'
import type { Access } from '#model'
import { startPostgres, type TestPostgres } from '../../../../testkit/postgres.ts'
import { auditedFunctions, rowFunctions } from './analysis/functions.ts'
import { auditedOperators } from './analysis/operators.ts'
import { castTypes, columnTypes } from './analysis/types.ts'
import { catalogRelations } from './analysis/catalog-relations.ts'
import { statement } from './testkit/parsed.ts'
import { randomStatements, randomTables } from './testkit/random-sql.ts'
import { formatAccess, readVectors } from './testkit/vectors.ts'

const columns: Readonly<Record<string, string>> = {
  id: 'int unique',
  ...{ a: 'int unique', b: 'int', c: 'int', d: 'int', x: 'int', y: 'int', n: 'int', parent: 'int', visits: 'int' },
  ...{
    name: 'text',
    pan: 'int',
    region: 'text',
    city: 'text',
    total: 'numeric',
    active: 'boolean',
    customers: 'text',
  },
  ...{
    customer_id: 'int',
    created: 'timestamptz',
    tags: 'text[]',
    doc: 'jsonb',
    Id: 'int',
    '4111 1111 1111 1111': 'text',
  },
}
const names = [
  'customers',
  'orders',
  'archive',
  'log',
  'names',
  'nodes',
  'cards',
  'data',
  'a',
  'b',
  'c',
  'd',
  's',
  't',
  'x',
]
const tables = [
  ...names.map((name) => ['public', name] as const),
  ...['Customers', 'CUSTOMERS', 'a.b', 'a"b', 't4111111111111111'].map((name) => ['public', name] as const),
  ...(['schema1', 'schema2'] as const).map((schema) => [schema, 't'] as const),
  ['sales', 'orders'] as const,
]

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

let server: TestPostgres
let owner: pg.Client
let reader: pg.Client

before(async () => {
  server = await startPostgres()
  owner = await connect(server, server.database)
  await owner.query("create role reader login password 'reader'")
  for (const schema of ['sales', 'schema1', 'schema2']) await owner.query(`create schema ${schema}`)
  await owner.query('grant usage on schema public, sales, schema1, schema2 to reader')
  const definition = Object.entries(columns).map(([name, type]) => `${quoted(name)} ${type}`)
  for (const [schema, name] of tables) {
    await owner.query(`create table ${schema}.${quoted(name)} (${definition.join()})`)
  }
  await owner.query('create unique index on customers (lower(name)) where active')
  await owner.query('alter table customers add constraint customers_pkey primary key (id)')
  reader = await connect({ ...server, user: 'reader', password: 'reader' }, server.database)
})

after(async () => {
  for (const client of clients) await client.end()
  await server.stop()
})

const clients: pg.Client[] = []

async function connect({ host, port, user, password }: TestPostgres, database: string): Promise<pg.Client> {
  const client = new pg.Client({ host, port, user, password, database })
  await client.connect()
  clients.push(client)
  return client
}

/** The statement that changes one privilege; an access without columns needs some column's. */
function privilege(
  verb: 'grant' | 'revoke',
  { object, effect, columns: listed }: Access,
  known: readonly string[],
): string {
  if (object.kind !== 'table' || !isOwn(object.schema)) return 'select 1'
  const existing = listed?.filter((name) => known.includes(name))
  const names = existing?.length === 0 ? ['id'] : existing
  // DELETE and TRUNCATE have no privileges of single columns.
  const hasColumns = names !== undefined && (effect === 'select' || effect === 'insert' || effect === 'update')
  const list = hasColumns ? ` (${names.map(quoted).join()})` : ''
  const direction = verb === 'grant' ? 'to' : 'from'
  return `${verb} ${effect}${list} on ${object.schema}.${quoted(object.name)} ${direction} reader`
}

const isOwn = (schema: string): boolean => schema !== 'pg_catalog' && schema !== 'information_schema'

async function change(verb: 'grant' | 'revoke', access: Access): Promise<void> {
  await owner.query(privilege(verb, access, Object.keys(columns)))
}

type Verdict = 'allowed' | 'denied' | 'inconclusive'

/** What PostgreSQL says to the reader; anything but its permission check leaves the question open. */
async function ask(sql: string, client: pg.Client = reader): Promise<Verdict> {
  const text = /^explain/i.test(sql) || /^truncate/i.test(sql) ? sql : `explain (generic_plan) ${sql}`
  await client.query('begin')
  try {
    await client.query(text)
    return 'allowed'
  } catch (error) {
    const code = error instanceof pg.DatabaseError ? error.code : undefined
    return code === '42501' ? 'denied' : 'inconclusive'
  } finally {
    await client.query('rollback')
  }
}

describe('with exactly the privileges that the accesses name', () => {
  for (const file of ['queries', 'modifications', 'adversarial'] as const) {
    test(`${file}.json: PostgreSQL needs none besides, and each of them`, async (t) => {
      const count = { allowed: 0, denied: 0, inconclusive: 0, unneeded: 0 }
      for (const { sql } of readVectors(file)) {
        const { accesses } = statement(sql).shape
        for (const access of accesses) await change('grant', access)
        const verdict = await ask(sql)
        assert.notEqual(verdict, 'denied', `${sql} needs more than ${accesses.map(formatAccess).join(' ')}`)
        count[verdict]++
        for (const access of verdict === 'allowed' ? accesses : []) {
          await change('revoke', access)
          if ((await ask(sql)) === 'allowed' && access.object.kind === 'table' && isOwn(access.object.schema)) {
            count.unneeded++
            t.diagnostic(`not needed by PostgreSQL: ${formatAccess(access)} of ${sql}`)
          }
          await change('grant', access)
        }
        for (const access of accesses) await change('revoke', access)
      }
      t.diagnostic(JSON.stringify(count))
      assert.ok(count.inconclusive <= readVectors(file).length / 4, 'too few statements run at all')
      assert.ok(count.unneeded <= 3, 'accesses that PostgreSQL knows nothing of')
    })
  }
})

test('random statements with nested scopes need no privileges besides', async (t) => {
  await owner.query('create database random')
  const maker = await connect(server, 'random')
  const asker = await connect({ ...server, user: 'reader', password: 'reader' }, 'random')
  await maker.query('create schema sales; grant usage on schema sales, public to reader')
  for (const table of randomTables) await maker.query(`create table ${table} (a int, b int, id int unique)`)
  const count = { allowed: 0, inconclusive: 0 }
  for (const sql of fc.sample(randomStatements, 200)) {
    const { accesses, incomplete } = statement(sql).shape
    assert.equal(incomplete, undefined, sql)
    const grants = accesses.map((access) => privilege('grant', access, ['a', 'b', 'id']))
    await maker.query(['revoke all on all tables in schema public, sales from reader', ...grants].join(';'))
    const verdict = await ask(sql, asker)
    if (verdict === 'denied') assert.fail(`${sql} needs more than ${accesses.map(formatAccess).join(' ')}`)
    count[verdict]++
  }
  t.diagnostic(JSON.stringify(count))
  assert.ok(count.allowed >= 50, 'too few statements run at all')
})

describe('the lists against pg_catalog', () => {
  const catalog = async (sql: string): Promise<ReadonlySet<string>> => {
    const { rows } = await owner.query<{ name: string }>(sql)
    return new Set(rows.map(({ name }) => name))
  }

  test('every audited function, operator and type is one of pg_catalog', async () => {
    const functions = await catalog(
      "select distinct proname as name from pg_proc where pronamespace = 'pg_catalog'::regnamespace",
    )
    const operators = await catalog(
      "select distinct oprname as name from pg_operator where oprnamespace = 'pg_catalog'::regnamespace",
    )
    const types = await catalog("select typname as name from pg_type where typnamespace = 'pg_catalog'::regnamespace")
    assert.deepEqual(
      [...auditedFunctions.keys()].filter((name) => !functions.has(name)),
      [],
    )
    // The parser writes <> for it.
    assert.deepEqual(
      [...auditedOperators].filter((name) => !operators.has(name)),
      ['!='],
    )
    const made = ['serial', 'bigserial', 'smallserial', 'serial2', 'serial4', 'serial8']
    assert.deepEqual(
      [...castTypes, ...columnTypes].filter((name) => !types.has(name)),
      made,
    )
  })

  test('no audited function is volatile but those that read a clock, wait or draw', async () => {
    const volatile = await catalog(
      "select distinct proname as name from pg_proc where pronamespace = 'pg_catalog'::regnamespace and provolatile = 'v'",
    )
    const known = new Set(['clock_timestamp', 'gen_random_uuid', 'pg_is_in_recovery', 'pg_sleep', 'random'])
    assert.deepEqual(
      [...auditedFunctions.keys()].filter((name) => volatile.has(name) && !known.has(name)),
      [],
    )
  })

  test('the functions that attribute notation can call with a row are all known', async () => {
    const callable = await catalog(`
      select distinct proname as name from pg_proc
      where pronamespace = 'pg_catalog'::regnamespace and prokind in ('f', 'a', 'w')
        and pronargs - pronargdefaults <= 1 and pronargs >= 1
        and proargtypes[0]::regtype::text in
          ('record', 'anyelement', '"any"', 'anynonarray', 'anycompatible', 'anycompatiblenonarray')`)
    assert.deepEqual(
      [...callable].filter((name) => !rowFunctions.has(name)),
      [],
    )
  })

  test('the relations of pg_catalog are all known', async () => {
    const relations = await catalog(
      "select relname as name from pg_class where relnamespace = 'pg_catalog'::regnamespace and relkind in ('r', 'v', 'm')",
    )
    assert.deepEqual(
      [...relations].filter((name) => !catalogRelations.has(name)),
      [],
    )
    assert.deepEqual(
      [...catalogRelations].filter((name) => !relations.has(name)),
      [],
    )
  })
})

describe('what PostgreSQL does, and why the lists are as they are', () => {
  const value = async (sql: string): Promise<unknown> => {
    const { rows } = await owner.query<{ value: unknown }>(`select ${sql} as value from people`)
    return rows[0]?.value
  }

  test('attribute notation calls functions', async () => {
    await owner.query("create table people as select '4111111111111111' as pan")
    assert.equal(await value('(pan).reverse'), '1111111111111114')
    assert.ok((await value('people.record_send')) instanceof Buffer)
    for (const sql of ['select (pan).reverse from people', 'select people.record_send from people']) {
      assert.notEqual(statement(sql).shape.incomplete, undefined)
    }
  })

  test('casts and trimming cut text', async () => {
    assert.equal(await value('pan::varchar(6)'), '411111')
    assert.equal(await value("ltrim(pan, '4')"), '111111111111111')
    assert.equal(await value('(pan::name)[0]'), '4')
  })

  test('names are cut at 63 bytes', async () => {
    const long = 'é'.repeat(40)
    await owner.query(`create table ${long} (id int)`)
    const { rows } = await owner.query<{ relname: string }>("select relname from pg_class where relname like 'é%'")
    const [access] = statement(`select * from ${long}`).shape.accesses
    assert.deepEqual(access?.object, { kind: 'table', schema: 'public', name: rows[0]?.relname })
  })
})
