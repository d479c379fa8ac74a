import { type Context, Hono } from 'hono'
import { formatRef, fromUtf8, parseRef } from '#base'
import type { Identity } from '#model'
import { ApiRefusal, type Caller, may, recordNotFound, recordOwn } from './access.ts'
import { API_VERSION, reasonBody } from './contract.ts'
import type { ApiEnvironment } from './environment.ts'
import { parseBody, parseQuery } from './input.ts'
import {
  approvalBody,
  type RequestFacts,
  requestFilter,
  type RequestList,
  type RequestView,
} from './request-contract.ts'
import type { ApiServices } from './services.ts'

/**
 * Routes over requests for held operations. Who asked and who may answer needs no further permit to see one; whoever may read the trail sees all.
 * Being allowed to read is never being allowed to answer: that the request itself decides.
 */
export function requestRoutes(services: ApiServices): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>()
  routes.get('/', (context) => list(services, context))
  routes.get('/:ref', (context) => show(services, context))
  routes.post('/:ref/approve', async (context) => {
    const { reason } = await parseBody(context, approvalBody)
    return await answer(services, context, 'approve', reason)
  })
  routes.post('/:ref/deny', async (context) => {
    const { reason } = await parseBody(context, reasonBody)
    return await answer(services, context, 'deny', reason)
  })
  return routes
}

async function list(services: ApiServices, context: Context<ApiEnvironment>): Promise<Response> {
  const { status, mine, limit } = parseQuery(context, requestFilter)
  const { caller } = context.var
  const wish = { mine, limit, ...(status === undefined ? {} : { status }) }
  await recordOwn(services, caller, 'list-requests', { mine, ...(status === undefined ? {} : { status }) })
  const requests = await services.approvals.list(caller.identity, wish, seesAll(services, caller))
  const answer: RequestList = {
    apiVersion: API_VERSION,
    kind: 'RequestList',
    requests,
    names: await services.logins.names([...new Set(requests.flatMap(personsOf))]),
  }
  return context.json(answer)
}

async function show(services: ApiServices, context: Context<ApiEnvironment>): Promise<Response> {
  const ref = refOf(context)
  const { caller } = context.var
  const request = await services.approvals.find(ref, caller.identity, seesAll(services, caller))
  if (request === undefined) throw unknown(ref)
  await recordOwn(services, caller, 'show-request', { ref })
  const payload = await payloadOf(services, caller, request)
  const view = await viewOf(services, request)
  return context.json(payload === undefined ? view : { ...view, payload: fromUtf8(payload) })
}

/**
 * What exactly is asked. The request has its own copy while it can be answered or used, for whoever may know of it by themselves; the record of the
 * held operation has one as long as payloads are kept, for whoever asked or answered. Who may see all requests needs policy's leave to open payloads
 * for both.
 */
async function payloadOf(
  services: ApiServices,
  caller: Caller,
  request: RequestFacts,
): Promise<Uint8Array | undefined> {
  const { ref } = request
  const { identity } = caller
  const mayOpen = may(services, caller, 'openPayload')
  if (mayOpen || (await services.approvals.find(ref, identity, false)) !== undefined) {
    const own = await services.approvals.payload(ref)
    if (own !== undefined) return own
  }
  const sequence = parseRef(ref)
  if (sequence === undefined || !(mayOpen || personsOf(request).includes(identity.id))) return undefined
  return await services.reader.payload(sequence)
}

async function answer(
  services: ApiServices,
  context: Context<ApiEnvironment>,
  given: 'approve' | 'deny',
  reason: string,
): Promise<Response> {
  const ref = refOf(context)
  const { caller } = context.var
  const { identity, client } = caller
  const by = { identity, client, knowsAll: seesAll(services, caller) }
  const became = await services.approvals.answer(ref, by, given, reason)
  switch (became.kind) {
    case 'unknown':
      // The record, too, is the same whether or not there is such a request: whoever tried may ask about their own records.
      throw unknown(ref, await recordNotFound(services, caller, `${given}-request`, { ref }))
    case 'refused':
      throw new ApiRefusal(became.code, became.reason, formatRef(became.record), ref)
    case 'answered':
      return context.json(await viewOf(services, became.request))
    default:
      return became satisfies never
  }
}

async function viewOf(services: ApiServices, request: RequestFacts): Promise<RequestView> {
  const names = await services.logins.names(personsOf(request))
  return { apiVersion: API_VERSION, kind: 'Request', request, names }
}

/** The reference as it is kept; a mistyped one is none. */
function refOf(context: Context<ApiEnvironment>): string {
  const text = context.req.param('ref') ?? ''
  const sequence = parseRef(text)
  if (sequence === undefined) throw unknown(text)
  return formatRef(sequence)
}

function unknown(ref: string, record?: string): ApiRefusal {
  return new ApiRefusal(
    'SP_API_NOT_FOUND',
    `no request that you may see has the reference ${JSON.stringify(ref.slice(0, 32))}`,
    record,
  )
}

function seesAll(services: ApiServices, caller: Caller): boolean {
  return may(services, caller, 'readTrail')
}

function personsOf(request: RequestFacts): readonly Identity['id'][] {
  return [...new Set([request.identityId, ...request.answers.map(({ identityId }) => identityId)])]
}
