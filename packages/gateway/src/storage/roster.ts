import { type Kysely, sql } from 'kysely'
import type { RosterEntry, RosterStore } from '#model'
import { keptQuery } from './kept-query.ts'
import type { RosterRow, Tables } from './tables.ts'

/** More ids at once than a page of anything shows; both databases bind this many parameters. */
const MAX_IDS = 500

/** The roster over the table `roster`. */
export function createRosterStore(database: Kysely<Tables>): RosterStore {
  const find = keptQuery(database, (id: string) => database.selectFrom('roster').selectAll().where('id', '=', id))
  return {
    put: async (entry) => {
      const changed = toColumns(entry)
      await database
        .insertInto('roster')
        .values({ id: entry.id, first_seen_ms: entry.firstSeenMs, ...changed })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(changed))
        .execute()
    },
    find: async (id) => {
      const row = await find(id)
      return row === undefined ? undefined : fromRow(row)
    },
    findAll: async (ids) => {
      if (ids.length > MAX_IDS) throw new RangeError(`at most ${MAX_IDS} ids at once`)
      if (ids.length === 0) return []
      const rows = await database.selectFrom('roster').selectAll().where('id', 'in', ids).execute()
      return rows.map(fromRow)
    },
    search: async (text, limit) => await search(database, text, limit),
    list: async (limit, after) => {
      const all = database.selectFrom('roster').selectAll().orderBy('id').limit(limit)
      const rows = await (after === undefined ? all : all.where('id', '>', after)).execute()
      return rows.map(fromRow)
    },
    erase: async (id) => {
      const { numUpdatedRows } = await database
        .updateTable('roster')
        .set({ name: null, email: null })
        .where('id', '=', id)
        .executeTakeFirst()
      return numUpdatedRows === 1n
    },
  }
}

async function search(database: Kysely<Tables>, text: string, limit: number): Promise<readonly RosterEntry[]> {
  const lowered = sql<string>`lower(${text})`
  const rows = await database
    .selectFrom('roster')
    .selectAll()
    .where((build) =>
      build.or([
        build('id', '=', text),
        build(build.fn<string>('lower', ['name']), '=', lowered),
        build(build.fn<string>('lower', ['email']), '=', lowered),
      ]),
    )
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map(fromRow)
}

/** What seeing somebody again changes. */
function toColumns(entry: RosterEntry): Omit<RosterRow, 'id' | 'first_seen_ms'> {
  return {
    kind: entry.kind,
    issuer: entry.issuer,
    subject: entry.subject,
    name: entry.name ?? null,
    email: entry.email ?? null,
    groups: JSON.stringify(entry.groups),
    last_seen_ms: entry.lastSeenMs,
  }
}

function fromRow(row: RosterRow): RosterEntry {
  return {
    id: row.id,
    kind: row.kind,
    issuer: row.issuer,
    subject: row.subject,
    ...(row.name === null ? {} : { name: row.name }),
    ...(row.email === null ? {} : { email: row.email }),
    groups: parseGroups(row.groups),
    firstSeenMs: row.first_seen_ms,
    lastSeenMs: row.last_seen_ms,
  }
}

function parseGroups(text: string): readonly string[] {
  const groups: unknown = JSON.parse(text)
  if (Array.isArray(groups) && groups.every((group) => typeof group === 'string')) return groups
  throw new TypeError('the groups in the roster are not a list of text')
}
