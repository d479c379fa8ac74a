import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { RequestListener } from 'node:http'

/** Paths of the API; everything else belongs to logins. */
const API_PATHS = /^\/(?:api\/|healthz$|readyz$|version$)/
/** A request must have arrived within this. */
const REQUEST_TIMEOUT_MS = 30_000
const HEADERS_TIMEOUT_MS = 10_000

/** PEM files of the listener. */
export interface TlsFiles {
  readonly cert: string
  readonly key: string
}

/** Who answers what. */
export interface HttpListeners {
  readonly api: RequestListener
  readonly mcp: { handles(path: string): boolean; readonly handler: RequestListener }
  /** Everything else. */
  readonly logins: RequestListener
}

/** Builds the HTTP listener: the API and MCP by their paths, logins for all others. */
export function createHttpServer({ api, mcp, logins }: HttpListeners, tls: TlsFiles | undefined): Server {
  const front = (request: IncomingMessage, response: ServerResponse): void => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
    if (API_PATHS.test(path)) api(request, response)
    else if (mcp.handles(path)) mcp.handler(request, response)
    else logins(request, response)
  }
  const server =
    tls === undefined
      ? createServer(front)
      : createTlsServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key), minVersion: 'TLSv1.2' }, front)
  server.requestTimeout = REQUEST_TIMEOUT_MS
  server.headersTimeout = HEADERS_TIMEOUT_MS
  return server
}
