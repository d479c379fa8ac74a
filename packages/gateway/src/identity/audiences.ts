import type { Resource } from '#model'

/** What tokens can be for (RFC 8707), by the URIs that name it. */
export interface Audiences {
  readonly api: string
  /** What the command line may ask for, and the audience of the token that it gets for that: everything. */
  readonly indicators: ReadonlyMap<string, string>
  /** The MCP endpoints, by URI, and the names of their resources: what a registered client may ask for, one at a time. */
  readonly mcp: ReadonlyMap<string, string>
  /** The resource that an audience stands for; undefined for the API. */
  nameOf(audience: string): string | undefined
}

/** Lists what is configured. */
export function listAudiences(issuer: string, databases: readonly string[], mcpServers: readonly string[]): Audiences {
  const api = `${issuer}/api`
  const mcp = new Map(mcpServers.map((name) => [audienceOf(issuer, { name, kind: 'mcp' }), name]))
  const names = new Map([...databases.map((name) => [resourceUri(issuer, name), name] as const), ...mcp])
  return {
    api,
    indicators: new Map([
      [api, api],
      ...[...names.keys()].map((audience) => [audience, audience] as const),
      // The command line knows names and not kinds: this form names resources of all kinds.
      ...[...mcp].map(([audience, name]) => [resourceUri(issuer, name), audience] as const),
    ]),
    mcp,
    nameOf: (audience) => names.get(audience),
  }
}

/**
 * The audience of tokens for a resource: of an MCP server its endpoint's canonical URI, because that is what a client knows of it.
 *
 * MCP 2025-11-25, Authorization: "MUST identify the MCP server that the client intends to use the token with".
 */
export function audienceOf(issuer: string, { name, kind }: Pick<Resource, 'name' | 'kind'>): string {
  return kind === 'mcp' ? `${issuer}/mcp/${name}` : resourceUri(issuer, name)
}

function resourceUri(issuer: string, name: string): string {
  return `${issuer}/resource/${name}`
}
