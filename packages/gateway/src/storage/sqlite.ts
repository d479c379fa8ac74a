import { closeSync, constants, existsSync, fchmodSync, fsyncSync, openSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { Kysely, SqliteDialect } from 'kysely'
import type { Platform } from './migrations.ts'
import type { Tables } from './tables.ts'

/** How long a statement waits for another process that holds the file. The event loop stands still meanwhile. */
const BUSY_TIMEOUT_MS = 2000
/** Statements are written in the code, so there are only so many; lists of different lengths in one make some more. */
const MAX_KEPT_STATEMENTS = 256

/** What the schema needs to know of SQLite: STRICT tables, whose integers are 64 bits wide. */
export const sqlitePlatform: Platform = { integer: 'integer', bytes: 'blob', tableOptions: 'strict' }

/** Opens the file, creating it for its owner alone, with durability set and read back. */
export function openSqlite(file: string): Kysely<Tables> {
  createPrivately(file)
  const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS })
  try {
    configure(database)
  } catch (error) {
    database.close()
    throw error
  }
  return new Kysely<Tables>({ dialect: new SqliteDialect({ database: toKyselyDatabase(database) }) })
}

/** SQLite gives its side files (`-wal`, `-shm`) the mode of the file itself, so only this one has to be made private. */
function createPrivately(file: string): void {
  const isNew = !existsSync(file)
  const descriptor = openSync(file, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
  fchmodSync(descriptor, 0o600)
  closeSync(descriptor)
  if (isNew) syncFolder(path.dirname(file))
}

/** A new file survives a power cut only when its folder was synced. */
function syncFolder(folder: string): void {
  const descriptor = openSync(folder, constants.O_RDONLY)
  fsyncSync(descriptor)
  closeSync(descriptor)
}

function configure(database: DatabaseSync): void {
  demand(database, 'journal_mode', 'wal', 'wal')
  // SQLite, PRAGMA synchronous: in WAL mode only FULL (2) syncs at each commit; NORMAL may lose the last commits in a power cut.
  demand(database, 'synchronous', 'full', 2)
  // On macOS fsync does not reach the medium; elsewhere this changes nothing.
  demand(database, 'fullfsync', 'on', 1)
  // What is removed is overwritten, so that an erased name or a rotated secret does not linger in free pages.
  demand(database, 'secure_delete', 'on', 1)
  demand(database, 'trusted_schema', 'off', 0)
}

function demand(database: DatabaseSync, pragma: string, value: string, expected: string | number): void {
  database.exec(`pragma ${pragma} = ${value}`)
  const row = database.prepare(`pragma ${pragma}`).get()
  const actual = row === undefined ? undefined : Object.values(row)[0]
  if (actual !== expected) throw new Error(`the control store does not accept ${pragma} = ${value}`)
}

/** A statement as kysely expects it (better-sqlite3's form). */
interface KyselyStatement {
  readonly reader: boolean
  all(parameters: readonly unknown[]): unknown[]
  run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint }
  iterate(parameters: readonly unknown[]): IterableIterator<unknown>
}

/** What kysely expects, over `node:sqlite`. Preparing takes longer than most statements do, so those that come again and again are kept. */
function toKyselyDatabase(database: DatabaseSync): { close(): void; prepare(sql: string): KyselyStatement } {
  const kept = new Map<string, KyselyStatement>()
  return {
    close: () => {
      kept.clear()
      database.close()
    },
    prepare: (sql) => {
      const known = kept.get(sql)
      if (known !== undefined) return known
      const statement = prepareStatement(database, sql)
      if (kept.size < MAX_KEPT_STATEMENTS) kept.set(sql, statement)
      return statement
    },
  }
}

function prepareStatement(database: DatabaseSync, sql: string): KyselyStatement {
  const statement = database.prepare(sql)
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...parameters.map(toInput)),
    run: (parameters) => statement.run(...parameters.map(toInput)),
    // One that is gone through in steps is in use meanwhile: it gets a statement of its own.
    iterate: (parameters) => database.prepare(sql).iterate(...parameters.map(toInput)),
  }
}

/** `node:sqlite` takes a plain object among the parameters for named ones and silently shifts the rest, so nothing doubtful gets there. */
function toInput(value: unknown): SQLInputValue {
  if (value === null || typeof value === 'string' || typeof value === 'bigint') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (value instanceof Uint8Array) return value
  throw new TypeError(`a parameter of type ${typeof value} cannot be stored`)
}
