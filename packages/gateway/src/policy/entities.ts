/**
 * The one builder of entities. What Cedar is not told it takes for absent, without an error: a person without their groups, or a table
 * without its zone, would slip out from under a ban. So every entity comes with all its ancestors, and a missing one throws.
 */
import type { Identity, ObjectName } from '#model'
import type { PrincipalType } from './actions.ts'
import type { Catalog, CatalogColumn, CatalogDatabase, CatalogResource, CatalogServer, CatalogTool } from './catalog.ts'
import type { EntityJson } from './cedar.ts'
import type { EntityRef } from './expressions.ts'
import { encodeName } from './names.ts'

/** An identity as policy sees it. */
export interface Principal {
  readonly ref: EntityRef & { readonly type: PrincipalType }
  readonly entities: readonly EntityJson[]
  /** The groups that policy knows, sorted. */
  readonly groups: readonly string[]
  readonly agent: EntityRef | undefined
  readonly mfa: boolean
  /** The MCP server through which it acts. */
  readonly server?: CatalogServer
  /** The way by which it acts, in words: `ledger/lookup_customer`. */
  readonly through?: string
  /** Names everything about the identity that policy can see; equal keys, equal answers. */
  readonly key: string
}

/** What an action is asked about. */
export interface Target {
  readonly ref: EntityRef
  readonly entities: readonly EntityJson[]
  /** The resource that it is or belongs to; absent for the boundary itself. */
  readonly root: CatalogResource | undefined
  /** Names everything about it that policy can see. */
  readonly key: string
  /** What a denial may call it: names that policy knows; others may hold anything, and are not repeated. */
  readonly words: string
  /** What to say when no permit matches, where that alone would puzzle. */
  readonly denial?: string
}

/** Builds the principal of an identity. Groups that policy does not know are dropped: Cedar would fail the whole request for one. */
export function buildPrincipal(identity: Identity, catalog: Catalog): Principal {
  const type = identity.kind === 'person' ? 'Person' : 'Workload'
  const groups = [...new Set(identity.groups.filter((group) => catalog.groups.has(group)))].sort()
  const ref = { type, id: identity.id } as const
  const agent = identity.agent === undefined ? undefined : { type: 'Agent', id: identity.agent.id }
  const entities: EntityJson[] = [
    entity(
      ref,
      groups.map((id) => ({ type: 'Group', id })),
    ),
  ]
  if (agent !== undefined) entities.push(entity(agent, []))
  const key = JSON.stringify([type, identity.id, groups, identity.mfa, identity.agent?.id ?? null])
  return { ref, entities: closed(entities), groups, agent, mfa: identity.mfa, key }
}

/**
 * The principal of what comes through an MCP server: below the identity *and* below the tool, or below the server alone when no call is under
 * way. A ban on the person, their groups, the tool or the server reaches it, a permit for the person does not.
 */
export function buildVia(
  identity: Identity,
  server: CatalogServer,
  tool: CatalogTool | undefined,
  catalog: Catalog,
): Principal {
  const direct = buildPrincipal(identity, catalog)
  const way = tool === undefined ? [server.name] : [server.name, tool.name]
  const ref = { type: 'Via', id: encodeName([direct.ref.type, identity.id, ...way]) } as const
  const serverRef = { type: 'Server', id: server.entity }
  const toolRef = tool === undefined ? undefined : { type: 'Tool', id: tool.entity }
  const entities = [
    entity(ref, [direct.ref, toolRef ?? serverRef]),
    ...(toolRef === undefined ? [] : [entity(toolRef, [serverRef])]),
    entity(serverRef, zoneOf(server)),
    ...direct.entities,
  ]
  const key = `${direct.key} ${JSON.stringify(way)}`
  return { ...direct, ref, entities: closed(entities), server, through: way.join('/'), key }
}

/** The boundary itself. */
export function buildBoundary(catalog: Catalog): Target {
  const ref = { type: 'Boundary', id: catalog.boundary }
  return { ref, entities: closed([entity(ref, [])]), root: undefined, key: 'Boundary', words: 'the boundary' }
}

/** An MCP server. */
export function buildServer(server: CatalogServer): Target {
  const ref = { type: 'Server', id: server.entity }
  return toTarget(ref, [entity(ref, zoneOf(server))], server, server.name)
}

