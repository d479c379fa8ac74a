import type { ServerResponse } from 'node:http'
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

/** Answers `/.well-known/oauth-protected-resource/mcp/NAME` (RFC 9728 §3.2); false when there is no such MCP server. */
export function answerResourceMetadata(pathname: string, response: ServerResponse, settings: Settings): boolean {
  const endpoint = pathname.slice(RESOURCE_METADATA.length)
  if (!pathname.startsWith(RESOURCE_METADATA) || !isEndpoint(endpoint, settings)) return false
  const resource = `${settings.issuer}${endpoint}`
  const body = {
    resource,
    authorization_servers: [settings.issuer],
    scopes_supported: ['access'],
    bearer_methods_supported: ['header'],
    resource_name: settings.audiences.mcp.get(resource),
  }
  // Public, and the same for everybody.
  response.setHeader('access-control-allow-origin', '*')
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  return true
}

function isEndpoint(path: string, { issuer, audiences }: Settings): boolean {
  return audiences.mcp.has(`${issuer}${path}`)
}
