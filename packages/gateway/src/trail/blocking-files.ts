import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writevSync,
} from 'node:fs'
import type { Bytes } from '#base'
import type { FilePort, OpenFile } from './file-port.ts'
import { FILE_MODE, FOLDER_MODE } from './pool-files.ts'
import { isErrorCode } from './system-error.ts'

/**
 * The disk by blocking calls: for a thread of its own. The pool is shared by the whole process and has four places, so a sequencer that synced
 * its files there would make receipts wait.
 */
export const blockingFiles: FilePort = {
  create: (path) => attempt(() => new BlockingFile(openSync(path, 'w+', FILE_MODE))),
  openSynchronous: (path) => attempt(() => new BlockingFile(openSync(path, constants.O_RDWR | constants.O_DSYNC))),
  openForReading: (path) =>
    attempt(() => unless('ENOENT', undefined, () => new BlockingFile(openSync(path, constants.O_RDONLY)))),
  rename: (from, to) => attempt(() => renameSync(from, to)),
  remove: (path) => attempt(() => unless('ENOENT', undefined, () => unlinkSync(path))),
  removeFolder: (path) =>
    attempt(() => unless('ENOENT', undefined, () => unless('ENOTEMPTY', undefined, () => rmdirSync(path)))),
  list: (folder) => attempt(() => unless('ENOENT', [], () => readdirSync(folder))),
  makeFolder: (path) =>
    attempt(() =>
      unless('EEXIST', false, () => {
        mkdirSync(path, FOLDER_MODE)
        return true
      }),
    ),
  syncFolder: (path) =>
    attempt(() => {
      const descriptor = openSync(path, constants.O_RDONLY)
      try {
        fsyncSync(descriptor)
      } finally {
        closeSync(descriptor)
      }
    }),
}

class BlockingFile implements OpenFile {
  readonly #descriptor: number

  constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  write(pieces: readonly Bytes[], position: number): Promise<number> {
    return attempt(() => writevSync(this.#descriptor, [...pieces], position))
  }

  read(target: Bytes, position: number): Promise<number> {
    return attempt(() => {
      let at = 0
      while (at < target.length) {
        const count = readSync(this.#descriptor, target, at, target.length - at, position + at)
        if (count === 0) break
        at += count
      }
      return at
    })
  }

  size(): Promise<number> {
    return attempt(() => fstatSync(this.#descriptor).size)
  }

  sync(): Promise<void> {
    return attempt(() => fsyncSync(this.#descriptor))
  }

  close(): Promise<void> {
    return attempt(() => closeSync(this.#descriptor))
  }
}

/** Runs a blocking call as the port's promise. */
function attempt<T>(call: () => T): Promise<T> {
  return new Promise((resolve) => resolve(call()))
}

function unless<T, U>(code: string, otherwise: U, call: () => T): T | U {
  try {
    return call()
  } catch (error) {
    if (isErrorCode(error, code)) return otherwise
    throw error
  }
}