/** A tool of an MCP server. */
export function buildTool(tool: CatalogTool, server: CatalogServer): Target {
  const ref = { type: 'Tool', id: tool.entity }
  const serverRef = { type: 'Server', id: server.entity }
  const entities = [entity(ref, [serverRef]), entity(serverRef, zoneOf(server))]
  return toTarget(ref, entities, server, `${server.name}/${tool.name}`)
}

/** What is done to a declared column: used in an expression, or given out where the result does not name it. */
export type ColumnUse = 'computed' | 'unnamed'

/** The data of a declared column, in its class and below its table. */
export function buildColumn(column: CatalogColumn, use: ColumnUse, database: CatalogDatabase): Target {
  const table = buildTarget({ kind: 'table', schema: column.schema, name: column.table }, database)
  const ref = { type: 'Data', id: column.entity }
  const entities = [entity(ref, [{ type: 'Class', id: column.class }, table.ref]), ...table.entities]
  const words = `${database.name}.${column.schema}.${column.table}.${column.column}`
  return { ...toTarget(ref, entities, database, words), denial: `column ${words} ${denialOf(column.class, use)}` }
}

function denialOf(held: CatalogColumn['class'], use: ColumnUse): string {
  const data = held === 'pan' ? 'card data' : 'sensitive authentication data'
  if (use === 'unnamed') return `is ${data}: only as a column of its own, masked`
  return `is ${data}: to be shown or compared, not computed with`
}

/** An object of a database, with its schema, database and zone. A setting is the database's. */
export function buildTarget(object: Exclude<ObjectName, { kind: 'tool' }>, database: CatalogDatabase): Target {
  const databaseRef = { type: 'Database', id: database.entity }
  const above = entity(databaseRef, zoneOf(database))
  if (object.kind === 'database' || object.kind === 'setting')
    return toTarget(databaseRef, [above], database, database.name)
  const schemaRef = { type: 'Schema', id: encodeName([database.name, object.schema]) }
  const schema = entity(schemaRef, [databaseRef])
  const isKnownSchema = database.schemas.has(schemaRef.id)
  const schemaWords = isKnownSchema ? `${database.name}.${object.schema}` : `an unlisted schema of ${database.name}`
  if (object.kind === 'schema') return toTarget(schemaRef, [schema, above], database, schemaWords)
  const id = encodeName([database.name, object.schema, object.name])
  if (object.kind === 'function') {
    const ref = { type: 'Function', id }
    return toTarget(ref, [entity(ref, [schemaRef]), schema, above], database, `a function of ${database.name}`)
  }
  const ref = { type: 'Table', id }
  const listed = database.tables.has(id)
  const words = listed ? `${schemaWords}.${object.name}` : `an unlisted table of ${database.name}`
  return toTarget(ref, [{ ...entity(ref, [schemaRef]), attrs: { listed } }, schema, above], database, words)
}

function toTarget(ref: EntityRef, entities: readonly EntityJson[], root: CatalogResource, words: string): Target {
  return { ref, entities: closed(entities), root, key: `${ref.type} ${ref.id}`, words }
}

function zoneOf({ zone }: CatalogResource): readonly EntityRef[] {
  return zone === undefined ? [] : [{ type: 'Zone', id: zone }]
}

function entity(uid: EntityRef, parents: readonly EntityRef[]): EntityJson {
  return { uid: { ...uid }, attrs: {}, parents: parents.map((parent) => ({ ...parent })) }
}

/** Enumerated types have no entities of their own. */
const ENUMERATED: ReadonlySet<string> = new Set(['Group', 'Zone', 'Class'])

/** Makes sure that every parent is there. */
function closed(entities: readonly EntityJson[]): readonly EntityJson[] {
  const present = new Set(entities.map(({ uid }) => JSON.stringify(toRef(uid))))
  for (const { parents } of entities) {
    for (const parent of parents) {
      const ref = toRef(parent)
      if (!ENUMERATED.has(ref.type) && !present.has(JSON.stringify(ref)))
        throw new TypeError(`an entity of type ${ref.type} lacks`)
    }
  }
  return entities
}

function toRef(uid: EntityJson['uid']): EntityRef {
  const { type, id } = '__entity' in uid ? uid.__entity : uid
  return { type, id }
}
