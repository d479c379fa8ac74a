import type { Kysely } from 'kysely'
import type { RevocationStore, StoredRevocation } from '#model'
import { Absences } from './absences.ts'
import { keptQuery } from './kept-query.ts'
import type { Tables } from './tables.ts'

/** Revocations of what is not kept itself, over the table `revocations`. */
export function createRevocationStore(database: Kysely<Tables>): RevocationStore {
  const ask = keptQuery(database, (kind: StoredRevocation['kind'], id: string) =>
    database.selectFrom('revocations').selectAll().where('kind', '=', kind).where('id', '=', id),
  )
  // Each request asks whether its job token and its workload were revoked, and hardly any were.
  const absences = new Absences()
  return {
    put: async ({ kind, id, atMs, by, reason, keepUntilMs }) => {
      const changed = { at_ms: atMs, revoked_by: by, reason, keep_until_ms: keepUntilMs }
      await absences.change(() =>
        database
          .insertInto('revocations')
          .values({ kind, id, ...changed })
          .onConflict((conflict) => conflict.columns(['kind', 'id']).doUpdateSet(changed))
          .execute(),
      )
    },
    find: async (kind, id) => {
      const row = await absences.find(`${kind} ${id}`, () => ask(kind, id))
      if (row === undefined) return undefined
      return { kind, id, atMs: row.at_ms, by: row.revoked_by, reason: row.reason, keepUntilMs: row.keep_until_ms }
    },
    sweep: async (nowMs, limit) => {
      const { numDeletedRows } = await database
        .deleteFrom('revocations')
        .where((build) =>
          build(
            build.refTuple('kind', 'id'),
            'in',
            build
              .selectFrom('revocations')
              .select(['kind', 'id'])
              .where('keep_until_ms', '<=', nowMs)
              .limit(limit)
              .$asTuple('kind', 'id'),
          ),
        )
        .executeTakeFirst()
      return Number(numDeletedRows)
    },
  }
}
