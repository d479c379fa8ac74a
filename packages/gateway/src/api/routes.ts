import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { FailedAttempts } from '#base'
import { GatewayError } from '#model'
import { ApiRefusal, authenticate } from './access.ts'
import { revoke, secretRoutes, sessionRoutes, trailRoutes, whoami } from './administration.ts'
import { entitlements } from './entitlements.ts'
import type { ApiEnvironment } from './environment.ts'
import { evidenceRoutes } from './evidence.ts'
import { toProblem } from './problem.ts'
import { recordRoutes } from './records.ts'
import { requestRoutes } from './requests.ts'
import type { ApiServices } from './services.ts'

/** No request of this API needs more. */
const MAX_BODY_BYTES = 64 * 1024
/** Of one address within a minute; people behind one address share it. Each is a record, and nobody may write those without end before they are known. */
const MAX_REFUSED_TOKENS = 60

/** Builds the API under `/api/v1`, with `/healthz`, `/readyz` and `/version` beside it. */
export function createApi(services: ApiServices): Hono<ApiEnvironment> {
  const app = new Hono<ApiEnvironment>()
  app.get('/healthz', (context) => context.json({ ok: true }))
  app.get('/readyz', async (context) => {
    const checks = await services.readiness()
    return context.json(checks, Object.values(checks).every(Boolean) ? 200 : 503)
  })
  app.get('/version', (context) => context.json({ version: services.version }))
  app.route('/api/v1', authenticated(services))
  app.notFound((context) => problemResponse('SP_API_NOT_FOUND', context.req.path))
  app.onError((error) => answerError(error, services))
  return app
}

function authenticated(services: ApiServices): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>()
  const refused = new FailedAttempts(services.clock, MAX_REFUSED_TOKENS)
  routes.use(
    bodyLimit({ maxSize: MAX_BODY_BYTES, onError: () => problemResponse('SP_API_INVALID', 'the body is too large') }),
  )
  routes.use(async (context, next) => {
    // All of it first: who is revoked while they send it is let in no more. What does not arrive is not valid, which is said to whoever is let in.
    await context.req.arrayBuffer().catch(() => undefined)
    const { socket } = context.env.incoming
    const { remoteAddress: address = 'unknown', remotePort: port = 0 } = socket
    const client = { address, port, tls: 'encrypted' in socket }
    context.set('caller', await authenticate(services, refused, context.req.header('authorization'), client))
    context.header('Cache-Control', 'no-store')
    await next()
  })
  routes.get('/whoami', (context) => whoami(services, context))
  routes.post('/revocations', (context) => revoke(services, context))
  routes.route('/records', recordRoutes(services))
  routes.route('/requests', requestRoutes(services))
  routes.route('/evidence', evidenceRoutes(services))
  routes.get('/entitlements', (context) => entitlements(services, context))
  routes.route('/sessions', sessionRoutes(services))
  routes.route('/secrets', secretRoutes(services))
  routes.route('/trail', trailRoutes(services))
  return routes
}

function answerError(error: Error, { log }: ApiServices): Response {
  if (error instanceof ApiRefusal) return problemResponse(error.code, error.message, error.ref, error.about)
  if (error instanceof GatewayError) return problemResponse(error.code)
  log.error('api.fault', { error: error.message })
  return problemResponse('SP_API_UNAVAILABLE')
}

function problemResponse(...facts: Parameters<typeof toProblem>): Response {
  const problem = toProblem(...facts)
  const headers = new Headers({ 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store' })
  // RFC 6750 §3: "If the request lacks any authentication information … the resource server … MUST include the HTTP WWW-Authenticate response header field".
  if (problem.status === 401) headers.set('WWW-Authenticate', 'Bearer')
  return new Response(JSON.stringify(problem), { status: problem.status, headers })
}
