import { chmodSync, closeSync, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { FILE_MODE, FOLDER_MODE } from './pool-files.ts'
import { isErrorCode } from './system-error.ts'

/** Leaves a folder that is not the public one, and the files in it, to the owner alone: also where a copy was restored with other modes. */
export function keepPrivate(folder: string): void {
  chmodSync(folder, FOLDER_MODE)
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isFile()) chmodSync(join(folder, entry.name), FILE_MODE)
  }
}

/**
 * Makes an empty file for the owner alone, unless there is one. That is not even opened: closing a descriptor of a file gives up the locks that
 * this process has on it (fcntl(2), "Record locks are automatically released").
 */
export function makePrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', FILE_MODE))
  } catch (error) {
    if (!isErrorCode(error, 'EEXIST')) throw error
  }
}
