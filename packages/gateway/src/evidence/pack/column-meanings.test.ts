import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RECORD_TABLES } from '@sallyport/verifier'
import { meaningOf } from './column-meanings.ts'
import { ENTITLEMENTS } from './entitlement-table.ts'

test('every column of every table is explained in words', () => {
  const bare = [...RECORD_TABLES, ENTITLEMENTS].flatMap(({ name: table, columns }) =>
    columns.filter(({ name }) => meaningOf(table, name) === undefined).map(({ name }) => `${table}/${name}`),
  )
  assert.deepEqual(bare, [])
})
