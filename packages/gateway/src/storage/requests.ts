import { type ExpressionBuilder, type ExpressionWrapper, type Kysely, type SqlBool } from 'kysely'
import type { RequestStore, StoredAnswer, StoredRequest } from '#model'
import type { RequestRow, Tables } from './tables.ts'

/** What a request's payload becomes once nothing of it can be answered or run any more: whoever erases a day's payloads need not look here. */
const WIPED = new Uint8Array()

/** Requests over the table `requests`. */
export function createRequestStore(database: Kysely<Tables>): RequestStore {
  return {
    create: async (request) => {
      await database.insertInto('requests').values(toRow(request)).execute()
    },
    find: async (ref) => await findOne(database, ref),
    findByDigest: async (digest, nowMs) => {
      const row = await database
        .selectFrom('requests')
        .selectAll()
        .where('digest', '=', digest)
        .where('status', 'in', ['open', 'approved', 'denied'])
        .where('expires_at_ms', '>', nowMs)
        .orderBy('opened_at_ms', 'desc')
        .orderBy('ref', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row === undefined ? undefined : fromRow(row)
    },
    countOpen: async ({ identityId, agentId }, nowMs) => {
      const { count } = await database
        .selectFrom('requests')
        .select((build) => build.fn.countAll<number>().as('count'))
        .where('identity_id', '=', identityId)
        .where('agent_id', agentId === undefined ? 'is' : '=', agentId ?? null)
        .where('status', '=', 'open')
        .where('expires_at_ms', '>', nowMs)
        .executeTakeFirstOrThrow()
      return Number(count)
    },
    list: async ({ identityId, limit }) => {
      let query = database.selectFrom('requests').selectAll()
      if (identityId !== undefined) query = query.where('identity_id', '=', identityId)
      const rows = await query.orderBy('opened_at_ms', 'desc').orderBy('ref', 'desc').limit(limit).execute()
      return rows.map(fromRow)
    },
    liveOf: async (identityId, nowMs) => {
      const live = await database
        .selectFrom('requests')
        .select(['ref', 'identity_id', 'answers'])
        .where('status', 'in', ['open', 'approved'])
        .where('expires_at_ms', '>', nowMs)
        .where((build) => build.or([build('identity_id', '=', identityId), build('answer_count', '>', 0)]))
        .orderBy('opened_at_ms', 'desc')
        .orderBy('ref', 'desc')
        .execute()
      return live.filter((row) => row.identity_id === identityId || isApprovedBy(row, identityId)).map(({ ref }) => ref)
    },
    ...changes(database),
  }
}

/** Who has denied a request ended it, so every answer of a live one is an approval. */
function isApprovedBy({ answers }: Pick<RequestRow, 'answers'>, identityId: string): boolean {
  return (JSON.parse(answers) as readonly StoredAnswer[]).some((answer) => answer.identityId === identityId)
}

/** The changes: each is one statement that names what it finds, so that of two callers one wins. */
function changes(database: Kysely<Tables>): Pick<RequestStore, 'answer' | 'use' | 'due' | 'expire' | 'sweep'> {
  return {
    answer: async (ref, answers, { answer, record, status, expiresAtMs }) => {
      const request = await findOne(database, ref)
      if (request?.answers.length !== answers) return false
      const { numUpdatedRows } = await database
        .updateTable('requests')
        .set({
          answers: JSON.stringify([...request.answers, answer]),
          answer_count: answers + 1,
          records: JSON.stringify([...request.records, record]),
          status,
          ...(expiresAtMs === undefined ? {} : { expires_at_ms: expiresAtMs }),
          ...(status === 'denied' ? { sealed: WIPED } : {}),
        })
        .where('ref', '=', ref)
        .where('status', '=', 'open')
        .where('answer_count', '=', answers)
        .where('expires_at_ms', '>', answer.atMs)
        .executeTakeFirst()
      return numUpdatedRows === 1n
    },
    use: async (ref, atMs) => {
      const { numUpdatedRows } = await database
        .updateTable('requests')
        .set({ status: 'used', used_at_ms: atMs, sealed: WIPED })
        .where('ref', '=', ref)
        .where('status', '=', 'approved')
        .where('expires_at_ms', '>', atMs)
        .executeTakeFirst()
      return numUpdatedRows === 1n
    },
    due: async (nowMs, limit) => {
      const due = database.selectFrom('requests').selectAll().where(isDue(nowMs))
      return (await due.orderBy('expires_at_ms').orderBy('ref').limit(limit).execute()).map(fromRow)
    },
    expire: async (ref, record, nowMs) => {
      const request = await findOne(database, ref)
      if (request === undefined) return false
      const { numUpdatedRows } = await database
        .updateTable('requests')
        .set({ status: 'expired', records: JSON.stringify([...request.records, record]), sealed: WIPED })
        .where('ref', '=', ref)
        .where('answer_count', '=', request.answers.length)
        .where(isDue(nowMs))
        .executeTakeFirst()
      return numUpdatedRows === 1n
    },
    sweep: async (overAtMs, limit) => {
      const over = database
        .selectFrom('requests')
        .select('ref')
        .where('status', 'in', ['denied', 'expired', 'used'])
        .where('expires_at_ms', '<=', overAtMs)
        .limit(limit)
      const { numDeletedRows } = await database.deleteFrom('requests').where('ref', 'in', over).executeTakeFirst()
      return Number(numDeletedRows)
    },
  }
}

async function findOne(database: Kysely<Tables>, ref: string): Promise<StoredRequest | undefined> {
  const row = await database.selectFrom('requests').selectAll().where('ref', '=', ref).executeTakeFirst()
  return row === undefined ? undefined : fromRow(row)
}

function isDue(
  nowMs: number,
): (build: ExpressionBuilder<Tables, 'requests'>) => ExpressionWrapper<Tables, 'requests', SqlBool> {
  return (build) => build.and([build('status', 'in', ['open', 'approved']), build('expires_at_ms', '<=', nowMs)])
}

function toRow(request: StoredRequest): RequestRow {
  return {
    ref: request.ref,
    digest: request.digest,
    identity_id: request.identityId,
    agent_id: request.agentId ?? null,
    agent_name: request.agentName ?? null,
    resource: request.resource,
    server: request.server ?? null,
    tool: request.tool ?? null,
    verb: request.verb,
    template: request.template,
    need: request.need,
    reason: request.reason,
    policies: JSON.stringify(request.policies),
    policy_hash: request.policyHash,
    sealed: request.sealed,
    opened_at_ms: request.openedAtMs,
    expires_at_ms: request.expiresAtMs,
    status: request.status,
    records: JSON.stringify(request.records),
    answers: JSON.stringify(request.answers),
    answer_count: request.answers.length,
    used_at_ms: request.usedAtMs ?? null,
  }
}

function fromRow(row: RequestRow): StoredRequest {
  return {
    ref: row.ref,
    digest: row.digest,
    identityId: row.identity_id,
    ...(row.agent_id === null ? {} : { agentId: row.agent_id }),
    ...(row.agent_name === null ? {} : { agentName: row.agent_name }),
    resource: row.resource,
    ...(row.server === null ? {} : { server: row.server }),
    ...(row.tool === null ? {} : { tool: row.tool }),
    verb: row.verb,
    template: row.template,
    need: row.need,
    reason: row.reason,
    policies: parseList(row.policies, isText),
    policyHash: row.policy_hash,
    sealed: row.sealed,
    openedAtMs: row.opened_at_ms,
    expiresAtMs: row.expires_at_ms,
    status: row.status,
    records: parseList(row.records, isNumber),
    answers: parseList(row.answers, isAnswer),
    ...(row.used_at_ms === null ? {} : { usedAtMs: row.used_at_ms }),
  }
}

function parseList<T>(text: string, isItem: (item: unknown) => item is T): readonly T[] {
  const list: unknown = JSON.parse(text)
  if (Array.isArray(list) && list.every(isItem)) return list
  throw new TypeError('a list of a request is not what was written')
}

const isText = (item: unknown): item is string => typeof item === 'string'
const isNumber = (item: unknown): item is number => typeof item === 'number'

function isAnswer(item: unknown): item is StoredAnswer {
  if (typeof item !== 'object' || item === null) return false
  const { identityId, answer, groups, reason, atMs } = item as Readonly<Record<string, unknown>>
  return (
    isText(identityId) &&
    (answer === 'approve' || answer === 'deny') &&
    Array.isArray(groups) &&
    groups.every(isText) &&
    isText(reason) &&
    isNumber(atMs)
  )
}
