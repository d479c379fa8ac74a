import type { Kysely } from 'kysely'
import { GatewayError, type KeyStore, type SecretFacts, type SecretStore } from '#model'
import type { SecretRow, Tables } from './tables.ts'

/** Sealed secrets over the table `secrets`. */
export function createSecretStore(database: Kysely<Tables>): SecretStore {
  return {
    find: async (name) => {
      const row = await database.selectFrom('secrets').selectAll().where('name', '=', name).executeTakeFirst()
      return row === undefined ? undefined : { ...toFacts(row), sealed: row.sealed }
    },
    list: async () => {
      const columns = ['name', 'version', 'created_at_ms', 'rotated_at_ms', 'last_used_at_ms'] as const
      return (await database.selectFrom('secrets').select(columns).orderBy('name').execute()).map(toFacts)
    },
    create: async (name, sealed, atMs) => {
      const row = { name, sealed, version: 1, created_at_ms: atMs, rotated_at_ms: atMs, last_used_at_ms: null }
      const { numInsertedOrUpdatedRows } = await database
        .insertInto('secrets')
        .values(row)
        .onConflict((conflict) => conflict.column('name').doNothing())
        .executeTakeFirst()
      return numInsertedOrUpdatedRows === 1n
    },
    replace: async (name, version, sealed, atMs) => {
      const { numUpdatedRows } = await database
        .updateTable('secrets')
        .set({ sealed, version: version + 1, rotated_at_ms: atMs })
        .where('name', '=', name)
        .where('version', '=', version)
        .executeTakeFirst()
      return numUpdatedRows === 1n
    },
    noteUse: async (name, atMs) => {
      await database
        .updateTable('secrets')
        .set({ last_used_at_ms: atMs })
        .where('name', '=', name)
        .where((build) => build.or([build('last_used_at_ms', 'is', null), build('last_used_at_ms', '<', atMs)]))
        .execute()
    },
  }
}

/** Sealed keys over the table `keys`. */
export function createKeyStore(database: Kysely<Tables>): KeyStore {
  const find: KeyStore['find'] = async (name) => {
    const row = await database.selectFrom('keys').select('sealed').where('name', '=', name).executeTakeFirst()
    return row?.sealed
  }
  return {
    find,
    create: async (name, sealed, atMs) => {
      await database
        .insertInto('keys')
        .values({ name, sealed, created_at_ms: atMs })
        .onConflict((conflict) => conflict.column('name').doNothing())
        .execute()
      const inForce = await find(name)
      if (inForce === undefined) throw new GatewayError('SP_VAULT_SEAL_BROKEN', `the key ${name} is not in the store`)
      return inForce
    },
  }
}

function toFacts(row: Omit<SecretRow, 'sealed'>): SecretFacts {
  return {
    name: row.name,
    version: row.version,
    createdAtMs: row.created_at_ms,
    rotatedAtMs: row.rotated_at_ms,
    ...(row.last_used_at_ms === null ? {} : { lastUsedAtMs: row.last_used_at_ms }),
  }
}
