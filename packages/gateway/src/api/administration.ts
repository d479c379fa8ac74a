import { type Context, Hono } from 'hono'
import { Secret } from '#base'
import { ApiRefusal, authorize, may } from './access.ts'
import {
  API_VERSION,
  reasonBody,
  revocationBody,
  type RevocationRequest,
  secretBody,
  type SecretList,
  type SessionList,
  type SessionView,
  type TrailStatusView,
  type TrailVerification,
  type WhoAmI,
} from './contract.ts'
import type { ApiEnvironment } from './environment.ts'
import { parseBody } from './input.ts'
import type { ApiServices, RevocationTarget } from './services.ts'
import { transcript } from './transcript.ts'

/** `GET /whoami`: the caller as Sallyport knows them, and what they may reach. */
export function whoami(services: ApiServices, context: Context<ApiEnvironment>): Response {
  const { id, name, kind, groups, mfa } = context.var.caller.identity
  const now = services.clock.nowMs()
  const resources = services.resources.map((resource) => ({
    name: resource.name,
    kind: resource.kind,
    ...(resource.zone === undefined ? {} : { zone: resource.zone }),
    connect: services.policy().decideConnect(context.var.caller.identity, resource, now, context.var.caller.client)
      .outcome,
  }))
  const answer: WhoAmI = {
    apiVersion: API_VERSION,
    kind: 'WhoAmI',
    identity: { id, name, kind, groups, mfa },
    resources,
  }
  return context.json(answer)
}

/** Routes over live sessions. */
export function sessionRoutes(services: ApiServices): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>()
  routes.get('/', async (context) => {
    await authorize(services, context.var.caller, { action: 'listSessions', activity: 'list-sessions' })
    const answer: SessionList = { apiVersion: API_VERSION, kind: 'SessionList', sessions: views(services) }
    return context.json(answer)
  })
  routes.get('/:id', async (context) => {
    const id = context.req.param('id')
    await authorize(services, context.var.caller, {
      action: 'listSessions',
      activity: 'list-sessions',
      details: { session: id.slice(0, 64) },
    })
    const sessions = views(services).filter((session) => session.id === id)
    if (sessions.length === 0) throw new ApiRefusal('SP_API_NOT_FOUND', 'no open session has this id')
    const answer: SessionList = { apiVersion: API_VERSION, kind: 'SessionList', sessions }
    return context.json(answer)
  })
  routes.get('/:id/transcript', (context) => transcript(services, context))
  routes.post('/:id/end', async (context) => {
    const { reason } = await parseBody(context, reasonBody)
    const id = context.req.param('id')
    await authorize(services, context.var.caller, {
      action: 'endSession',
      activity: 'end-session',
      details: { session: id.slice(0, 64), reason },
    })
    if (!services.sessions.end(id, context.var.caller.identity.name, reason))
      throw new ApiRefusal('SP_API_NOT_FOUND', 'no open session has this id')
    return context.body(null, 204)
  })
  return routes
}

function views(services: ApiServices): readonly SessionView[] {
  return services.sessions.list().map(({ session, lastActiveMs, operations, running }) => ({
    id: session.id,
    identity: { id: session.identity.id, name: session.identity.name },
    resource: session.resource.name,
    client: `${session.client.address}:${session.client.port}`,
    startedAtMs: session.startedAtMs,
    endsAtMs: session.endsAtMs,
    lastActiveMs,
    operations,
    running,
    tokenId: session.tokenId,
    grantId: session.grantId,
  }))
}

/** Routes over the vault. Values go in and never come out. */
export function secretRoutes(services: ApiServices): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>()
  routes.get('/', async (context) => {
    await authorize(services, context.var.caller, { action: 'listSecrets', activity: 'list-secrets' })
    const answer: SecretList = { apiVersion: API_VERSION, kind: 'SecretList', secrets: await services.secrets.list() }
    return context.json(answer)
  })
  routes.put('/:name', async (context) => {
    const name = secretName(context)
    const { value } = await parseBody(context, secretBody)
    await authorize(services, context.var.caller, {
      action: 'setSecret',
      activity: 'set-secret',
      details: { secret: name },
    })
    await services.secrets.set(name, new Secret(value), context.var.caller.identity)
    return context.body(null, 204)
  })
  routes.post('/:name/rotate', async (context) => {
    const name = secretName(context)
    const { value } = await parseBody(context, secretBody)
    await authorize(services, context.var.caller, {
      action: 'setSecret',
      activity: 'rotate-secret',
      details: { secret: name },
    })
    await services.secrets.rotate(name, new Secret(value), context.var.caller.identity)
    return context.body(null, 204)
  })
  return routes
}

function secretName(context: Context<ApiEnvironment>): string {
  const name = context.req.param('name') ?? ''
  if (/^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) return name
  throw new ApiRefusal('SP_API_INVALID', 'a secret is named by lower-case letters, digits and hyphens, at most 63')
}

/** `POST /revocations`: by policy only; `sallyport logout` gives up one's own login at the authorization server (RFC 7009). */
export async function revoke(services: ApiServices, context: Context<ApiEnvironment>): Promise<Response> {
  const request = await parseBody(context, revocationBody)
  const { caller } = context.var
  const { identity } = caller
  // Whoever may not revoke is not told who is known here.
  if (!may(services, caller, 'revoke')) {
    await authorize(services, caller, { action: 'revoke', activity: 'revoke', details: { reason: request.reason } })
  }
  const target = await toTarget(services, request)
  const details = { target: target.kind, reason: request.reason, ...publicName(target) }
  await authorize(services, caller, { action: 'revoke', activity: 'revoke', details })
  if (!(await services.logins.revoke(target, identity, request.reason)))
    throw new ApiRefusal('SP_API_NOT_FOUND', 'there is nothing of that name to revoke')
  return context.body(null, 204)
}

async function toTarget(services: ApiServices, request: RevocationRequest): Promise<RevocationTarget> {
  // By its name, which the record can say.
  if (request.token !== undefined)
    return { kind: 'token-id', tokenId: services.logins.tokenIdOf(new Secret(request.token)) }
  if (request.tokenId !== undefined) return { kind: 'token-id', tokenId: request.tokenId }
  if (request.grantId !== undefined) return { kind: 'grant', grantId: request.grantId }
  const identityId = await services.logins.find(request.person ?? '')
  if (identityId === undefined) throw new ApiRefusal('SP_API_NOT_FOUND', 'nobody of that name is known')
  return { kind: 'identity', identityId }
}

/** What a record may say of the target: never the token. */
function publicName(target: RevocationTarget): Readonly<Record<string, string>> {
  switch (target.kind) {
    case 'token-id':
      return { token: target.tokenId }
    case 'grant':
      return { grant: target.grantId }
    case 'identity':
      return { identity: target.identityId }
    default:
      return target satisfies never
  }
}

/** Routes over the trail as a whole. */
export function trailRoutes(services: ApiServices): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>()
  routes.get('/status', async (context) => {
    await authorize(services, context.var.caller, { action: 'readTrail', activity: 'trail-status' })
    const answer: TrailStatusView = {
      apiVersion: API_VERSION,
      kind: 'TrailStatus',
      ...(await services.reader.status()),
    }
    return context.json(answer)
  })
  routes.post('/verify', async (context) => {
    await authorize(services, context.var.caller, { action: 'readTrail', activity: 'verify-trail' })
    const answer: TrailVerification = {
      apiVersion: API_VERSION,
      kind: 'TrailVerification',
      ...(await services.verifyTrail()),
    }
    return context.json(answer)
  })
  return routes
}
