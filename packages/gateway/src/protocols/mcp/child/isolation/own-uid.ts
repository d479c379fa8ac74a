/** For root where namespaces are refused: a uid for each child. The network stays open, and is said to be. */
import { chmod, chown } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeChildFolder } from './child-folder.ts'
import { guardian } from './guardian.ts'
import { environmentOf, launcher } from './launcher.ts'
import { processesOf, usageOf } from './process-tree.ts'
import type { ReadableCode } from './readable-code.ts'
import { dropTo, rangedUser } from './sandbox-user.ts'
import type { Isolation, SandboxedProcess, SandboxPlan } from './sandbox.ts'
import { spawned } from './spawned.ts'
import { isWithin } from './system-view.ts'
import { findTool } from './tools.ts'

export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
/** kill(2), pid -1: "every process for which the calling process has permission to send signals", which are its own uid's. */
const KILL_ALL = ['/bin/sh', '-c', 'kill -9 -1']

/** The isolation by a uid of a range; a sentence when it cannot be had. */
export function ownUid(code: ReadableCode): Isolation | string {
  const setpriv = findTool('setpriv')
  if (process.getuid?.() !== 0) return 'uid: only root can give each child a uid of its own'
  if (setpriv === undefined) return 'uid: setpriv of util-linux is not installed'
  const user = rangedUser(setpriv, undefined)
  if (user === undefined) return 'uid: no range of uids is mapped here'
  return {
    kind: 'uid',
    words: 'uid: a user of its own for each child; network: not isolated',
    isNetworkIsolated: false,
    prepare: (folder, slot) => prepare(folder, user.uid(slot)),
    start: (plan) => start(plan, { setpriv, uid: user.uid(plan.slot), code }),
  }
}

/** A home that it can go to, but not look around on the way; its door is a port, so that nothing else of the folder is its. */
async function prepare(folder: string, uid: number): Promise<void> {
  await makeChildFolder(folder, uid)
  for (const above of [dirname(folder), folder]) await chmod(above, 0o711)
  const home = join(folder, 'tmp')
  await chown(home, uid, uid)
  await chmod(home, 0o700)
}

interface Way {
  readonly setpriv: string
  readonly uid: number
  readonly code: ReadableCode
}

async function start(plan: SandboxPlan, { setpriv, uid, code }: Way): Promise<SandboxedProcess> {
  const moved = await movedTo(plan, code)
  const node = await code.place(process.execPath, true)
  const drop = dropTo(setpriv, uid)
  const killer = guardian([...drop, ...KILL_ALL])
  return await spawned({
    command: [...drop, ...launcher(moved, undefined)],
    environment: environmentOf(moved, join(plan.folder, 'tmp'), `${dirname(node)}:${SYSTEM_PATH}`),
    workingFolder: moved.workingFolder,
    reach: (child) =>
      Promise.resolve({
        usage: () => usageOf(processesOf(uid)),
        kill: () => {
          child.kill('SIGKILL')
        },
        isGone: () => killer.strike(),
      }),
  })
}

/** The plan with its code where the uid can read it: there are no mounts that could put it where it was. */
async function movedTo(plan: SandboxPlan, code: ReadableCode): Promise<SandboxPlan> {
  const places = await Promise.all(plan.code.map(async (path) => ({ path, place: await code.place(path, true) })))
  const move = (text: string): string => {
    const found = places.find(({ path }) => isWithin(text, path))
    return found === undefined ? text : found.place + text.slice(found.path.length)
  }
  return {
    ...plan,
    program: plan.program.map(move),
    workingFolder: move(plan.workingFolder),
    code: plan.code.map(move),
  }
}
