import type { Kysely } from 'kysely'
import type { ControlStore } from '#model'
import { createArtefactStore } from './artefacts.ts'
import { createLoginStore } from './logins.ts'
import { migrate } from './migrations.ts'
import { createRequestStore } from './requests.ts'
import { createRevocationStore } from './revocations.ts'
import { createRosterStore } from './roster.ts'
import { createKeyStore, createSecretStore } from './sealed.ts'
import { openSqlite, sqlitePlatform } from './sqlite.ts'
import type { Tables } from './tables.ts'

/** Where the control store lies. */
export interface StoreOptions {
  /** The SQLite file; created, readable by its owner only, when it is not there. Its folder must exist. */
  readonly file: string
}

/**
 * Opens the embedded control store and brings its schema up to date.
 *
 * @throws {GatewayError} `SP_CONFIG_INVALID` when a newer Sallyport wrote it. @throws {Error} when the file cannot be opened or made durable.
 */
export async function openStore({ file }: StoreOptions): Promise<ControlStore> {
  const database = openSqlite(file)
  try {
    await migrate(database, sqlitePlatform)
  } catch (error) {
    await database.destroy()
    throw error
  }
  return createControlStore(database)
}

function createControlStore(database: Kysely<Tables>): ControlStore {
  return {
    identity: {
      artefacts: createArtefactStore(database),
      roster: createRosterStore(database),
      logins: createLoginStore(database),
      revocations: createRevocationStore(database),
    },
    secrets: createSecretStore(database),
    keys: createKeyStore(database),
    requests: createRequestStore(database),
    close: async () => {
      await database.destroy()
    },
  }
}
