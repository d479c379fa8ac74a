import type { BoundaryAction, Effect } from '#model'

/** A type of entity that a person or workload can act on. */
type ResourceType = 'Database' | 'Schema' | 'Table' | 'Function' | 'Boundary'

/** An action that is asked about; groups and twins are not leaves. */
export type LeafAction = Exclude<Effect, 'callTool'> | 'connect' | 'adhoc' | 'incomplete' | BoundaryAction

interface Leaf {
  readonly groups: readonly string[]
  readonly resources: readonly ResourceType[]
}

const onTable = (groups: readonly string[]): Leaf => ({ groups, resources: ['Table'] })
const onDatabase: Leaf = { groups: ['sql'], resources: ['Database'] }
const onBoundary: Leaf = { groups: ['boundary'], resources: ['Boundary'] }

/** Every leaf action: the groups that it is in and what it can be done to. */
export const leaves: Readonly<Record<LeafAction, Leaf>> = {
  select: onTable(['object', 'sql', 'read']),
  insert: onTable(['object', 'sql', 'write']),
  update: onTable(['object', 'sql', 'write']),
  delete: onTable(['object', 'sql', 'write']),
  truncate: onTable(['object', 'sql', 'write']),
  ddl: { groups: ['sql'], resources: ['Table', 'Schema', 'Database', 'Function'] },
  call: { groups: ['sql'], resources: ['Function'] },
  connect: onDatabase,
  adhoc: onDatabase,
  incomplete: onDatabase,
  setSetting: onDatabase,
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

/** Every group of actions. */
export const groups: readonly string[] = ['sql', 'object', 'read', 'write', 'boundary']

/** The group of every twin: what a guard asks for. */
export const APPROVED = 'approved'

const TWIN = '.approved'

/** Groups that a permit may not name, since they would permit what nobody listed. */
export const broadGroups: ReadonlySet<string> = new Set(['sql', 'object', 'boundary'])

/** Actions that a permit in the CDE may name without a review: they show and change nothing. */
export const unreviewedActions: ReadonlySet<string> = new Set(['connect'])

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
  const plain = [action, ...leaves[action].groups]
  return new Set(approved ? [...plain, ...plain.map(twinOf), APPROVED] : plain)
}
