import { APPROVED, groups, leaves, type LeafAction, twinOf } from './actions.ts'
import type { Catalog } from './catalog.ts'
import { formatString } from './names.ts'

/** What the boundary itself knows about a request; nothing a client asserts. */
const factTypes = {
  agent: 'Agent',
  mfa: 'Bool',
  net: 'ipaddr',
  now: 'datetime',
} as const

/** A fact about a request, readable by policies as `context.<fact>`. */
export type FactName = keyof typeof factTypes

/** Every fact. */
export const allFacts: ReadonlySet<FactName> = new Set(['agent', 'mfa', 'net', 'now'] as const)

/** Which part of the schema is wanted: everything for validation, one action and its facts for a slice. */
export interface SchemaSelection {
  readonly actions: readonly LeafAction[]
  readonly facts: ReadonlySet<FactName>
  /** Facts that this request may lack; `agent` is always optional. */
  readonly optional?: ReadonlySet<FactName>
}

/** Every leaf action. */
const allActions: readonly LeafAction[] = Object.keys(leaves).filter(isLeafAction)

/** Whether a word is a leaf action. */
export function isLeafAction(word: string): word is LeafAction {
  return Object.hasOwn(leaves, word)
}

/** The whole schema, against which policies are validated. */
export function formatSchema(catalog: Catalog): string {
  return formatSchemaFor(catalog, { actions: allActions, facts: allFacts })
}

/** The schema of a selection in Cedar's human syntax. Entity types are always all there: there are few of them, actions are what costs. */
export function formatSchemaFor(catalog: Catalog, selection: SchemaSelection): string {
  const wanted = new Set(selection.actions.flatMap((action) => leaves[action].groups))
  const lines = entityLines(catalog)
  lines.push(`action ${quote(APPROVED)};`)
  for (const group of groups) {
    if (!wanted.has(group)) continue
    lines.push(`action ${quote(group)};`, `action ${quote(twinOf(group))} in [${quote(group)}, ${quote(APPROVED)}];`)
  }
  const context = formatContext(selection)
  for (const action of selection.actions) lines.push(...actionLines(action, context))
  return `${lines.join('\n')}\n`
}

function entityLines(catalog: Catalog): string[] {
  return [
    `entity Group enum [${formatEnum(catalog.groups)}];`,
    `entity Zone enum [${formatEnum(catalog.zones)}];`,
    'entity Agent;',
    'entity Person, Workload in [Group];',
    'entity Database in [Zone];',
    'entity Schema in [Database];',
    'entity Table in [Schema, Zone] { listed: Bool };',
    'entity Function in [Schema];',
    'entity Boundary;',
  ]
}

/** An enumeration may not be empty; `%` is the encoding of the empty name and so the name of nothing. */
function formatEnum(names: ReadonlySet<string>): string {
  const sorted = [...names].sort()
  return (sorted.length > 0 ? sorted : ['%']).map(formatString).join(', ')
}

function formatContext(selection: SchemaSelection): string {
  const members: string[] = []
  for (const fact of [...selection.facts].sort()) {
    const isOptional = fact === 'agent' || (selection.optional?.has(fact) ?? false)
    members.push(`${fact}${isOptional ? '?' : ''}: ${factTypes[fact]}`)
  }
  return `{ ${members.join(', ')} }`
}

function actionLines(action: LeafAction, context: string): readonly [string, string] {
  const leaf = leaves[action]
  const applies = `appliesTo { principal: [Person, Workload], resource: [${leaf.resources.join(', ')}], context: ${context} };`
  const twinParents = [action, ...leaf.groups.map(twinOf)]
  return [
    `action ${quote(action)} in [${leaf.groups.map(quote).join(', ')}] ${applies}`,
    `action ${quote(twinOf(action))} in [${twinParents.map(quote).join(', ')}] ${applies}`,
  ]
}

function quote(action: string): string {
  return formatString(action)
}
