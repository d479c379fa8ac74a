import {
  type ColumnDataType,
  type CreateTableBuilder,
  type Kysely,
  type RawBuilder,
  sql,
  type Transaction,
} from 'kysely'
import { GatewayError } from '#model'
import type { Tables } from './tables.ts'

/** What differs between the databases that the schema is written for. */
export interface Platform {
  /** A 64-bit integer. */
  readonly integer: ColumnDataType
  readonly bytes: ColumnDataType
  /** What follows a table's closing bracket. */
  readonly tableOptions?: 'strict'
}

type Migration = (transaction: Transaction<Tables>, platform: Platform) => Promise<void>

/** In order; a migration that was released is never changed, only followed. */
const migrations: readonly Migration[] = [createTables, createRequests]

/**
 * Brings the schema up to date, all missing steps in one transaction.
 *
 * @throws {GatewayError} `SP_CONFIG_INVALID` when a newer Sallyport wrote the store.
 */
export async function migrate(database: Kysely<Tables>, platform: Platform): Promise<void> {
  await database.transaction().execute(async (transaction) => {
    await table(transaction, platform, 'schema_version')
      .ifNotExists()
      .addColumn('version', platform.integer, (column) => column.notNull())
      .execute()
    const row = await transaction.selectFrom('schema_version').select('version').executeTakeFirst()
    const version = row?.version ?? 0
    if (version > migrations.length)
      throw new GatewayError('SP_CONFIG_INVALID', 'the control store was written by a newer version of Sallyport')
    for (const step of migrations.slice(version)) await step(transaction, platform)
    if (row === undefined)
      await transaction.insertInto('schema_version').values({ version: migrations.length }).execute()
    else await transaction.updateTable('schema_version').set({ version: migrations.length }).execute()
  })
}

function table<Name extends keyof Tables>(
  transaction: Transaction<Tables>,
  platform: Platform,
  name: Name,
): CreateTableBuilder<Name> {
  const builder = transaction.schema.createTable(name)
  return platform.tableOptions === undefined ? builder : builder.modifyEnd(sql.raw(platform.tableOptions))
}

function oneOf(column: string, values: readonly string[]): RawBuilder<unknown> {
  return sql`${sql.ref(column)} in (${sql.join(values.map((value) => sql.lit(value)))})`
}

async function createTables(transaction: Transaction<Tables>, platform: Platform): Promise<void> {
  await createArtefacts(transaction, platform)
  await createRoster(transaction, platform)
  await createLogins(transaction, platform)
  await createRevocations(transaction, platform)
  await createSealed(transaction, platform)
}

async function createArtefacts(transaction: Transaction<Tables>, platform: Platform): Promise<void> {
  await table(transaction, platform, 'artefacts')
    .addColumn('model', 'text', (column) => column.notNull())
    .addColumn('digest', 'text', (column) => column.notNull())
    .addColumn('sealed', platform.bytes, (column) => column.notNull())
    .addColumn('grant_id', 'text')
    .addColumn('token_id', 'text')
    .addColumn('uid_digest', 'text')
    .addColumn('user_code_digest', 'text')
    .addColumn('expires_at_ms', platform.integer, (column) => column.notNull())
    .addColumn('keep_until_ms', platform.integer, (column) => column.notNull())
    .addColumn('consumed_at_ms', platform.integer)
    .addPrimaryKeyConstraint('artefacts_key', ['model', 'digest'])
    .execute()
  const lookups = ['grant_id', 'token_id', 'uid_digest', 'user_code_digest', 'keep_until_ms'] as const
  for (const column of lookups)
    await transaction.schema.createIndex(`artefacts_by_${column}`).on('artefacts').column(column).execute()
}

async function createRoster(transaction: Transaction<Tables>, platform: Platform): Promise<void> {
  await table(transaction, platform, 'roster')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('kind', 'text', (column) => column.notNull().check(oneOf('kind', ['person', 'workload'])))
    .addColumn('issuer', 'text', (column) => column.notNull())
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('name', 'text')
    .addColumn('email', 'text')
    .addColumn('groups', 'text', (column) => column.notNull())
    .addColumn('first_seen_ms', platform.integer, (column) => column.notNull())
    .addColumn('last_seen_ms', platform.integer, (column) => column.notNull())
    .execute()
}

