import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { GatewayError } from '#model'

/** Names the process that it is for, so that what a killed gateway left can be told and removed. */
const NAME = /^sallyport-uids-(\d+)$/

/** The folder for the folders of children. */
export interface RunFolder extends Disposable {
  readonly path: string
}

/**
 * Makes the folder in which children get theirs, ours alone, and removes those of gateways that were killed. Short: the path of a socket has at
 * most 107 bytes.
 *
 * @param parent a folder for temporary files, as `/tmp`.
 * @throws {GatewayError} `SP_TOOL_SERVER_FAILED` when somebody else has put something in its place.
 */
export function openRunFolder(parent: string): RunFolder {
  for (const name of readdirSync(parent)) {
    const pid = Number(NAME.exec(name)?.[1])
    if (pid > 0 && isOurs(join(parent, name)) && !isRunning(pid)) remove(join(parent, name))
  }
  const path = join(parent, `sallyport-uids-${String(process.pid)}`)
  rmSync(path, { recursive: true, force: true })
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    throw new GatewayError('SP_TOOL_SERVER_FAILED', `${path} cannot be made`, { cause: error })
  }
  return {
    path,
    [Symbol.dispose]: () => {
      rmSync(path, { recursive: true, force: true })
    },
  }
}

/** Another gateway may be removing it too; what is left of it then is for the next. */
function remove(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true })
  } catch {
    // It is in nobody's way: ours has another name.
  }
}

function isOurs(path: string): boolean {
  try {
    return statSync(path).uid === process.getuid?.()
  } catch {
    return false
  }
}

function isRunning(pid: number): boolean {
  if (pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
