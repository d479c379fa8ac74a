/** For root where namespaces are refused: a uid for each child. The network stays open, and is said to be. */
import { chmodSync } from 'node:fs'
import { chown, mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { makeChildFolder } from './child-folder.ts'
import { type Guardian, guardian } from './guardian.ts'
import { environmentOf, launcher } from './launcher.ts'
import { Census, usageOf } from './process-tree.ts'
import { ReadableCode } from './readable-code.ts'
import { openRunFolder, type RunFolder } from './run-folder.ts'
import { dropTo, rangedUser } from './sandbox-user.ts'
import type { Isolation, SandboxedProcess, SandboxPlan } from './sandbox.ts'
import { spawned } from './spawned.ts'
import { DIES_WITH_STARTER, ifWeLive } from './starter.ts'
import { isWithin } from './system-view.ts'
import { findTool } from './tools.ts'

export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
/** kill(2), pid -1: "every process for which the calling process has permission to send signals", which are its own uid's. */
const KILL_ALL = ['/bin/sh', '-c', 'kill -9 -1']

/** The isolation by a uid of a range; a sentence when it cannot be had. */
export function ownUid(): Isolation | string {
  const setpriv = findTool('setpriv')
  if (process.getuid?.() !== 0) return 'uid: only root can give each child a uid of its own'
  if (setpriv === undefined) return 'uid: setpriv of util-linux is not installed'
  const user = rangedUser(setpriv, undefined)
  if (user === undefined) return 'uid: no range of uids is mapped here'
  const ground = new OpenGround()
  return {
    kind: 'uid',
    words: 'uid: a user of its own for each child; network: not isolated',
    isNetworkIsolated: false,
    prepare: (folder, slot) => makeChildFolder(folder, user.uid(slot)),
    start: (plan) => start(plan, { setpriv, uid: user.uid(plan.slot), ground }),
    close: () => {
      ground.close()
    },
  }
}

/** What children share: what other users can go to, which they cannot below our own folders (homes, and copies of code; made when first needed), and a look at all processes. */
class OpenGround {
  readonly census = new Census()
  #made: { readonly folder: RunFolder; readonly code: ReadableCode } | undefined

  get code(): ReadableCode {
    return this.#ready().code
  }

  /** Makes an empty home that nobody else can enter. */
  async home(uid: number): Promise<string> {
    const home = join(this.#ready().folder.path, `home-${String(uid)}`)
    await rm(home, { recursive: true, force: true })
    await mkdir(home, { mode: 0o700 })
    await chown(home, uid, uid)
    return home
  }

  close(): void {
    this.#made?.folder[Symbol.dispose]()
    this.#made = undefined
  }

  #ready(): { readonly folder: RunFolder; readonly code: ReadableCode } {
    if (this.#made === undefined) {
      const folder = openRunFolder(tmpdir())
      chmodSync(folder.path, 0o711)
      this.#made = { folder, code: new ReadableCode(join(folder.path, 'code')) }
    }
    return this.#made
  }
}

interface Way {
  readonly setpriv: string
  readonly uid: number
  readonly ground: OpenGround
}

async function start(plan: SandboxPlan, { setpriv, uid, ground }: Way): Promise<SandboxedProcess> {
  const { code } = ground
  const moved = await movedTo(plan, code)
  const node = await code.place(process.execPath, true)
  const home = await ground.home(uid)
  const killer = killerOf(setpriv, uid)
  return await spawned({
    command: [...dropTo(setpriv, uid, DIES_WITH_STARTER), ...ifWeLive(), ...launcher(moved, undefined)],
    environment: environmentOf(moved, home, `${dirname(node)}:${SYSTEM_PATH}`),
    workingFolder: moved.workingFolder,
    reach: (child) =>
      Promise.resolve({
        usage: () => usageOf(ground.census.of(uid)),
        kill: () => {
          child.kill('SIGKILL')
        },
        isGone: async () => {
          await killer.strike()
          await rm(home, { recursive: true, force: true })
        },
      }),
  })
}

/** Who kills all that is a uid's. It must not die with the process that it was started by: it is there for when that has died. */
export function killerOf(setpriv: string, uid: number, command: readonly string[] = KILL_ALL): Guardian {
  return guardian([...dropTo(setpriv, uid), ...command])
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
