import type { BoundaryAction, Effect } from '#model'
import type { RecordType } from './arguments/types.ts'

/** A type of entity that can be acted on. */
export type ResourceType = 'Database' | 'Schema' | 'Table' | 'Function' | 'Data' | 'Server' | 'Tool' | 'Boundary'

/** A type of entity that can act. `Via`: the SQL of a person or workload that comes through an MCP server. */
export type PrincipalType = 'Person' | 'Workload' | 'Via'

/** An action that is asked about; groups and twins are not leaves. */
export interface LeafAction {
  readonly name: string
  readonly groups: readonly string[]
  readonly resources: readonly ResourceType[]
  readonly principals: readonly PrincipalType[]
  /** Of a tool's own action: what it takes, as policy can read it. */
  readonly arguments?: RecordType
}

/** The leaf actions that there are whatever the configuration says. */
export type FixedAction =
  Exclude<Effect, 'callTool'> | 'connect' | 'adhoc' | 'incomplete' | 'compute' | 'open' | 'listTool' | BoundaryAction

const everybody: readonly PrincipalType[] = ['Person', 'Workload', 'Via']
const actors: readonly PrincipalType[] = ['Person', 'Workload']

type LeafForm = Omit<LeafAction, 'name'>

const sql = (groups: readonly string[], resources: readonly ResourceType[]): LeafForm => ({
  groups: [...groups, 'sql'],
  resources,
  principals: everybody,
})
const onTable = (group: 'read' | 'write'): LeafForm => sql([group, 'object'], ['Table'])
const onDatabase = sql([], ['Database'])
const onBoundary: LeafForm = { groups: ['boundary'], resources: ['Boundary'], principals: actors }

const forms: Readonly<Record<FixedAction, LeafForm>> = {
  select: onTable('read'),
  insert: onTable('write'),
  update: onTable('write'),
  delete: onTable('write'),
  truncate: onTable('write'),
  ddl: sql([], ['Table', 'Schema', 'Database', 'Function']),
  call: sql([], ['Function']),
  connect: onDatabase,
  adhoc: onDatabase,
  incomplete: onDatabase,
  setSetting: onDatabase,
  compute: { groups: ['data'], resources: ['Data'], principals: everybody },
  open: { groups: ['mcp'], resources: ['Server'], principals: actors },
  listTool: { groups: ['mcp'], resources: ['Tool'], principals: actors },
  readTrail: onBoundary,
  openPayload: onBoundary,
  explain: onBoundary,
  exportEvidence: onBoundary,
  listSessions: onBoundary,
  endSession: onBoundary,
  revoke: onBoundary,
  listSecrets: onBoundary,
  setSecret: onBoundary,
}

const named = <Name extends string>(name: Name, form: LeafForm): readonly [Name, LeafAction] => [
  name,
  { name, ...form },
]

/** Every leaf action that is no tool's own. */
export const leaves: Readonly<Record<FixedAction, LeafAction>> = Object.fromEntries(
  Object.entries(forms).map(([name, form]) => named(name, form)),
) as Readonly<Record<FixedAction, LeafAction>>

/** Whether a word is a leaf action that is no tool's own. */
export function isFixedAction(word: string): word is FixedAction {
  return Object.hasOwn(leaves, word)
}

/** The action of calling one tool; its name is the tool's, which always has a slash in it: no other action does. */
export function toolAction(entity: string, parameters: RecordType): LeafAction {
  return { name: entity, groups: ['callTool', 'mcp'], resources: ['Tool'], principals: actors, arguments: parameters }
}

/** Whether an action is that of calling one tool. */
export function isToolAction(action: string): boolean {
  return action.includes('/')
}

/** Every group of actions. */
export const groups: readonly string[] = ['sql', 'object', 'read', 'write', 'data', 'mcp', 'callTool', 'boundary']

/** The group of every twin: what a guard asks for. */
export const APPROVED = 'approved'

const TWIN = '.approved'

/** Groups that a permit may not name, since they would permit what nobody listed. */
export const broadGroups: ReadonlySet<string> = new Set(['sql', 'object', 'data', 'mcp', 'callTool', 'boundary'])

/** Actions that a permit in the CDE may name without a review: they show and change nothing. */
export const unreviewedActions: ReadonlySet<string> = new Set(['connect', 'open', 'listTool'])

/** The twin of an action or group: the same thing with an approval. */
export function twinOf(action: string): string {
  return action + TWIN
}

/** Whether an action is a twin or the group of all twins. */
export function isApproved(action: string): boolean {
  return action === APPROVED || action.endsWith(TWIN)
}

/** The plain action or group behind a twin; a plain one is returned as it is. */
export function plainOf(action: string): string {
  return action.endsWith(TWIN) ? action.slice(0, -TWIN.length) : action
}

/** An action with everything above it, itself included: a policy whose action scope names none of these cannot match it. */
export function reachOf(action: LeafAction, approved: boolean): ReadonlySet<string> {
  const plain = [action.name, ...action.groups]
  return new Set(approved ? [...plain, ...plain.map(twinOf), APPROVED] : plain)
}
