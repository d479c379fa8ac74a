/** The kinds that keep a child in namespaces of its own. */
import { makeChildFolder } from './child-folder.ts'
import { environmentOf } from './launcher.ts'
import { bubblewrapCommand } from './bubblewrap.ts'
import { namespaceReach } from './namespace-reach.ts'
import { mappedUser, rangedUser, type SandboxUser } from './sandbox-user.ts'
import type { ReadableCode } from './readable-code.ts'
import type { Isolation, SandboxPlan } from './sandbox.ts'
import { spawned } from './spawned.ts'
import { type Bind, type Seen, systemView } from './system-view.ts'
import { findTool } from './tools.ts'
import { unshareCommand } from './unshare.ts'

/** The ways to use bubblewrap, best first; a sentence when there is none. */
export function bubblewrapCandidates(isRoot: boolean, code: ReadableCode): readonly Isolation[] | string {
  const bwrap = findTool('bwrap')
  if (bwrap === undefined) return 'bubblewrap: bwrap is not installed'
  const setpriv = findTool('setpriv')
  return users(isRoot, [true, false]).map((user) =>
    candidate('bubblewrap', { user, code }, (plan, seen) => bubblewrapCommand(plan, seen, { bwrap, setpriv, user })),
  )
}

/** The ways to use unshare, best first; a sentence when there is none. */
export function unshareCandidates(isRoot: boolean, code: ReadableCode): readonly Isolation[] | string {
  const unshare = findTool('unshare')
  const setpriv = findTool('setpriv')
  if (unshare === undefined || setpriv === undefined)
    return 'unshare: unshare and setpriv of util-linux are not installed'
  if (findTool('ip') === undefined && findTool('ifconfig') === undefined) {
    return 'unshare: neither ip nor ifconfig is installed, so the loopback interface cannot be used'
  }
  return users(isRoot, [true]).map((user) =>
    candidate('unshare', { user, code }, (plan, seen) => unshareCommand(plan, seen, { unshare, setpriv, user })),
  )
}

/** Root hands over to a uid that owns nothing; where it may not (a container), and for everybody else, a user namespace does it. */
function users(isRoot: boolean, forbidsMore: readonly boolean[]): readonly SandboxUser[] {
  const mapped = forbidsMore.map((forbids) => mappedUser({ forbidsMore: forbids }))
  const setpriv = findTool('setpriv')
  if (!isRoot || setpriv === undefined) return mapped
  const ranged = [rangedUser(setpriv, findTool('unshare')), rangedUser(setpriv, undefined)]
  return [...ranged.filter((user) => user !== undefined), ...mapped]
}

function candidate(
  kind: 'bubblewrap' | 'unshare',
  { user, code }: { readonly user: SandboxUser; readonly code: ReadableCode },
  command: (plan: SandboxPlan, seen: Seen) => readonly string[],
): Isolation {
  return {
    kind,
    words: `${kind}: ${user.hasNamespace ? 'user, ' : ''}pid, mount, network, ipc and uts namespaces of its own`,
    isNetworkIsolated: true,
    prepare: (folder, slot) => makeChildFolder(folder, user.uid(slot)),
    start: async (plan) =>
      await spawned({
        command: command(plan, await seenBy(plan, user, code)),
        environment: environmentOf(plan, '/tmp'),
        workingFolder: '/',
        reach: namespaceReach,
      }),
  }
}

/** What a child sees; a user who owns nothing may need copies. A mapped one is whoever runs Sallyport, and reads what they can. */
async function seenBy(plan: SandboxPlan, { isMapped }: SandboxUser, code: ReadableCode): Promise<Seen> {
  const view = systemView()
  const folders = plan.code.map((path) => ({ from: path, to: path }))
  if (isMapped) return { view, code: folders }
  const placed = async ({ from, to }: Bind): Promise<Bind> => ({ from: await code.place(from, false), to })
  const [own, copied] = await Promise.all([Promise.all(view.own.map(placed)), Promise.all(folders.map(placed))])
  return { view: { ...view, own }, code: copied }
}
