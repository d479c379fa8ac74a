import { constants, writev } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rmdir, unlink } from 'node:fs/promises'
import type { Bytes } from '#base'
import type { FilePort, OpenFile } from './file-port.ts'
import { isErrorCode } from './system-error.ts'

/** Only the owner reads what the gateway writes, whatever the umask. */
export const FILE_MODE = 0o600
/** Folders of the trail are the owner's too. */
export const FOLDER_MODE = 0o700

/** The disk through the thread pool: for the event loop, which must not wait. */
export const poolFiles: FilePort = {
  async create(path: string): Promise<OpenFile> {
    return new PoolFile(await open(path, 'w+', FILE_MODE))
  },
  async openSynchronous(path: string): Promise<OpenFile> {
    return new PoolFile(await open(path, constants.O_RDWR | constants.O_DSYNC))
  },
  async openForReading(path: string): Promise<OpenFile | undefined> {
    try {
      return new PoolFile(await open(path, constants.O_RDONLY))
    } catch (error) {
      if (isErrorCode(error, 'ENOENT')) return undefined
      throw error
    }
  },
  rename,
  async remove(path: string): Promise<void> {
    try {
      await unlink(path)
    } catch (error) {
      if (!isErrorCode(error, 'ENOENT')) throw error
    }
  },
  async removeFolder(path: string): Promise<void> {
    try {
      await rmdir(path)
    } catch (error) {
      if (!isErrorCode(error, 'ENOENT') && !isErrorCode(error, 'ENOTEMPTY')) throw error
    }
  },
  async list(folder: string): Promise<readonly string[]> {
    try {
      return await readdir(folder)
    } catch (error) {
      if (isErrorCode(error, 'ENOENT')) return []
      throw error
    }
  },
  async makeFolder(path: string): Promise<boolean> {
    try {
      await mkdir(path, FOLDER_MODE)
      return true
    } catch (error) {
      if (isErrorCode(error, 'EEXIST')) return false
      throw error
    }
  },
  async syncFolder(path: string): Promise<void> {
    const handle = await open(path, constants.O_RDONLY)
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  },
}

class PoolFile implements OpenFile {
  readonly #handle: FileHandle
  #writing: Promise<unknown> = Promise.resolve()

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  /** By the callback form: a commit is one such call, and the promise form of the platform costs it some microseconds more. */
  write(pieces: readonly Bytes[], position: number): Promise<number> {
    const writing = new Promise<number>((resolve, reject) => {
      writev(this.#handle.fd, [...pieces], position, (error, written) => {
        if (error === null) resolve(written)
        else reject(error)
      })
    })
    this.#writing = writing
    return writing
  }

  async read(target: Bytes, position: number): Promise<number> {
    let at = 0
    while (at < target.length) {
      const { bytesRead } = await this.#handle.read(target, at, target.length - at, position + at)
      if (bytesRead === 0) break
      at += bytesRead
    }
    return at
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size
  }

  async sync(): Promise<void> {
    await this.#handle.sync()
  }

  /** Waits for a write that is under way: its descriptor must not be given to another file before it has run. */
  async close(): Promise<void> {
    await this.#writing.catch(() => undefined)
    await this.#handle.close()
  }
}
