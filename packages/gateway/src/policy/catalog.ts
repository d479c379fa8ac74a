import type { CardColumn, DatabaseResource, Resource, ToolServer } from '#model'
import { type LeafAction, leaves, toolAction } from './actions.ts'
import { readInputSchema } from './arguments/json-schema.ts'
import { encodeData, encodeName, encodePart } from './names.ts'

/** The zone whose resources ask for reviewed permits. */
export const CDE = 'cde'

/** What the configuration declares, as far as policy can name it. */
export interface CatalogInput {
  readonly resources: readonly Resource[]
  /** Every group that policy may name; others are dropped from an identity before it is asked about. */
  readonly groups: readonly string[]
  /** Every workload that the configuration names. */
  readonly workloads: readonly string[]
  /** The name of the boundary itself: `Boundary::"<name>"`. */
  readonly boundaryName: string
}

/** A resource behind the boundary as policy knows it. */
export type CatalogResource = CatalogDatabase | CatalogServer

interface Named {
  readonly name: string
  /** The id of its own entity; ids of everything in it begin with it and a slash. */
  readonly entity: string
  readonly zone: string | undefined
}

/** A database. */
export interface CatalogDatabase extends Named {
  readonly kind: 'database'
  /** Ids of the `Table` entities that were known when policy was approved. */
  readonly tables: ReadonlySet<string>
  /** Ids of the `Schema` entities of those tables. */
  readonly schemas: ReadonlySet<string>
  /** Declared columns by the id of their table. */
  readonly columns: ReadonlyMap<string, readonly CatalogColumn[]>
}

/** A column that is declared to hold card data. */
export interface CatalogColumn extends CardColumn {
  /** The id of its `Data` entity. */
  readonly entity: string
}

/** An MCP server. */
export interface CatalogServer extends Named {
  readonly kind: 'server'
  readonly tools: ReadonlyMap<string, CatalogTool>
}

/** A tool that was reviewed. */
export interface CatalogTool {
  readonly name: string
  /** The id of its `Tool` entity, and of the action of calling it. */
  readonly entity: string
  /** The hash of its definition (hexadecimal). */
  readonly hash: string
  readonly action: LeafAction
}

/** Everything that a policy can name. */
export interface Catalog {
  readonly databases: ReadonlyMap<string, CatalogDatabase>
  readonly servers: ReadonlyMap<string, CatalogServer>
  readonly databasesByEntity: ReadonlyMap<string, CatalogDatabase>
  readonly serversByEntity: ReadonlyMap<string, CatalogServer>
  /** Every leaf action by its name, those of the tools among them. */
  readonly actions: ReadonlyMap<string, LeafAction>
  readonly groups: ReadonlySet<string>
  readonly workloads: ReadonlySet<string>
  readonly zones: ReadonlySet<string>
  readonly boundary: string
}

/** Collects what policy can name. Two resources of one name are the configuration's error; the later one counts. */
export function buildCatalog(input: CatalogInput): Catalog {
  const resources = new Map<string, CatalogResource>()
  for (const resource of input.resources) {
    const entry = resource.kind === 'postgres' ? catalogDatabase(resource) : catalogServer(resource)
    resources.set(resource.name, entry)
  }
  const databases = [...resources.values()].filter((resource) => resource.kind === 'database')
  const servers = [...resources.values()].filter((resource) => resource.kind === 'server')
  const tools = servers.flatMap((server) => [...server.tools.values()])
  const actions = [...Object.values(leaves), ...tools.map(({ action }) => action)]
  const zones = [...resources.values()].map(({ zone }) => zone).filter((zone) => zone !== undefined)
  return {
    databases: new Map(databases.map((database) => [database.name, database])),
    servers: new Map(servers.map((server) => [server.name, server])),
    databasesByEntity: new Map(databases.map((database) => [database.entity, database])),
    serversByEntity: new Map(servers.map((server) => [server.entity, server])),
    actions: new Map(actions.map((action) => [action.name, action])),
    groups: new Set(input.groups),
    workloads: new Set(input.workloads),
    zones: new Set([CDE, ...zones]),
    boundary: input.boundaryName,
  }
}

