import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { GatewayError } from '#model'

/**
 * Holds the data folder for one process. The lock is the operating system's, on a file of SQLite's, so that it is gone with the process
 * however that ends; two processes on one trail would write two truths.
 *
 * @throws {GatewayError} `SP_CONFIG_INVALID` when another process holds it.
 */
export function lockDataFolder(folder: string): Disposable {
  const database = new DatabaseSync(join(folder, 'lock.db'), { timeout: 0 })
  try {
    database.exec('pragma journal_mode = delete; begin exclusive')
  } catch (error) {
    database.close()
    throw new GatewayError(
      'SP_CONFIG_INVALID',
      `another process works on ${folder}; stop it first, or use the commands that ask the running gateway`,
      { cause: error },
    )
  }
  return {
    [Symbol.dispose]: () => {
      database.close()
    },
  }
}
