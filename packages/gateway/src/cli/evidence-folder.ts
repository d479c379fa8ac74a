import { createHash } from 'node:crypto'
import { type FileHandle, mkdir, mkdtemp, open, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { TarReader } from '#base'
import { CommandError, EXIT } from './exit-codes.ts'

const MANIFEST = 'manifest.json'

/**
 * Unpacks an archive of the API into a folder that is not there yet or empty: beside it first, and in its place when all of it is there.
 *
 * @param manifestSha256 what the manifest must be.
 * @throws {CommandError} when the folder has something in it, or what came is not whole.
 */
export async function unpackEvidence(
  archive: AsyncIterable<Uint8Array>,
  folder: string,
  manifestSha256: string | null,
): Promise<number> {
  await requireEmpty(folder)
  await mkdir(dirname(folder), { recursive: true })
  const work = await mkdtemp(join(dirname(folder), `.${basename(folder)}-`))
  try {
    const files = await unpack(archive, work)
    const digest = createHash('sha256')
      .update(await readFile(join(work, MANIFEST)))
      .digest('hex')
    if (digest !== manifestSha256) throw notWhole('its manifest is not the one that was announced')
    await rmdir(folder).catch(() => undefined)
    await rename(work, folder)
    return files
  } catch (error) {
    await rm(work, { recursive: true, force: true })
    throw error instanceof TypeError ? notWhole(error.message) : error
  }
}

/** @throws {CommandError} when something is there already. */
export async function requireEmpty(folder: string): Promise<void> {
  const found = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw new CommandError(EXIT.usage, `${folder} cannot be used: ${error.code ?? error.message}`)
  })
  if (found.length > 0)
    throw new CommandError(EXIT.conflict, `${folder} is not empty`, 'name a folder that is new or empty')
}

async function unpack(archive: AsyncIterable<Uint8Array>, work: string): Promise<number> {
  const reader = new TarReader()
  let files = 0
  let file: FileHandle | undefined
  try {
    for await (const piece of archive) {
      for (const part of reader.read(piece)) {
        if (part.kind === 'content') await file?.writeFile(part.bytes)
        if (part.kind !== 'file') continue
        await file?.close()
        // A path of an archive is relative and does not climb (base/tar.ts).
        const path = join(work, part.file.path)
        await mkdir(dirname(path), { recursive: true })
        file = await open(path, 'wx', 0o600)
        files += 1
      }
    }
  } finally {
    await file?.close()
  }
  if (!reader.isEnded) throw notWhole('it was cut short')
  return files
}

function notWhole(reason: string): CommandError {
  return new CommandError(EXIT.upstream, `the evidence did not arrive whole: ${reason}`, 'try again')
}
