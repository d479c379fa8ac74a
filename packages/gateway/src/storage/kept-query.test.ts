import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Kysely, SqliteDialect } from 'kysely'
import { keptQuery } from './kept-query.ts'
import type { Tables } from './tables.ts'

/** What a database is asked. */
interface Asked {
  readonly sql: string
  readonly parameters: readonly unknown[]
}

function listening(asked: Asked[]): Kysely<Tables> {
  const prepare = (sql: string): object => ({
    reader: true,
    all: (parameters: readonly unknown[]) => {
      asked.push({ sql, parameters })
      return []
    },
  })
  const database = { prepare, close: () => undefined } as never
  return new Kysely<Tables>({ dialect: new SqliteDialect({ database }) })
}

test('a kept query is built once and each parameter goes to its place', async () => {
  const asked: Asked[] = []
  const database = listening(asked)
  let built = 0
  const find = keptQuery(database, (id: string, kind: 'token' | 'identity') => {
    built++
    return database.selectFrom('revocations').select('id').where('kind', '=', kind).where('id', '=', id)
  })
  assert.equal(await find('tok_1', 'token'), undefined)
  assert.equal(await find('ci-bot', 'identity'), undefined)
  const sql = 'select "id" from "revocations" where "kind" = ? and "id" = ?'
  assert.deepEqual(asked, [
    { sql, parameters: ['token', 'tok_1'] },
    { sql, parameters: ['identity', 'ci-bot'] },
  ])
  assert.equal(built, 1)
})

test('a value of its own in a kept query is a mistake that shows when it is built', () => {
  const database = listening([])
  assert.throws(
    () =>
      keptQuery(database, (id: string) =>
        database.selectFrom('revocations').select('id').where('kind', '=', 'token').where('id', '=', id),
      ),
    TypeError,
  )
})
