import type { IncomingMessage } from 'node:http'
import { Secret, toUtf8 } from '#base'
import type { ClientAddress } from '#model'
import type { Reply } from './reply.ts'

/** The path below which resources lie. */
const RESOURCE_PATH = /^\/mcp\/([a-z0-9][a-z0-9-]{0,62})$/
/** RFC 9728 §3.1: the well-known path lies between the host and the path of the resource. */
const METADATA_PATH = /^\/\.well-known\/oauth-protected-resource\/mcp\/([a-z0-9][a-z0-9-]{0,62})$/

/** Headers that say who somebody is or what they want: twice is a contradiction. */
const SINGLE_HEADERS: ReadonlySet<string> = new Set([
  'authorization',
  'content-length',
  'content-type',
  'host',
  'mcp-method',
  'mcp-name',
  'mcp-protocol-version',
  'mcp-session-id',
  'origin',
])

/** RFC 6750 §2.1: `b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`. */
const BEARER = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i
const MAX_TOKEN_LENGTH = 8_192

/** What a path leads to. */
export type Target =
  { readonly kind: 'resource'; readonly name: string } | { readonly kind: 'metadata'; readonly name: string }

/** Reads a path, without its query. */
export function readPath(path: string): Target | undefined {
  const resource = RESOURCE_PATH.exec(path)?.[1]
  if (resource !== undefined) return { kind: 'resource', name: resource }
  const metadata = METADATA_PATH.exec(path)?.[1]
  return metadata === undefined ? undefined : { kind: 'metadata', name: metadata }
}

/** The path of a request target, without its query. */
export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] ?? '/'
}

/** Whether a header that may come once came more often. */
export function hasContradiction({ rawHeaders }: IncomingMessage): boolean {
  const seen = new Set<string>()
  // Names and values in turns, as they came: `headersDistinct` would make an object of them for each request.
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? ''
    if (!SINGLE_HEADERS.has(name)) continue
    if (seen.has(name)) return true
    seen.add(name)
  }
  return false
}

/**
 * Whether a request was meant for this host and comes from no foreign page. MCP 2026-07-28, Security & Endpoint: "Servers MUST validate the
 * Origin header on all incoming connections to prevent DNS rebinding attacks"; a rebound name shows in Host as well.
 */
export function isOwn(request: IncomingMessage, publicOrigin: URL): boolean {
  const { host, origin } = request.headers
  const port = request.socket.localPort ?? 0
  if (host === undefined || !isOwnHost(host.toLowerCase(), port, publicOrigin)) return false
  if (origin === undefined) return true
  const scheme = `${publicOrigin.protocol}//`
  const from = origin.toLowerCase()
  return from.startsWith(scheme) && isOwnHost(from.slice(scheme.length), port, publicOrigin)
}

/** The public host, and loopback with the port that the listener has. */
function isOwnHost(name: string, port: number, { host }: URL): boolean {
  return name === host || name === `127.0.0.1:${port}` || name === `localhost:${port}` || name === `[::1]:${port}`
}

/** The token of a request: from its one header, never from the query. `malformed` when the header holds none. */
export function bearerOf(request: IncomingMessage): Secret<string> | 'missing' | 'malformed' {
  const { authorization } = request.headers
  if (authorization === undefined) return 'missing'
  const token = BEARER.exec(authorization)?.[1]
  return token === undefined || token.length > MAX_TOKEN_LENGTH ? 'malformed' : new Secret(token)
}

/** Where a request comes from, as the kernel says. */
export function clientOf(request: IncomingMessage): ClientAddress {
  const { remoteAddress = '', remotePort = 0 } = request.socket
  return { address: remoteAddress, port: remotePort, tls: 'encrypted' in request.socket }
}

/**
 * The challenge of whoever brings no good token (RFC 6750 §3, RFC 9728 §5.1). It says the same whether the resource exists or not.
 */
export function challenge(publicUrl: string, resource: string, reason?: string): Reply {
  const metadata = `resource_metadata="${publicUrl}/.well-known/oauth-protected-resource/mcp/${resource}"`
  // RFC 6750 §3.1: "If the request lacks any authentication information, the resource server SHOULD NOT include an error code".
  const error = reason === undefined ? '' : `error="invalid_token", error_description="${reason}", `
  const body = {
    error: reason === undefined ? 'unauthorized' : 'invalid_token',
    error_description: reason ?? 'a token is needed: sign in, or give one in the Authorization header',
  }
  return {
    status: 401,
    headers: { 'www-authenticate': `Bearer ${error}${metadata}` },
    contentType: 'application/json',
    body: toUtf8(JSON.stringify(body)),
  }
}

/** The metadata of a protected resource (RFC 9728 §3.2). It is the same for every name, so that it tells nobody which resources there are. */
export function resourceMetadata(publicUrl: string, resource: string): Reply {
  const metadata = {
    resource: `${publicUrl}/mcp/${resource}`,
    authorization_servers: [publicUrl],
    bearer_methods_supported: ['header'],
    scopes_supported: ['access'],
    resource_name: resource,
  }
  return {
    status: 200,
    headers: { 'access-control-allow-origin': '*', 'cache-control': 'max-age=300' },
    contentType: 'application/json',
    body: toUtf8(JSON.stringify(metadata)),
  }
}
