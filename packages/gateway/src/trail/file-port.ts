import type { Bytes } from '#base'

/**
 * What the trail asks of a disk. A port, so that the crash test can put a disk under it that loses everything a real one may lose.
 *
 * Nothing is durable by itself: a file's content is after `sync` (or after a returned `write` of a file opened for synchronous writing), a name
 * after `syncFolder` of the folder it lies in. Paths are absolute. Every method rejects with the error of the system.
 */
export interface FilePort {
  /** Creates a file, or empties the one that is there, for writing. */
  create(path: string): Promise<OpenFile>
  /** Opens a file that is there for writes that are durable when they return (`O_DSYNC`). */
  openSynchronous(path: string): Promise<OpenFile>
  /** Opens a file for reading, or gives undefined when there is none. */
  openForReading(path: string): Promise<OpenFile | undefined>
  rename(from: string, to: string): Promise<void>
  /** Removes a name; one that is not there is no error. */
  remove(path: string): Promise<void>
  /** Removes an empty folder; one that is not there or not empty is no error. */
  removeFolder(path: string): Promise<void>
  /** The names in a folder, in no order; none when it is not there. */
  list(folder: string): Promise<readonly string[]>
  /** Creates one folder; false when it is there already. */
  makeFolder(path: string): Promise<boolean>
  /** Makes the names in a folder durable. */
  syncFolder(path: string): Promise<void>
}

/** An open file; whoever opened it closes it. */
export interface OpenFile {
  /** Writes pieces in a row; the number of bytes written, which a full disk may make fewer. */
  write(pieces: readonly Bytes[], position: number): Promise<number>
  /** Reads up to `target.length` bytes; fewer only at the end of the file. */
  read(target: Bytes, position: number): Promise<number>
  size(): Promise<number>
  sync(): Promise<void>
  close(): Promise<void>
}

/** A write of which not everything was written, without an error of the system. */
class ShortWriteError extends Error {
  override readonly name = 'ShortWriteError'

  constructor(written: number, wanted: number) {
    super(`${written} of ${wanted} bytes written`)
  }
}

/** Writes all pieces or rejects. */
export async function writeAll(file: OpenFile, pieces: readonly Bytes[], position: number): Promise<void> {
  let wanted = 0
  for (const piece of pieces) wanted += piece.length
  const written = await file.write(pieces, position)
  if (written !== wanted) throw new ShortWriteError(written, wanted)
}

/**
 * Writes a file whole under a temporary name, synced, and gives it its name; the folder is the caller's to sync.
 *
 * What a crash left under the temporary name is removed, not overwritten: it may be another name of a file that was finished.
 */
export async function placeFile(
  files: FilePort,
  temporary: string,
  path: string,
  pieces: readonly Bytes[],
): Promise<void> {
  await files.remove(temporary)
  const file = await files.create(temporary)
  try {
    await writeAll(file, pieces, 0)
    await file.sync()
  } finally {
    await file.close()
  }
  await files.rename(temporary, path)
}

/** Reads a file of at most `maxBytes`, or gives undefined when there is none. @throws {RangeError} when it is longer. */
export async function readWhole(files: FilePort, path: string, maxBytes: number): Promise<Buffer | undefined> {
  const file = await files.openForReading(path)
  if (file === undefined) return undefined
  try {
    const size = await file.size()
    if (size > maxBytes) throw new RangeError(`${path} has ${size} bytes, more than the ${maxBytes} it may have`)
    const bytes = Buffer.allocUnsafe(size)
    return bytes.subarray(0, await file.read(bytes, 0))
  } finally {
    await file.close()
  }
}
