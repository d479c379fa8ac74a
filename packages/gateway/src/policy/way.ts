/** Who asks, by which way, and for what: from the words of the model to what the catalog knows. */
import type { Identity, ViaFacts } from '#model'
import type { Catalog, CatalogResource } from './catalog.ts'
import { buildPrincipal, buildVia, type Principal } from './entities.ts'

/** The principal of an identity on its way, or what is wrong with the way. */
export function principalOn(identity: Identity, via: ViaFacts | undefined, catalog: Catalog): Principal | string {
  if (via === undefined) return buildPrincipal(identity, catalog)
  const server = catalog.servers.get(via.server)
  if (server === undefined) return 'the policy in force knows no such MCP server'
  const tool = via.tool === undefined ? undefined : server.tools.get(via.tool)
  if (via.tool !== undefined && tool === undefined) return 'the policy in force knows no such tool'
  return buildVia(identity, server, tool, catalog)
}

/** A resource by its name. */
export function resourceNamed(name: string, catalog: Catalog): CatalogResource | undefined {
  return catalog.databases.get(name) ?? catalog.servers.get(name)
}
