/** What the scope of a policy reaches, told from the scope alone. */
import { APPROVED, isApproved, type LeafAction, reachOf, type ResourceType } from './actions.ts'
import { type Catalog, resourceOf } from './catalog.ts'
import { type EntityRef, entityLiteral, isVariable, operandOf, toNode } from './expressions.ts'
import type { ParsedPolicy } from './policies.ts'

/** Types of entities at or below one of a type. */
const within: Readonly<Record<string, readonly ResourceType[]>> = {
  Zone: ['Server', 'Tool', 'Database', 'Schema', 'Table', 'Function', 'Data'],
  Server: ['Server', 'Tool'],
  Tool: ['Tool'],
  Database: ['Database', 'Schema', 'Table', 'Function', 'Data'],
  Schema: ['Schema', 'Table', 'Function', 'Data'],
  Table: ['Table', 'Data'],
  Function: ['Function'],
  Data: ['Data'],
  Class: ['Data'],
  Boundary: ['Boundary'],
}

/** What an action is done to under a policy: an entity, things of some types below it, or both. */
export interface ResourceReach {
  /** The entity that the scope names; for a tool's action without one, the tool. */
  readonly entity: EntityRef | undefined
  /** The types that the action can be done to there. */
  readonly types: readonly ResourceType[]
}

/** How a policy's action scope reaches a leaf action: as it is, only with an approval, or not at all. */
export function actionReach(
  { action: { op, actions } }: ParsedPolicy,
  leaf: LeafAction,
): 'plain' | 'approved' | 'none' {
  if (op === 'All') return 'plain'
  // `==` is refused by the linter, as it does not reach the twin
  if (actions.some((action) => reachOf(leaf, false).has(action))) return 'plain'
  const twins = reachOf(leaf, true)
  return actions.some((action) => isApproved(action) && twins.has(action)) ? 'approved' : 'none'
}

/** What a policy lets an action be done to; no types when it is nothing. */
export function resourceReach({ resource: { op, type, entity } }: ParsedPolicy, leaf: LeafAction): ResourceReach {
  const tool = leaf.arguments === undefined ? undefined : { type: 'Tool', id: leaf.name }
  const below = entity === undefined ? leaf.resources : (within[entity.type] ?? [])
  const types = leaf.resources.filter((one) => {
    if (op === 'is' && one !== type) return false
    return op === '==' ? one === entity?.type : below.includes(one)
  })
  return { entity: tool ?? entity, types }
}

/** Whether a ban or guard may reach something of what a permit lets an action be done to. */
export function mayReach(ban: ParsedPolicy, leaf: LeafAction, permitted: ResourceReach, catalog: Catalog): boolean {
  if (actionReach(ban, leaf) === 'none') return false
  const { types } = resourceReach(ban, leaf)
  if (!types.some((type) => permitted.types.includes(type))) return false
  const { entity } = ban.resource
  if (entity === undefined || permitted.entity === undefined) return true
  return overlaps(entity, permitted.entity, catalog)
}

/** Whether a ban or guard reaches everything that a permit lets an action be done to. */
export function covers(guard: ParsedPolicy, permitted: ResourceReach, catalog: Catalog): boolean {
  if (guard.principal.op !== 'All' || guard.resource.op === 'is' || hasConditions(guard)) return false
  const { entity } = guard.resource
  if (entity === undefined) return true
  if (permitted.entity === undefined) return false
  return isWithin(permitted.entity, entity, catalog)
}

/** Whether a policy has conditions, other than the one that makes it a guard. */
export function hasConditions({ effect, conditions }: ParsedPolicy): boolean {
  return conditions.some((condition) => !(effect === 'forbid' && isApprovalClause(condition)))
}

/** Whether a condition is `unless { action in Action::"approved" }`. */
export function isApprovalClause(condition: { readonly kind: 'when' | 'unless'; readonly body: unknown }): boolean {
  const node = toNode(condition.body)
  if (condition.kind !== 'unless' || node?.operator !== 'in' || !isVariable(operandOf(node, 'left'), 'action'))
    return false
  return entityLiteral(operandOf(node, 'right'))?.id === APPROVED
}

function overlaps(a: EntityRef, b: EntityRef, catalog: Catalog): boolean {
  return isWithin(a, b, catalog) || isWithin(b, a, catalog)
}

function isWithin(inner: EntityRef, outer: EntityRef, catalog: Catalog): boolean {
  if (outer.type === 'Zone') return resourceOf(catalog, inner.type, inner.id)?.zone === outer.id
  if (outer.type === 'Class') return classOf(inner, catalog) === outer.id
  if (inner.id === outer.id) return inner.type === outer.type
  return inner.id.startsWith(`${outer.id}/`) || inner.id.startsWith(`${outer.id}#`)
}

function classOf(data: EntityRef, catalog: Catalog): string | undefined {
  const resource = resourceOf(catalog, data.type, data.id)
  if (resource?.kind !== 'database') return undefined
  return [...resource.columns.values()].flat().find(({ entity }) => entity === data.id)?.class
}
