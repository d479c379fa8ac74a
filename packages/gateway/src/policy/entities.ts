/**
 * The one builder of entities. What Cedar is not told it takes for absent, without an error: a person without their groups, or a table
 * without its zone, would slip out from under a ban. So every entity comes with all its ancestors, and a missing one throws.
 */
import type { Identity, ObjectName } from '#model'
import type { Catalog, CatalogDatabase } from './catalog.ts'
import type { EntityJson } from './cedar.ts'
import type { EntityRef } from './expressions.ts'
import { encodeName } from './names.ts'
import type { PrincipalType } from './slices.ts'

/** An identity as policy sees it. */
export interface Principal {
  readonly ref: EntityRef & { readonly type: PrincipalType }
  readonly entities: readonly EntityJson[]
  readonly agent: EntityRef | undefined
  readonly mfa: boolean
  /** Names everything about the identity that policy can see; equal keys, equal answers. */
  readonly key: string
}

/** What an action is asked about. */
export interface Target {
  readonly ref: EntityRef
  readonly entities: readonly EntityJson[]
  readonly database: CatalogDatabase | undefined
  /** Names everything about it that policy can see. */
  readonly key: string
  /** What a denial may call it: names that policy knows; others may hold anything, and are not repeated. */
  readonly words: string
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
  return { ref, entities: closed(entities), agent, mfa: identity.mfa, key }
}

/** The boundary itself. */
export function buildBoundary(catalog: Catalog): Target {
  const ref = { type: 'Boundary', id: catalog.boundary }
  return { ref, entities: closed([entity(ref, [])]), database: undefined, key: 'Boundary', words: 'the boundary' }
}

/** An object of a database, with its schema, database and zone. A setting is the database's. */
export function buildTarget(object: Exclude<ObjectName, { kind: 'tool' }>, database: CatalogDatabase): Target {
  const databaseRef = { type: 'Database', id: database.entity }
  const above = entity(databaseRef, database.zone === undefined ? [] : [{ type: 'Zone', id: database.zone }])
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

function toTarget(ref: EntityRef, entities: readonly EntityJson[], database: CatalogDatabase, words: string): Target {
  return { ref, entities: closed(entities), database, key: `${ref.type} ${ref.id}`, words }
}

function entity(uid: EntityRef, parents: readonly EntityRef[]): EntityJson {
  return { uid: { ...uid }, attrs: {}, parents: parents.map((parent) => ({ ...parent })) }
}

/** Enumerated types have no entities of their own. */
const ENUMERATED: ReadonlySet<string> = new Set(['Group', 'Zone'])

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
