import { type Context, Hono } from 'hono'
import { streamText } from 'hono/streaming'
import { formatRef, fromUtf8, parseRef } from '#base'
import type { RecordQuery, RecordRow } from '#model/read'
import { ApiRefusal, authorize, isTouched, may, recordOwn } from './access.ts'
import {
  API_VERSION,
  type PayloadView,
  type RecordExplanation,
  type RecordFilter,
  recordFilter,
  type RecordList,
} from './contract.ts'
import type { ApiEnvironment } from './environment.ts'
import { parseQuery } from './input.ts'
import { actorOf, callsOf, caughtUp, personsOf, requestOf, toView } from './record-view.ts'
import type { ApiServices } from './services.ts'

/** How often a following reader looks for new records. */
const FOLLOW_INTERVAL_MS = 300
/** A following reader is asked to come again after this long. */
const FOLLOW_LIMIT_MS = 3_600_000

/** Routes that read the trail. Each reading is a record of its own, written before anything is shown. */
export function recordRoutes(services: ApiServices): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>()
  routes.get('/', (context) => list(services, context))
  routes.get('/follow', (context) => follow(services, context))
  routes.get('/:ref', (context) => explain(services, context))
  routes.get('/:ref/payload', (context) => payload(services, context))
  return routes
}

async function list(services: ApiServices, context: Context<ApiEnvironment>): Promise<Response> {
  const filter = parseQuery(context, recordFilter)
  await caughtUp(services)
  const { query, words } = await toQuery(services, filter)
  await authorize(services, context.var.caller, {
    action: 'readTrail',
    activity: 'read-trail',
    details: { filter: words },
  })
  const page = await services.reader.query(query)
  const list: RecordList = {
    apiVersion: API_VERSION,
    kind: 'RecordList',
    records: page.rows.map(toView),
    names: await services.logins.names([...new Set(page.rows.flatMap(personsOf))]),
    indexed: page.indexed,
  }
  return context.json(list)
}

async function follow(services: ApiServices, context: Context<ApiEnvironment>): Promise<Response> {
  const filter = parseQuery(context, recordFilter)
  const { caller } = context.var
  const { query, words } = await toQuery(services, filter)
  await authorize(services, caller, { action: 'readTrail', activity: 'follow-trail', details: { filter: words } })
  const until = services.clock.monotonicMs() + FOLLOW_LIMIT_MS
  context.header('Content-Type', 'application/jsonl')
  return streamText(context, async (stream) => {
    let isRevoked = false
    const stopListening = services.logins.onRevoked((revocation) => {
      isRevoked ||= isTouched(caller, revocation)
    })
    const isOver = (): boolean =>
      stream.aborted ||
      isRevoked ||
      services.clock.monotonicMs() >= until ||
      services.clock.nowMs() >= caller.login.grantEndsAtMs ||
      !may(services, caller, 'readTrail')
    try {
      let after = filter.after ?? (await services.reader.status()).indexed - 1
      while (!isOver()) {
        const page = await services.reader.query({ ...query, after })
        const names = await services.logins.names(page.rows.flatMap(personsOf))
        for (const row of page.rows) await stream.writeln(JSON.stringify({ ...toView(row), names }))
        after =
          page.rows.length === query.limit ? (page.rows.at(-1)?.sequence ?? after) : Math.max(after, page.indexed - 1)
        await stream.sleep(FOLLOW_INTERVAL_MS)
      }
    } finally {
      stopListening()
    }
  })
}

async function explain(services: ApiServices, context: Context<ApiEnvironment>): Promise<Response> {
  const row = await find(services, context)
  const { caller } = context.var
  const ref = formatRef(row.sequence)
  // Everybody may ask why about themselves; about others only by policy.
  const own = actorOf(row.leaf) === caller.identity.id
  if (own) await recordOwn(services, caller, 'explain', { ref })
  else await authorize(services, caller, { action: 'explain', activity: 'explain', details: { ref } })
  const around = await surroundings(services, row)
  const named = [row, ...around.causes, ...around.caused, ...around.request].flatMap(personsOf)
  const explanation: RecordExplanation = {
    apiVersion: API_VERSION,
    kind: 'RecordExplanation',
    record: toView(row),
    names: await services.logins.names([...new Set(named)]),
    explanation: services.explain.explain(row, may(services, caller, 'explain')),
    causes: around.causes.map(toView),
    caused: around.caused.map(toView),
    request: around.request.map(toView),
  }
  return context.json(explanation)
}

/** As much of what is around a record as `why` shows. */
const MAX_AROUND = 50

interface Surroundings {
  readonly causes: readonly RecordRow[]
  readonly caused: readonly RecordRow[]
  readonly request: readonly RecordRow[]
}

/** The calls behind a record, what it caused itself, and the request for approval that it is about. */
async function surroundings({ reader }: ApiServices, row: RecordRow): Promise<Surroundings> {
  const calls = await Promise.all(callsOf(row).map((call) => reader.record(call)))
  const caused = await reader.query({ causedBy: row.sequence, after: -1, limit: MAX_AROUND })
  const approval = requestOf(row)
  const request = approval === undefined ? undefined : await reader.query({ approval, after: -1, limit: MAX_AROUND })
  return {
    causes: calls.filter((call) => call !== undefined),
    caused: caused.rows,
    request: request?.rows ?? [],
  }
}

async function payload(services: ApiServices, context: Context<ApiEnvironment>): Promise<Response> {
  const row = await find(services, context)
  const ref = formatRef(row.sequence)
  await authorize(services, context.var.caller, { action: 'openPayload', activity: 'open-payload', details: { ref } })
  const bytes = await services.reader.payload(row.sequence)
  if (bytes === undefined)
    throw new ApiRefusal('SP_API_NOT_FOUND', `record ${ref} has no payload, or its key was erased`)
  const view: PayloadView = { apiVersion: API_VERSION, kind: 'Payload', ref, payload: fromUtf8(bytes) }
  return context.json(view)
}

/** A record by reference or number. Nobody learns whether a record exists before policy lets them read others'. */
async function find(services: ApiServices, context: Context<ApiEnvironment>): Promise<RecordRow> {
  const text = context.req.param('ref') ?? ''
  const sequence = parseRef(text)
  if (sequence !== undefined) await caughtUp(services, sequence)
  const row = sequence === undefined ? undefined : await services.reader.record(sequence)
  if (row !== undefined) return row
  throw new ApiRefusal('SP_API_NOT_FOUND', `no record has the reference ${JSON.stringify(text.slice(0, 32))}`)
}

/** What to look for, and the words for the record of it: a record names people by their ids only. */
async function toQuery(
  services: ApiServices,
  filter: RecordFilter,
): Promise<{ readonly query: RecordQuery; readonly words: string }> {
  const { identity, from, to, ...rest } = filter
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)) as Omit<
    RecordFilter,
    'identity' | 'from' | 'to'
  >
  const known = identity === undefined ? undefined : await services.logins.find(identity)
  const id = known ?? identity
  const query = {
    ...(given as RecordQuery),
    ...(id === undefined ? {} : { identity: id }),
    ...(from === undefined ? {} : { fromMs: from }),
    ...(to === undefined ? {} : { toMs: to }),
  }
  return { query, words: describe(identity === undefined ? filter : { ...filter, identity: known ?? '?' }) }
}

function describe(filter: RecordFilter): string {
  return new URLSearchParams(
    Object.entries(filter).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]])),
  ).toString()
}
