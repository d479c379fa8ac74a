import { APPROVED, groups, type LeafAction, twinOf } from './actions.ts'
import { formatRecord, type RecordType } from './arguments/types.ts'
import { cardClasses, type Catalog } from './catalog.ts'
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
  /** The arguments of a tool's action; absent means all that it has, undefined none. */
  readonly args?: RecordType | undefined
}

/** The whole schema, against which policies are validated. */
export function formatSchema(catalog: Catalog): string {
  // the same whatever order the configuration names resources and tools in
  const actions = [...catalog.actions.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return formatSchemaFor(catalog, { actions, facts: allFacts })
}

/** The schema of a selection in Cedar's human syntax. Entity types are always all there: there are few of them, actions are what costs. */
export function formatSchemaFor(catalog: Catalog, selection: SchemaSelection): string {
  const wanted = new Set(selection.actions.flatMap((action) => action.groups))
  const lines = entityLines(catalog)
  lines.push(`action ${quote(APPROVED)};`)
  for (const group of groups) {
    if (!wanted.has(group)) continue
    lines.push(`action ${quote(group)};`, `action ${quote(twinOf(group))} in [${quote(group)}, ${quote(APPROVED)}];`)
  }
  const facts = factMembers(selection)
  for (const action of selection.actions) {
    const args = 'args' in selection ? selection.args : action.arguments
    lines.push(...actionLines(action, args === undefined ? facts : [...facts, `args: ${formatRecord(args)}`]))
  }
  return `${lines.join('\n')}\n`
}

function entityLines(catalog: Catalog): string[] {
  return [
    `entity Group enum [${formatEnum(catalog.groups)}];`,
    `entity Zone enum [${formatEnum(catalog.zones)}];`,
    'entity Agent;',
    `entity Class enum [${formatEnum(cardClasses)}];`,
    'entity Person, Workload in [Group];',
    'entity Server, Database in [Zone];',
    'entity Tool in [Server];',
    'entity Via in [Person, Workload, Tool, Server];',
    'entity Schema in [Database];',
    'entity Table in [Schema, Zone] { listed: Bool };',
    'entity Function in [Schema];',
    'entity Data in [Class, Table];',
    'entity Boundary;',
  ]
}

/** An enumeration may not be empty; `%` is the encoding of the empty name and so the name of nothing. */
function formatEnum(names: ReadonlySet<string>): string {
  const sorted = [...names].sort()
  return (sorted.length > 0 ? sorted : ['%']).map(formatString).join(', ')
}

function factMembers(selection: SchemaSelection): readonly string[] {
  return [...selection.facts].sort().map((fact) => {
    const isOptional = fact === 'agent' || (selection.optional?.has(fact) ?? false)
    return `${fact}${isOptional ? '?' : ''}: ${factTypes[fact]}`
  })
}

function actionLines(action: LeafAction, context: readonly string[]): readonly [string, string] {
  const principals = action.principals.join(', ')
  const resources = action.resources.join(', ')
  const applies = `appliesTo { principal: [${principals}], resource: [${resources}], context: { ${context.join(', ')} } };`
  const twinParents = [action.name, ...action.groups.map(twinOf)]
  return [
    `action ${quote(action.name)} in [${action.groups.map(quote).join(', ')}] ${applies}`,
    `action ${quote(twinOf(action.name))} in [${twinParents.map(quote).join(', ')}] ${applies}`,
  ]
}

function quote(action: string): string {
  return formatString(action)
}
