import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { RequestListener } from 'node:http'

/** Paths of the API; everything else belongs to logins. */
const API_PATHS = /^\/(?:api\/|healthz$|readyz$|version$)/
/** A request must have arrived within this. */
const REQUEST_TIMEOUT_MS = 30_000
const HEADERS_TIMEOUT_MS = 10_000
/** How often it is looked for those that have not: Node's own 30 s would make three times the deadline of it. */
const CHECK_INTERVAL_MS = 2_000

/** PEM files of the listener. */
interface TlsFiles {
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

/** What an HTTP listener needs to know. */
export interface HttpOptions {
  readonly tls: TlsFiles | undefined
  /** More are closed at once: those of the databases and the files of the trail need descriptors too. */
  readonly maxConnections: number
}

/** Builds the HTTP listener: the API and MCP by their paths, logins for all others. */
export function createHttpServer({ api, mcp, logins }: HttpListeners, { tls, maxConnections }: HttpOptions): Server {
  const front = (request: IncomingMessage, response: ServerResponse): void => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
    if (API_PATHS.test(path)) api(request, response)
    else if (mcp.handles(path)) mcp.handler(request, response)
    else logins(request, response)
  }
  const deadlines = {
    requestTimeout: REQUEST_TIMEOUT_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    connectionsCheckingInterval: CHECK_INTERVAL_MS,
  }
  const server =
    tls === undefined
      ? createServer(deadlines, front)
      : createTlsServer(
          { ...deadlines, cert: readFileSync(tls.cert), key: readFileSync(tls.key), minVersion: 'TLSv1.2' },
          front,
        )
  server.maxConnections = maxConnections
  return server
}
