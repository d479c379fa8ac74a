/** Who runs the server: PostgreSQL refuses root, and a user without an entry in passwd. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { chown } from 'node:fs/promises'

/** The user that the server's processes run under. */
export interface ServerUser {
  /** `self`: whoever runs this; `namespace`: root, seen as nobody in a user namespace; `nobody`: the uid of nobody. */
  readonly kind: 'self' | 'namespace' | 'nobody'
  /** What stands before the program in its command line. */
  readonly prefix: readonly string[]
  /** What `spawn` needs besides. */
  readonly ids: { readonly uid?: number; readonly gid?: number }
  /** Makes a file or folder of this process the server's. */
  own(path: string): Promise<void>
  /** Whether the server can reach what lies in a folder. */
  canEnter(folder: string): boolean
}

interface Account {
  readonly uid: number
  readonly gid: number
}

let found: ServerUser | undefined

/**
 * Finds out once how the server can be run here.
 *
 * @throws {Error} as root where there is no user `nobody`
 */
export function serverUser(): ServerUser {
  found ??= findUser()
  return found
}

function findUser(): ServerUser {
  if (process.getuid?.() !== 0) return user('self', [], {})
  const nobody = accountOf('nobody')
  // Still root's files to the kernel, so nothing needs a new owner; but without a capability outside the namespace.
  const namespace = ['unshare', '--user', `--map-user=${nobody.uid}`, `--map-group=${nobody.gid}`, '--']
  // Refused in a chroot, by some containers and by some distributions' hardening; older util-linux does not know the options.
  if (succeeds([...namespace, 'true'])) return user('namespace', namespace, {})
  return user('nobody', [], nobody)
}

function user(kind: ServerUser['kind'], prefix: readonly string[], ids: ServerUser['ids']): ServerUser {
  const { uid, gid } = ids
  return {
    kind,
    prefix,
    ids,
    own: async (path) => {
      if (uid !== undefined && gid !== undefined) await chown(path, uid, gid)
    },
    canEnter: (folder) => succeeds([...prefix, '/bin/sh', '-c', 'cd "$1"', 'sh', folder], ids),
  }
}

function succeeds([command = '', ...args]: readonly string[], ids: ServerUser['ids'] = {}): boolean {
  return spawnSync(command, args, { ...ids, cwd: '/', stdio: 'ignore', timeout: 10_000 }).status === 0
}

function accountOf(name: string): Account {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`))
  const [, , uid, gid] = line?.split(':') ?? []
  if (uid === undefined || gid === undefined)
    throw new Error(`PostgreSQL cannot run as root, and there is no user ${name} to run it as; start as a normal user`)
  return { uid: Number(uid), gid: Number(gid) }
}
