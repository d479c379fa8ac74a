import { execFile } from 'node:child_process'
import { chmod, mkdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { GatewayError } from '#model'
import { ancestors } from './system-view.ts'

const run = promisify(execFile)

/** A large `node_modules` on a slow disk. */
const COPY_TIMEOUT_MS = 120_000
/** Whatever somebody else than its owner could not read; links have no permissions of their own. */
const UNREADABLE = ['!', '-type', 'l', '(', '!', '-perm', '-o=r', '-o', '-type', 'd', '!', '-perm', '-o=x', ')']

/** Code made readable for uids that own nothing: as it lies where it is open, else as a copy. */
export class ReadableCode {
  readonly #folder: string
  readonly #places = new Map<string, Promise<string>>()

  /** @param folder where copies are put; they keep their paths below it, so that what lies beside each other still does. */
  constructor(folder: string) {
    this.#folder = folder
  }

  /**
   * Where others can read a file or folder.
   *
   * @param needsWay whether the folders above it are gone through too; a mount does without.
   * @throws {GatewayError} `SP_TOOL_SERVER_FAILED` when it cannot be copied.
   */
  async place(path: string, needsWay: boolean): Promise<string> {
    const key = `${String(needsWay)} ${path}`
    const placing = this.#places.get(key) ?? this.#place(path, needsWay)
    this.#places.set(key, placing)
    // What failed once may work later: the disk was full.
    placing.catch(() => this.#places.delete(key))
    return await placing
  }

  async #place(path: string, needsWay: boolean): Promise<string> {
    try {
      const isOpen = (await isReadable(path)) && (!needsWay || (await hasWay(path)))
      return isOpen ? path : await this.#copy(path)
    } catch (error) {
      throw new GatewayError('SP_TOOL_SERVER_FAILED', `its code cannot be made readable: ${path}`, { cause: error })
    }
  }

  async #copy(path: string): Promise<string> {
    const copy = join(this.#folder, path)
    await mkdir(dirname(copy), { recursive: true })
    for (const folder of [this.#folder, ...ancestors(path).map((above) => join(this.#folder, above))]) {
      await chmod(folder, 0o755)
    }
    await run('cp', ['-a', '--reflink=auto', '-T', path, copy], { timeout: COPY_TIMEOUT_MS })
    await run('chmod', ['-R', 'a+rX,a-s', copy], { timeout: COPY_TIMEOUT_MS })
    return copy
  }
}

async function isReadable(path: string): Promise<boolean> {
  const { stdout } = await run('find', [path, ...UNREADABLE, '-print', '-quit'], { timeout: COPY_TIMEOUT_MS })
  return stdout === ''
}

async function hasWay(path: string): Promise<boolean> {
  const modes = await Promise.all(ancestors(path).map(async (above) => (await stat(above)).mode))
  return modes.every((mode) => (mode & 0o001) !== 0)
}
