import type { Kysely } from 'kysely'
import type { LoginStore, RevocationNote, StoredLogin } from '#model'
import { keptQuery } from './kept-query.ts'
import type { LoginRow, Tables } from './tables.ts'

/** Logins over the table `logins`. */
export function createLoginStore(database: Kysely<Tables>): LoginStore {
  const find = keptQuery(database, (grantId: string) =>
    database.selectFrom('logins').selectAll().where('grant_id', '=', grantId),
  )
  return {
    create: async (login) => {
      await database.insertInto('logins').values(toRow(login)).execute()
    },
    find: async (grantId) => {
      const row = await find(grantId)
      return row === undefined ? undefined : fromRow(row)
    },
    list: async ({ identityId, activeAtMs, limit }) => {
      let query = database
        .selectFrom('logins')
        .selectAll()
        .orderBy('created_at_ms', 'desc')
        .orderBy('grant_id')
        .limit(limit)
      if (identityId !== undefined) query = query.where('identity_id', '=', identityId)
      if (activeAtMs !== undefined)
        query = query.where('revoked_at_ms', 'is', null).where('ends_at_ms', '>', activeAtMs)
      return (await query.execute()).map(fromRow)
    },
    revoke: async (grantId, note) => {
      const { numUpdatedRows } = await database
        .updateTable('logins')
        .set(toColumns(note))
        .where('grant_id', '=', grantId)
        .where('revoked_at_ms', 'is', null)
        .executeTakeFirst()
      return numUpdatedRows === 1n
    },
    revokeAll: async (identityId, note) => {
      const rows = await database
        .updateTable('logins')
        .set(toColumns(note))
        .where('identity_id', '=', identityId)
        .where('revoked_at_ms', 'is', null)
        .returning('grant_id')
        .execute()
      return rows.map((row) => row.grant_id)
    },
  }
}

function toColumns(note: RevocationNote): Pick<LoginRow, 'revoked_at_ms' | 'revoked_by' | 'revoke_reason'> {
  return { revoked_at_ms: note.atMs, revoked_by: note.by, revoke_reason: note.reason }
}

function toRow(login: StoredLogin): LoginRow {
  return {
    grant_id: login.grantId,
    identity_id: login.identityId,
    client_id: login.clientId,
    mfa: login.mfa ? 1 : 0,
    created_at_ms: login.createdAtMs,
    ends_at_ms: login.endsAtMs,
    revoked_at_ms: login.revoked?.atMs ?? null,
    revoked_by: login.revoked?.by ?? null,
    revoke_reason: login.revoked?.reason ?? null,
  }
}

function fromRow(row: LoginRow): StoredLogin {
  const { revoked_at_ms: atMs, revoked_by: by, revoke_reason: reason } = row
  return {
    grantId: row.grant_id,
    identityId: row.identity_id,
    clientId: row.client_id,
    mfa: row.mfa === 1,
    createdAtMs: row.created_at_ms,
    endsAtMs: row.ends_at_ms,
    ...(atMs === null ? {} : { revoked: { atMs, by: by ?? '', reason: reason ?? '' } }),
  }
}