async function createLogins(transaction: Transaction<Tables>, platform: Platform): Promise<void> {
  await table(transaction, platform, 'logins')
    .addColumn('grant_id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('identity_id', 'text', (column) => column.notNull())
    .addColumn('client_id', 'text', (column) => column.notNull())
    .addColumn('mfa', platform.integer, (column) => column.notNull())
    .addColumn('created_at_ms', platform.integer, (column) => column.notNull())
    .addColumn('ends_at_ms', platform.integer, (column) => column.notNull())
    .addColumn('revoked_at_ms', platform.integer)
    .addColumn('revoked_by', 'text')
    .addColumn('revoke_reason', 'text')
    .execute()
  await transaction.schema
    .createIndex('logins_by_identity')
    .on('logins')
    .columns(['identity_id', 'created_at_ms'])
    .execute()
}

async function createRevocations(transaction: Transaction<Tables>, platform: Platform): Promise<void> {
  await table(transaction, platform, 'revocations')
    .addColumn('kind', 'text', (column) => column.notNull().check(oneOf('kind', ['token', 'identity'])))
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('at_ms', platform.integer, (column) => column.notNull())
    .addColumn('revoked_by', 'text', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('keep_until_ms', platform.integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('revocations_key', ['kind', 'id'])
    .execute()
}

async function createSealed(transaction: Transaction<Tables>, platform: Platform): Promise<void> {
  await table(transaction, platform, 'secrets')
    .addColumn('name', 'text', (column) => column.primaryKey().notNull())
    .addColumn('sealed', platform.bytes, (column) => column.notNull())
    .addColumn('version', platform.integer, (column) => column.notNull())
    .addColumn('created_at_ms', platform.integer, (column) => column.notNull())
    .addColumn('rotated_at_ms', platform.integer, (column) => column.notNull())
    .addColumn('last_used_at_ms', platform.integer)
    .execute()
  await table(transaction, platform, 'keys')
    .addColumn('name', 'text', (column) => column.primaryKey().notNull())
    .addColumn('sealed', platform.bytes, (column) => column.notNull())
    .addColumn('created_at_ms', platform.integer, (column) => column.notNull())
    .execute()
}

async function createRequests(transaction: Transaction<Tables>, platform: Platform): Promise<void> {
  const states = ['open', 'approved', 'denied', 'expired', 'used']
  await table(transaction, platform, 'requests')
    .addColumn('ref', 'text', (column) => column.primaryKey().notNull())
    .addColumn('digest', 'text', (column) => column.notNull())
    .addColumn('identity_id', 'text', (column) => column.notNull())
    .addColumn('agent_id', 'text')
    .addColumn('agent_name', 'text')
    .addColumn('resource', 'text', (column) => column.notNull())
    .addColumn('server', 'text')
    .addColumn('tool', 'text')
    .addColumn('verb', 'text', (column) => column.notNull())
    .addColumn('template', 'text', (column) => column.notNull())
    .addColumn('need', 'text', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('policies', 'text', (column) => column.notNull())
    .addColumn('policy_hash', 'text', (column) => column.notNull())
    .addColumn('sealed', platform.bytes, (column) => column.notNull())
    .addColumn('opened_at_ms', platform.integer, (column) => column.notNull())
    .addColumn('expires_at_ms', platform.integer, (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull().check(oneOf('status', states)))
    .addColumn('records', 'text', (column) => column.notNull())
    .addColumn('answers', 'text', (column) => column.notNull())
    .addColumn('answer_count', platform.integer, (column) => column.notNull())
    .addColumn('used_at_ms', platform.integer)
    .execute()
  const lookups = [['digest'], ['identity_id', 'status'], ['status', 'expires_at_ms'], ['opened_at_ms']] as const
  for (const columns of lookups)
    await transaction.schema
      .createIndex(`requests_by_${columns[0]}`)
      .on('requests')
      .columns([...columns])
      .execute()
}
