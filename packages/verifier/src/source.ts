import { constants, type Stats } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { VerifierError } from './errors.ts'

/** Where the files of a trail come from; paths are those of the log, with slashes. */
export interface TrailSource {
  /**
   * Opens a file for reading in pieces, or gives undefined when there is none.
   *
   * @throws {VerifierError} `SP_FILE_UNREADABLE`
   */
  open(path: string): Promise<TrailFile | undefined>
}

/** An open file; its opener closes it. */
export interface TrailFile {
  readonly size: number
  /**
   * Reads up to `target.length` bytes at `position`; fewer only at the end.
   *
   * @throws {VerifierError} `SP_FILE_UNREADABLE`
   */
  read(target: Buffer, position: number): Promise<number>
  close(): Promise<void>
}

/**
 * Reads a whole file of at most `maxBytes`, or gives undefined when there is none.
 *
 * @throws {VerifierError} `SP_FILE_UNREADABLE`, `SP_FILE_TOO_LARGE`
 */
export async function readWhole(source: TrailSource, path: string, maxBytes: number): Promise<Buffer | undefined> {
  const file = await source.open(path)
  if (file === undefined) return undefined
  try {
    if (file.size > maxBytes)
      throw new VerifierError(
        'SP_FILE_TOO_LARGE',
        `${path} is ${file.size} bytes, more than the ${maxBytes} it may have`,
      )
    const bytes = Buffer.allocUnsafe(file.size)
    return bytes.subarray(0, await file.read(bytes, 0))
  } finally {
    await file.close()
  }
}

/** The files of a trail in a folder. */
export class FolderSource implements TrailSource {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  async open(path: string): Promise<TrailFile | undefined> {
    let handle: FileHandle | undefined
    try {
      // Without O_NONBLOCK a named pipe laid in the folder would stop the check for ever.
      handle = await open(join(this.#folder, path), constants.O_RDONLY | constants.O_NONBLOCK)
      const stats = await handle.stat()
      if (!stats.isFile()) throw new VerifierError('SP_FILE_UNREADABLE', `${path} is not a regular file`)
      return new FolderFile(path, handle, stats)
    } catch (cause) {
      await handle?.close()
      if (isAbsence(cause)) return undefined
      throw unreadable(path, cause)
    }
  }
}

class FolderFile implements TrailFile {
  readonly size: number
  readonly #path: string
  readonly #handle: FileHandle

  constructor(path: string, handle: FileHandle, stats: Stats) {
    this.#path = path
    this.#handle = handle
    this.size = stats.size
  }

  async read(target: Buffer, position: number): Promise<number> {
    let at = 0
    try {
      while (at < target.length) {
        const { bytesRead } = await this.#handle.read(target, at, target.length - at, position + at)
        if (bytesRead === 0) break
        at += bytesRead
      }
    } catch (cause) {
      throw unreadable(this.#path, cause)
    }
    return at
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}

function isAbsence(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR')
}

function unreadable(path: string, cause: unknown): VerifierError {
  if (cause instanceof VerifierError) return cause
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error'
  return new VerifierError('SP_FILE_UNREADABLE', `${path} cannot be read: ${code}`, { cause })
}
