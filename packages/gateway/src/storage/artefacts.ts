import type { Kysely } from 'kysely'
import type { ArtefactStore, StoredArtefact } from '#model'
import { keptQuery } from './kept-query.ts'
import type { ArtefactRow, Tables } from './tables.ts'

/** OAuth artefacts over the table `artefacts`. */
export function createArtefactStore(database: Kysely<Tables>): ArtefactStore {
  return {
    put: async (artefact) => {
      const { model, digest, consumedAtMs } = artefact
      const changed = toColumns(artefact)
      await database
        .insertInto('artefacts')
        .values({ model, digest, consumed_at_ms: consumedAtMs ?? null, ...changed })
        .onConflict((conflict) => conflict.columns(['model', 'digest']).doUpdateSet(changed))
        .execute()
    },
    find: finder(database, 'digest'),
    findByUid: finder(database, 'uid_digest'),
    findByUserCode: finder(database, 'user_code_digest'),
    findByTokenId: async (tokenId) => {
      const row = await database.selectFrom('artefacts').selectAll().where('token_id', '=', tokenId).executeTakeFirst()
      return row === undefined ? undefined : fromRow(row)
    },
    count: async (model) => {
      const { count } = await database
        .selectFrom('artefacts')
        .select((build) => build.fn.countAll().as('count'))
        .where('model', '=', model)
        .executeTakeFirstOrThrow()
      return Number(count)
    },
    ...changes(database),
  }
}

function changes(
  database: Kysely<Tables>,
): Pick<ArtefactStore, 'consume' | 'release' | 'remove' | 'removeByGrant' | 'sweep'> {
  return {
    consume: async (model, digest, atMs) => {
      const { numUpdatedRows } = await database
        .updateTable('artefacts')
        .set({ consumed_at_ms: atMs })
        .where('model', '=', model)
        .where('digest', '=', digest)
        .where('consumed_at_ms', 'is', null)
        .executeTakeFirst()
      return numUpdatedRows === 1n
    },
    release: async (model, digest) => {
      await database
        .updateTable('artefacts')
        .set({ consumed_at_ms: null })
        .where('model', '=', model)
        .where('digest', '=', digest)
        .execute()
    },
    remove: async (model, digest) => {
      await database.deleteFrom('artefacts').where('model', '=', model).where('digest', '=', digest).execute()
    },
    removeByGrant: async (grantId) => {
      await database.deleteFrom('artefacts').where('grant_id', '=', grantId).execute()
    },
    sweep: async (nowMs, limit) => {
      const { numDeletedRows } = await database
        .deleteFrom('artefacts')
        .where((build) =>
          build(
            build.refTuple('model', 'digest'),
            'in',
            build
              .selectFrom('artefacts')
              .select(['model', 'digest'])
              .where('keep_until_ms', '<=', nowMs)
              .limit(limit)
              .$asTuple('model', 'digest'),
          ),
        )
        .executeTakeFirst()
      return Number(numDeletedRows)
    },
  }
}

function finder(
  database: Kysely<Tables>,
  column: 'digest' | 'uid_digest' | 'user_code_digest',
): (model: string, value: string) => Promise<StoredArtefact | undefined> {
  const find = keptQuery(database, (model: string, value: string) =>
    database.selectFrom('artefacts').selectAll().where('model', '=', model).where(column, '=', value),
  )
  return async (model, value) => {
    const row = await find(model, value)
    return row === undefined ? undefined : fromRow(row)
  }
}

/** What writing an artefact again changes. */
function toColumns(artefact: StoredArtefact): Omit<ArtefactRow, 'model' | 'digest' | 'consumed_at_ms'> {
  return {
    sealed: artefact.sealed,
    grant_id: artefact.grantId ?? null,
    token_id: artefact.tokenId ?? null,
    uid_digest: artefact.uidDigest ?? null,
    user_code_digest: artefact.userCodeDigest ?? null,
    expires_at_ms: artefact.expiresAtMs,
    keep_until_ms: artefact.keepUntilMs,
  }
}

function fromRow(row: ArtefactRow): StoredArtefact {
  return {
    model: row.model,
    digest: row.digest,
    sealed: row.sealed,
    ...(row.grant_id === null ? {} : { grantId: row.grant_id }),
    ...(row.token_id === null ? {} : { tokenId: row.token_id }),
    ...(row.uid_digest === null ? {} : { uidDigest: row.uid_digest }),
    ...(row.user_code_digest === null ? {} : { userCodeDigest: row.user_code_digest }),
    expiresAtMs: row.expires_at_ms,
    keepUntilMs: row.keep_until_ms,
    ...(row.consumed_at_ms === null ? {} : { consumedAtMs: row.consumed_at_ms }),
  }
}
