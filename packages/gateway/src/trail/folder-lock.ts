import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { GatewayError } from '#model'
import { makePrivateFile } from './private-folders.ts'

/**
 * Keeps a second process from writing the same trail. The lock is the one that SQLite takes on its file: the system releases it when the process is gone,
 * however it went, which a file with a process id cannot promise.
 */
export class FolderLock implements Disposable {
  readonly #database: DatabaseSync

  /** @throws {GatewayError} `SP_TRAIL_UNAVAILABLE` when another process has it. */
  constructor(walFolder: string) {
    const file = join(walFolder, 'lock')
    makePrivateFile(file)
    this.#database = new DatabaseSync(file)
    try {
      this.#database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    } catch (cause) {
      this.#database.close()
      throw new GatewayError('SP_TRAIL_UNAVAILABLE', 'another process has the trail open', { cause })
    }
  }

  [Symbol.dispose](): void {
    this.#database.close()
  }
}
