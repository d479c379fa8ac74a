/** No isolation at all, for whoever accepts that by name: the child can do what Sallyport can. */
import type { ChildProcess } from 'node:child_process'
import { dirname, join } from 'node:path'
import { makeChildFolder } from './child-folder.ts'
import { guardian } from './guardian.ts'
import { environmentOf, launcher } from './launcher.ts'
import { SYSTEM_PATH } from './own-uid.ts'
import { treeOf, usageOf } from './process-tree.ts'
import type { Isolation } from './sandbox.ts'
import { type Reach, spawned } from './spawned.ts'

/** Starts children as they are. What leaves their process group is not found again. */
export function unisolated(): Isolation {
  return {
    kind: 'none',
    words: 'none: as configured, children run as Sallyport does; network: not isolated',
    isNetworkIsolated: false,
    prepare: (folder) => makeChildFolder(folder, process.getuid?.() ?? 0),
    start: (plan) =>
      spawned({
        command: launcher(plan, undefined),
        environment: environmentOf(plan, join(plan.folder, 'tmp'), `${dirname(process.execPath)}:${SYSTEM_PATH}`),
        workingFolder: plan.workingFolder,
        reach: (child) => Promise.resolve(groupReach(child)),
      }),
  }
}

function groupReach(child: ChildProcess): Reach {
  const pid = child.pid ?? 0
  const killer = guardian(['/bin/sh', '-c', 'kill -9 -"$1"', 'sh', String(pid)])
  return {
    usage: () => usageOf(treeOf(pid)),
    kill: () => {
      child.kill('SIGKILL')
    },
    isGone: () => killer.strike(),
  }
}