function catalogDatabase(resource: DatabaseResource): CatalogDatabase {
  const { name, zone } = resource
  const tables = new Set<string>()
  const schemas = new Set<string>()
  for (const listed of resource.tables) {
    // `schema.name`; a table's own name may hold a dot, a schema's may not
    const dot = listed.indexOf('.')
    const schema = listed.slice(0, Math.max(dot, 0))
    tables.add(encodeName([name, schema, listed.slice(dot + 1)]))
    schemas.add(encodeName([name, schema]))
  }
  const columns = new Map<string, CatalogColumn[]>()
  for (const column of resource.cardColumns ?? []) {
    const table = encodeName([name, column.schema, column.table])
    const entity = encodeData([name, column.schema, column.table], column.column)
    columns.set(table, [...(columns.get(table) ?? []), { ...column, entity }])
  }
  return { kind: 'database', name, entity: encodePart(name), zone, tables, schemas, columns }
}

function catalogServer(resource: ToolServer): CatalogServer {
  const tools = new Map<string, CatalogTool>()
  for (const { name, hash, inputSchema } of resource.tools) {
    const entity = encodeName([resource.name, name])
    tools.set(name, { name, entity, hash, action: toolAction(entity, readInputSchema(inputSchema)) })
  }
  return { kind: 'server', name: resource.name, entity: encodePart(resource.name), zone: resource.zone, tools }
}

/** The resource that a literal entity belongs to: a database or something in it, an MCP server or a tool of it. */
export function resourceOf(catalog: Catalog, type: string, id: string): CatalogResource | undefined {
  const slash = id.indexOf('/')
  const root = slash < 0 ? id : id.slice(0, slash)
  return type === 'Server' || type === 'Tool' ? catalog.serversByEntity.get(root) : catalog.databasesByEntity.get(root)
}

/** The tool of a server by the id of its entity. */
export function toolByEntity(server: CatalogServer | undefined, entity: string): CatalogTool | undefined {
  return [...(server?.tools.values() ?? [])].find((tool) => tool.entity === entity)
}

/** Whether a literal entity of a policy stands for something that exists. A person's or agent's id cannot be known beforehand. */
export function isKnownEntity(catalog: Catalog, type: string, id: string): boolean {
  const resource = resourceOf(catalog, type, id)
  const database = resource?.kind === 'database' ? resource : undefined
  switch (type) {
    case 'Group':
      return catalog.groups.has(id)
    case 'Zone':
      return catalog.zones.has(id)
    case 'Class':
      return cardClasses.has(id)
    case 'Workload':
      return catalog.workloads.has(id)
    case 'Boundary':
      return catalog.boundary === id
    case 'Database':
      return catalog.databasesByEntity.has(id)
    case 'Schema':
      return database?.schemas.has(id) ?? false
    case 'Table':
      return database?.tables.has(id) ?? false
    case 'Function':
      return isKnownFunction(catalog, id)
    case 'Data':
      return database !== undefined && [...database.columns.values()].flat().some(({ entity }) => entity === id)
    case 'Server':
      return catalog.serversByEntity.has(id)
    case 'Tool':
      return catalog.actions.get(id)?.arguments !== undefined
    case 'Person':
    case 'Agent':
      return id !== ''
    default:
      return false
  }
}

/** The classes of card data. */
export const cardClasses: ReadonlySet<string> = new Set<CardColumn['class']>(['pan', 'sad'])

/** No configuration lists functions, so only the schema of one can be checked: a schema with a listed table, or PostgreSQL's own. */
function isKnownFunction(catalog: Catalog, id: string): boolean {
  const [database = '', schema, name, ...rest] = id.split('/')
  if (schema === undefined || name === undefined || name === '' || rest.length > 0) return false
  const known = catalog.databasesByEntity.get(database)
  return known !== undefined && (schema === 'pg_catalog' || known.schemas.has(`${database}/${schema}`))
}
