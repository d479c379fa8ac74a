import { setTimeout as delay } from 'node:timers/promises'
import { DatabaseSync } from 'node:sqlite'

/** Longer than the slowest copy seen. */
const LOCK_TIMEOUT_MS = 60_000
const RETRY_MS = 20

/**
 * Runs `work` while no other process runs it under the same lock. SQLite's file lock, since it is the one lock within Node's reach that
 * the kernel releases when its holder is killed.
 *
 * @param file created if need be; it stays
 * @throws {Error} when the lock is not to be had within a minute
 */
export async function holdingLock(file: string, work: () => Promise<void>): Promise<void> {
  const database = new DatabaseSync(file)
  try {
    const deadline = performance.now() + LOCK_TIMEOUT_MS
    while (!tryBegin(database, deadline)) await delay(RETRY_MS)
    await work()
  } finally {
    database.close()
  }
}

function tryBegin(database: DatabaseSync, deadline: number): boolean {
  try {
    database.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE')
    return true
  } catch (error) {
    if (performance.now() > deadline) throw error
    return false
  }
}
