import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { sql } from 'kysely'
import { GatewayError } from '#model'
import { storeConformance } from '../../testkit/store-conformance.ts'
import { openStore } from './open-store.ts'
import { openSqlite } from './sqlite.ts'

storeConformance('SQLite', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sallyport-store-'))
  const file = path.join(folder, 'control.db')
  let store = await openStore({ file })
  return {
    store,
    reopen: async () => {
      await store.close()
      store = await openStore({ file })
      return store
    },
    dispose: async () => {
      await store.close()
      rmSync(folder, { recursive: true })
    },
  }
})

const withFolder = async (body: (folder: string) => Promise<void>): Promise<void> => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sallyport-store-'))
  try {
    await body(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('the file and its side files are for their owner only, even when the file was not', async () => {
  await withFolder(async (folder) => {
    const file = path.join(folder, 'control.db')
    writeFileSync(file, '')
    chmodSync(file, 0o644)
    const store = await openStore({ file })
    await store.keys.create('k', new Uint8Array(1), 1)
    const modes = readdirSync(folder).map((name) => [name, statSync(path.join(folder, name)).mode & 0o777])
    assert.deepEqual(Object.fromEntries(modes), {
      'control.db': 0o600,
      'control.db-shm': 0o600,
      'control.db-wal': 0o600,
    })
    await store.close()
  })
})

test('a link in place of the file is refused', async () => {
  await withFolder(async (folder) => {
    writeFileSync(path.join(folder, 'elsewhere'), '')
    symlinkSync(path.join(folder, 'elsewhere'), path.join(folder, 'control.db'))
    await assert.rejects(openStore({ file: path.join(folder, 'control.db') }), { code: 'ELOOP' })
  })
})

test('a store of a newer version is refused and left as it is', async () => {
  await withFolder(async (folder) => {
    const file = path.join(folder, 'control.db')
    await (await openStore({ file })).close()
    const database = new DatabaseSync(file)
    database.exec('update schema_version set version = 99')
    database.close()
    await assert.rejects(
      openStore({ file }),
      (error) => error instanceof GatewayError && error.code === 'SP_CONFIG_INVALID',
    )
  })
})

test('a store of an older version is brought up to date and keeps what it has', async () => {
  await withFolder(async (folder) => {
    const file = path.join(folder, 'control.db')
    const older = await openStore({ file })
    await older.keys.create('k', Uint8Array.of(7), 1)
    await older.close()
    const database = new DatabaseSync(file)
    database.exec('drop table requests; update schema_version set version = 1')
    database.close()
    const store = await openStore({ file })
    assert.deepEqual(await store.requests.list({ limit: 1 }), [])
    assert.deepEqual(await store.keys.find('k'), Uint8Array.of(7))
    await store.close()
  })
})

test('what is no database is refused', async () => {
  await withFolder(async (folder) => {
    const file = path.join(folder, 'control.db')
    writeFileSync(file, 'this is not a database, and it is longer than a header of one hundred bytes '.repeat(20))
    await assert.rejects(openStore({ file }), /not a database/)
  })
})

test('every table is STRICT, commits are synced, what is removed is overwritten', async () => {
  await withFolder(async (folder) => {
    const file = path.join(folder, 'control.db')
    await (await openStore({ file })).close()
    const database = openSqlite(file)
    const tables = await sql<{ name: string; strict: number }>`pragma table_list`.execute(database)
    const own = tables.rows.filter(({ name }) => !name.startsWith('sqlite_'))
    assert.equal(own.length, 8)
    assert.deepEqual([...new Set(own.map(({ strict }) => strict))], [1])
    const pragmas = await Promise.all(
      [sql`pragma synchronous`, sql`pragma journal_mode`, sql`pragma secure_delete`].map(
        async (pragma) => (await pragma.execute(database)).rows[0],
      ),
    )
    assert.deepEqual(
      pragmas.map((row) => ({ ...(row as object) })),
      [{ synchronous: 2 }, { journal_mode: 'wal' }, { secure_delete: 1 }],
    )
    await database.destroy()
  })
})

test('a doubtful parameter is refused instead of shifting its neighbours', async () => {
  await withFolder(async (folder) => {
    const database = openSqlite(path.join(folder, 'control.db'))
    for (const value of [new Date(0), {}, [], true, undefined, Number.NaN])
      await assert.rejects(sql`select ${value} as a, ${'b'} as b`.execute(database), TypeError)
    await database.destroy()
  })
})
