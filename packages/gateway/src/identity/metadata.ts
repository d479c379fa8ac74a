import type { IncomingMessage, ServerResponse } from 'node:http'
import { RESOURCE_SCOPE } from './authorization-server.ts'
import { openToScripts } from './cors.ts'
import type { Settings } from './settings.ts'

/** Where the authorization server's metadata is (RFC 8414; OpenID Connect Discovery), behind which some clients put the path of the MCP server. */
const SERVER_METADATA = ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration'] as const
/** Where the metadata of a protected resource is (RFC 9728 §3.1: the well-known string goes between host and path). */
const RESOURCE_METADATA = '/.well-known/oauth-protected-resource'

/** Whether a path is one of metadata. */
export function isMetadataPath(pathname: string): boolean {
  return [...SERVER_METADATA, RESOURCE_METADATA].some((path) => pathname === path || pathname.startsWith(`${path}/`))
}

/**
 * The path under which the authorization server knows its metadata, when that is what is asked for. Clients from before protected resource metadata
 * take the MCP server for the authorization server and put its path behind; they get the one document there is, which names its true issuer.
 */
export function serverMetadataPath(pathname: string, settings: Settings): string | undefined {
  return SERVER_METADATA.find(
    (path) =>
      pathname === path || (pathname.startsWith(`${path}/`) && isEndpoint(pathname.slice(path.length), settings)),
  )
}

/** The URI of the MCP endpoint whose metadata (`/.well-known/oauth-protected-resource/mcp/NAME`) a path names; undefined when there is no such. */
export function describedResource(pathname: string, settings: Settings): string | undefined {
  const endpoint = pathname.slice(RESOURCE_METADATA.length)
  return pathname.startsWith(RESOURCE_METADATA) && isEndpoint(endpoint, settings)
    ? `${settings.issuer}${endpoint}`
    : undefined
}

/** Answers with the metadata of an MCP endpoint (RFC 9728 §3.2): public, and the same for everybody. */
export function answerResourceMetadata(
  request: IncomingMessage,
  response: ServerResponse,
  resource: string,
  { issuer, audiences }: Settings,
): void {
  if (openToScripts(request, response, 'GET')) return
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD, OPTIONS' }).end()
    return
  }
  const metadata = {
    resource,
    authorization_servers: [issuer],
    scopes_supported: [RESOURCE_SCOPE],
    bearer_methods_supported: ['header'],
    resource_name: audiences.mcp.get(resource),
  }
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(metadata))
}

function isEndpoint(path: string, { issuer, audiences }: Settings): boolean {
  return audiences.mcp.has(`${issuer}${path}`)
}
