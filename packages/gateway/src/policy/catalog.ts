import type { DatabaseResource, Resource } from '#model'
import { encodeName, encodePart } from './names.ts'

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
export interface CatalogDatabase {
  readonly name: string
  /** The id of its `Database` entity; ids of everything in it begin with it and a slash. */
  readonly entity: string
  readonly zone: string | undefined
  /** Ids of the `Table` entities that were known when policy was approved. */
  readonly tables: ReadonlySet<string>
  /** Ids of the `Schema` entities of those tables. */
  readonly schemas: ReadonlySet<string>
}

/** Everything that a policy can name. */
export interface Catalog {
  readonly databases: ReadonlyMap<string, CatalogDatabase>
  readonly databasesByEntity: ReadonlyMap<string, CatalogDatabase>
  readonly groups: ReadonlySet<string>
  readonly workloads: ReadonlySet<string>
  readonly zones: ReadonlySet<string>
  readonly boundary: string
}

/** Collects what policy can name. Two resources of one name are the configuration's error; the later one counts. */
export function buildCatalog(input: CatalogInput): Catalog {
  const databases = new Map<string, CatalogDatabase>()
  for (const resource of input.resources)
    if (resource.kind === 'postgres') databases.set(resource.name, catalogDatabase(resource))
  const zones = new Set([CDE])
  for (const { zone } of databases.values()) if (zone !== undefined) zones.add(zone)
  return {
    databases,
    databasesByEntity: new Map([...databases.values()].map((database) => [database.entity, database])),
    groups: new Set(input.groups),
    workloads: new Set(input.workloads),
    zones,
    boundary: input.boundaryName,
  }
}

function catalogDatabase(resource: DatabaseResource): CatalogDatabase {
  const tables = new Set<string>()
  const schemas = new Set<string>()
  for (const listed of resource.tables) {
    // `schema.name`; a table's own name may hold a dot, a schema's may not
    const dot = listed.indexOf('.')
    const schema = listed.slice(0, Math.max(dot, 0))
    tables.add(encodeName([resource.name, schema, listed.slice(dot + 1)]))
    schemas.add(encodeName([resource.name, schema]))
  }
  return { name: resource.name, entity: encodePart(resource.name), zone: resource.zone, tables, schemas }
}

/** The database that an entity id (of a `Database`, `Schema`, `Table` or `Function`) belongs to. */
export function databaseOf(catalog: Catalog, entityId: string): CatalogDatabase | undefined {
  const slash = entityId.indexOf('/')
  return catalog.databasesByEntity.get(slash < 0 ? entityId : entityId.slice(0, slash))
}

/** Whether a literal entity of a policy stands for something that exists. A person's or agent's id cannot be known beforehand. */
export function isKnownEntity(catalog: Catalog, type: string, id: string): boolean {
  switch (type) {
    case 'Group':
      return catalog.groups.has(id)
    case 'Zone':
      return catalog.zones.has(id)
    case 'Workload':
      return catalog.workloads.has(id)
    case 'Boundary':
      return catalog.boundary === id
    case 'Database':
      return catalog.databasesByEntity.has(id)
    case 'Schema':
      return databaseOf(catalog, id)?.schemas.has(id) ?? false
    case 'Table':
      return databaseOf(catalog, id)?.tables.has(id) ?? false
    case 'Function':
      return isKnownFunction(catalog, id)
    case 'Person':
    case 'Agent':
      return id !== ''
    default:
      return false
  }
}

/** No configuration lists functions, so only the schema of one can be checked: a schema with a listed table, or PostgreSQL's own. */
function isKnownFunction(catalog: Catalog, id: string): boolean {
  const [database = '', schema, name, ...rest] = id.split('/')
  if (schema === undefined || name === undefined || name === '' || rest.length > 0) return false
  const known = catalog.databasesByEntity.get(database)
  return known !== undefined && (schema === 'pg_catalog' || known.schemas.has(`${database}/${schema}`))
}
