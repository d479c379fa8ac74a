/** As whom a child runs inside namespaces. */
import { readFileSync } from 'node:fs'
import { DIES_WITH_STARTER } from './starter.ts'

/** As whom the program runs, and by which steps it becomes that. */
export interface SandboxUser {
  /** The uid (and gid) that the program sees itself as. */
  uid(slot: number): number
  /** Options of bubblewrap. */
  readonly bubblewrap: readonly string[]
  /** Whether it is somebody else's uid seen through a user namespace, rather than one of its own. */
  readonly isMapped: boolean
  /** Whether it is in a user namespace of its own. */
  readonly hasNamespace: boolean
  /** Whether it must be able to write the limits of its user namespace (`/proc/sys/user`) before it becomes powerless. */
  readonly setsLimits: boolean
  /** What stands before the program. */
  prefix(slot: number): readonly string[]
}

/** What a mapped user is called inside. */
const MAPPED_UID = 1000

/** Whoever runs Sallyport, seen as somebody else in a user namespace and without any capability. */
export function mappedUser(options: { readonly forbidsMore: boolean }): SandboxUser {
  const id = String(MAPPED_UID)
  const more = options.forbidsMore ? ['--disable-userns'] : []
  return {
    uid: () => MAPPED_UID,
    bubblewrap: ['--unshare-user', '--uid', id, '--gid', id, ...more, '--cap-drop', 'ALL'],
    isMapped: true,
    hasNamespace: true,
    setsLimits: false,
    prefix: () => [],
  }
}

/**
 * For root: a uid of a range that owns nothing, one for each child. Root itself, mapped, would still own `/dev/null` and what else of root's is
 * seen inside, and no limit on processes holds for it.
 */
export function rangedUser(setpriv: string, unshare: string | undefined): SandboxUser | undefined {
  const base = uidBase()
  if (base === undefined) return undefined
  const namespace = unshare === undefined ? [] : sealedNamespace(setpriv, unshare)
  return {
    uid: (slot) => base + slot,
    bubblewrap: [],
    isMapped: false,
    hasNamespace: unshare !== undefined,
    setsLimits: unshare !== undefined,
    prefix: (slot) => [...dropTo(setpriv, base + slot, DIES_WITH_STARTER), ...namespace],
  }
}

/**
 * A user namespace of one's own in which no further one can be made: that is where most holes of kernels lie. Its capabilities are needed to say
 * so, and dropped then.
 */
function sealedNamespace(setpriv: string, unshare: string): readonly string[] {
  const seal = 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"'
  return [
    ...[unshare, '--user', '--map-current-user', '--keep-caps', '--', '/bin/sh', '-c', seal, 'sh'],
    ...[setpriv, '--ambient-caps=-all', ...POWERLESS, ...DIES_WITH_STARTER, '--'],
  ]
}

const POWERLESS = ['--inh-caps=-all', '--bounding-set=-all', '--no-new-privs']

/** Becomes another user for good, with no capability and no way to gain one. */
export function dropTo(setpriv: string, uid: number, more: readonly string[] = []): readonly string[] {
  const id = String(uid)
  return [setpriv, '--reuid', id, '--regid', id, '--clear-groups', ...POWERLESS, ...more, '--']
}

/** Children at a time at most; so many uids are needed. */
const MAX_SLOTS = 1000

/**
 * Where uids begin that belong to nobody, and how many gateways on one machine have a range there, most likely each its own: what counts or
 * kills a child by its uid must not meet another's. Above all that accounts, subordinate uids (login.defs: to 600,100,000) and containers of
 * systemd (to 1,879,048,191) take; else where a container maps some.
 */
const BASES = [
  { first: 1_900_000_000, ranges: 65_536 },
  { first: 200_000, ranges: 32 },
  { first: 20_000, ranges: 32 },
] as const

function uidBase(): number | undefined {
  const base = BASES.find(({ first, ranges }) => isUidMapped(first) && isUidMapped(first + ranges * MAX_SLOTS))
  return base === undefined ? undefined : base.first + (process.pid % base.ranges) * MAX_SLOTS
}

/** user_namespaces(7), uid_map: each line is "the start of the range in this namespace, in the parent's, and its length". */
function isUidMapped(uid: number): boolean {
  const lines = readFileSync('/proc/self/uid_map', 'utf8').trim().split('\n')
  return lines.some((line) => {
    const [inside = 0, , length = 0] = line.trim().split(/\s+/).map(Number)
    return uid >= inside && uid < inside + length
  })
}
