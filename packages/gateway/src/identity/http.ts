import type { IncomingMessage, ServerResponse } from 'node:http'
import type Provider from 'oidc-provider'
import { catalogue, GatewayError, type Log } from '#model'
import { PATHS, RESOURCE_SCOPE, SCOPES } from './authorization-server.ts'
import { type Clients, isRegistered } from './clients.ts'
import { describeFault } from './fault.ts'
import { answerResourceMetadata, describedResource, isMetadataPath, serverMetadataPath } from './metadata.ts'
import { type Page, renderPage, SECURITY_HEADERS } from './pages.ts'
import { answerRegistration } from './registration-endpoint.ts'
import { type SignIn, toRefusal } from './sign-in.ts'
import type { Settings } from './settings.ts'
import type { Throttle } from './throttle.ts'

const UID = '[A-Za-z0-9_-]{20,64}'
const INTERACTION = new RegExp(`^${PATHS.interaction}(${UID})(/finish|/answer)?$`)
/** Where the authorization server goes on with a login. */
const RESUMPTION = new RegExp(`^(?:${PATHS.authorize}|${PATHS.device})/[^/]+$`)
const ADDRESSES = new Set<string>(Object.values(PATHS))
/** What anybody can do without a token, and what leaves something in the store. */
const BEGINNINGS = new Set<string>([PATHS.authorize, PATHS.deviceAuthorization, PATHS.device])

/** What requests are answered with. */
export interface HttpContext {
  readonly server: Provider
  readonly signIn: SignIn
  readonly settings: Settings
  readonly clients: Clients
  /** Bounds logins, the steps of logins under way, and registrations. */
  readonly throttles: { readonly beginnings: Throttle; readonly steps: Throttle; readonly registrations: Throttle }
  readonly log: Log
}

/**
 * Whether a path belongs to identity, in the one spelling that each has here: the authorization server would take it in capitals too, or with a slash
 * behind, and what is counted by its path would not be counted.
 */
export function handlesPath(pathname: string): boolean {
  const isKnown = ADDRESSES.has(pathname) || isMetadataPath(pathname)
  return isKnown || INTERACTION.test(pathname) || RESUMPTION.test(pathname)
}

/** Answers identity's requests: the authorization server's own, and the way to the identity provider and back. */
export function createHandler(context: HttpContext): (request: IncomingMessage, response: ServerResponse) => void {
  const provider = context.server.callback()
  return (request, response) => {
    answer(request, response, context, provider).catch((error: unknown) => {
      sayNo(response, error, context.log)
    })
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  context: HttpContext,
  provider: ReturnType<Provider['callback']>,
): Promise<void> {
  const { settings, throttles, clients, log } = context
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value)
  if (settings.isSecure) response.setHeader('strict-transport-security', 'max-age=31536000')
  const target = splitTarget(request.url ?? '')
  if (target === undefined) {
    say(response, 400, { title: 'That is not an address here', lines: [] })
    return
  }
  const { pathname } = target
  if (!handlesPath(pathname)) {
    say(response, 404, { title: 'There is nothing here', lines: ['Logins begin with: sallyport login'] })
    return
  }
  if (pathname === PATHS.register && settings.audiences.mcp.size > 0) {
    await answerRegistration(request, response, { clients, throttle: throttles.registrations, log })
    return
  }
  const described = describedResource(pathname, settings)
  if (described !== undefined) {
    answerResourceMetadata(request, response, described, settings)
    return
  }
  request.url = serverMetadataPath(pathname, settings) ?? request.url
  const [, uid, step] = INTERACTION.exec(pathname) ?? []
  const throttle = BEGINNINGS.has(pathname) ? throttles.beginnings : uid === undefined ? undefined : throttles.steps
  if (throttle?.admit(request.socket.remoteAddress ?? '') === false) {
    log.warn('login-throttled', { address: request.socket.remoteAddress ?? '' })
    response.setHeader('retry-after', '60')
    say(response, 429, { title: 'Too many logins at once', lines: ['Try again in a minute.'] })
    return
  }
  statePublicAddress(request, settings)
  if (uid !== undefined) await interact(request, response, context.signIn, { uid, step, query: target.query })
  else if (pathname !== PATHS.callback) {
    if (pathname === PATHS.authorize) stateScope(request, target.query)
    await provider(request, response)
  } else if (request.method !== 'GET') sayWrongMethod(response)
  else await context.signIn.comeBack(response, target.query)
}

/** A step of a login under way, in the browser that began it. */
async function interact(
  request: IncomingMessage,
  response: ServerResponse,
  signIn: SignIn,
  { uid, step, query }: { readonly uid: string; readonly step: string | undefined; readonly query: string },
): Promise<void> {
  if (request.method !== (step === '/answer' ? 'POST' : 'GET')) sayWrongMethod(response)
  else if (step === '/answer') await signIn.answer(request, response, uid)
  else if (step === '/finish') await signIn.finish(request, response, uid, query)
  else {
    const page = await signIn.begin(request, response, uid)
    if (page !== undefined) say(response, 200, page)
  }
}

/**
 * Applications ask for scopes that they found somewhere, or for none. What a token may do is decided by policy and not by scope, so what they ask for
 * comes down to the scopes that there are, with the one that is for resources.
 */
function stateScope(request: IncomingMessage, query: string): void {
  const parameters = new URLSearchParams(query)
  if (!isRegistered(parameters.get('client_id')) || parameters.getAll('scope').length > 1) return
  const asked = (parameters.get('scope') ?? '').split(' ').filter((scope) => SCOPES.includes(scope))
  parameters.set('scope', [...new Set([...asked, RESOURCE_SCOPE])].join(' '))
  request.url = `${PATHS.authorize}?${parameters.toString()}`
}

/** A request line's target in origin form (RFC 9112 §3.2.1); the other forms could carry another host. */
function splitTarget(url: string): { readonly pathname: string; readonly query: string } | undefined {
  if (!url.startsWith('/') || url.startsWith('//')) return undefined
  const [pathname = '', ...rest] = url.split('?')
  return { pathname, query: rest.join('?') }
}

/**
 * The authorization server builds its addresses from the request. A client can claim any host, and behind a TLS terminator the socket
 * knows no TLS; so the configured public address is put in their place.
 */
function statePublicAddress({ headers }: IncomingMessage, { issuer }: Settings): void {
  const { protocol, host } = new URL(issuer)
  headers.host = host
  headers['x-forwarded-host'] = host
  headers['x-forwarded-proto'] = protocol.slice(0, -1)
  delete headers['x-forwarded-for']
}

function sayNo(response: ServerResponse, error: unknown, log: Log): void {
  const { code, reason } =
    error instanceof GatewayError ? { code: error.code, reason: error.message } : toRefusal(error)
  log[catalogue[code].log]('login-refused', { code, reason, cause: describeFault(error) })
  if (response.headersSent) {
    response.destroy()
    return
  }
  const isOurs = code === 'SP_AUTH_UNAVAILABLE' || code === 'SP_TRAIL_UNAVAILABLE'
  const { meaning, next } = catalogue[code]
  say(response, isOurs ? 503 : 403, {
    title: 'You are not logged in',
    lines: [`${capital(meaning)}.`, `${capital(next)}.`],
    small: `${code}: ${reason}`,
  })
}

function sayWrongMethod(response: ServerResponse): void {
  say(response, 405, { title: 'That is not how it works', lines: [] })
}

function say(response: ServerResponse, status: number, page: Page): void {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' }).end(renderPage(page))
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
