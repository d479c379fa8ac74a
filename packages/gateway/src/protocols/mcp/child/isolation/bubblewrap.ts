/** The command line of bubblewrap for one child. */
import { join } from 'node:path'
import { launcher } from './launcher.ts'
import type { SandboxUser } from './sandbox-user.ts'
import { INSIDE, type SandboxPlan } from './sandbox.ts'
import { diesWithUs } from './starter.ts'
import { FILTER_FILE, systemCallFilter } from './system-calls.ts'
import { ancestors, type Bind, isWithin, type Seen } from './system-view.ts'

/** How bubblewrap is used here. */
export interface BubblewrapVariant {
  readonly bwrap: string
  /** `setpriv` of util-linux, if it is there. */
  readonly setpriv: string | undefined
  readonly user: SandboxUser
}

/** Words the command line. Later mounts lie over earlier ones; what is not named is not there. */
export function bubblewrapCommand(
  plan: SandboxPlan,
  { view, code }: Seen,
  { bwrap, setpriv, user }: BubblewrapVariant,
): readonly string[] {
  const etc = ETC_FILES.map((name) => ({ from: join(plan.folder, 'etc', name), to: `/etc/${name}` }))
  const relay = plan.socket === undefined ? undefined : { socketPath: `${INSIDE.door}/${plan.socket}` }
  const door = relay === undefined ? [] : [{ from: join(plan.folder, 'door'), to: INSIDE.door }]
  const { temporaryBytes } = plan.limits
  return [
    // Bubblewrap does not ask whether its parent lives when it says that it dies with it.
    ...(setpriv === undefined ? [] : diesWithUs(setpriv)),
    ...withFilter(join(plan.folder, FILTER_FILE), bwrap),
    // `--unshare-cgroup-try`: cgroup namespaces can be missing, and hide nothing that a child sees.
    ...['--unshare-pid', '--unshare-net', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
    ...user.bubblewrap,
    ...['--die-with-parent', '--new-session', '--hostname', 'child'],
    ...view.links.flatMap(({ target, path }) => ['--symlink', target, path]),
    ...['--proc', '/proc', ...(user.setsLimits ? ['--bind', '/proc/sys/user', '/proc/sys/user'] : [])],
    ...['--dev', '/dev', '--size', SHARED_MEMORY_BYTES, '--perms', '1777', '--tmpfs', '/dev/shm'],
    ...['--size', String(temporaryBytes), '--perms', '1777', '--tmpfs', '/tmp'],
    ...mounts([...view.binds, ...view.own, ...etc, ...code, ...door]),
    // The root is a memory file system without a limit: nothing may be written to it.
    ...['--remount-ro', '/dev', '--remount-ro', '/', '--chdir', plan.workingFolder, '--'],
    ...user.prefix(plan.slot),
    ...launcher(plan, relay),
  ]
}

/** What is made for each child: nobody's names but its own. */
export const ETC_FILES: readonly string[] = ['group', 'hosts', 'nsswitch.conf', 'passwd', 'resolv.conf']

const SHARED_MEMORY_BYTES = '16777216'

/**
 * Bubblewrap reads the filter of system calls from a descriptor, and closes it. Descriptor 3 is the lifeline; a shell opens the next one and becomes
 * bubblewrap.
 */
function withFilter(file: string, bwrap: string): readonly string[] {
  if (systemCallFilter(process.arch) === undefined) return [bwrap]
  return ['/bin/sh', '-c', 'exec "$@" 4<"$0"', file, bwrap, '--seccomp', '4']
}

/** Read-only mounts; the folders above them are made first, because bubblewrap would make them for their owner alone. */
function mounts(binds: readonly Bind[]): readonly string[] {
  const folders = new Set(binds.flatMap(({ to }) => ancestors(to)))
  const made = [...folders].filter((folder) => !binds.some(({ to }) => isWithin(folder, to)))
  return [
    ...made.filter((folder) => folder !== '/tmp').flatMap((folder) => ['--perms', '0755', '--dir', folder]),
    ...binds.flatMap(({ from, to }) => ['--ro-bind', from, to]),
  ]
}
