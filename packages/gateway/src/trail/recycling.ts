import { join } from 'node:path'
import type { FilePort } from './file-port.ts'
import { isErrorCode } from './system-error.ts'
import { isPooledName, MAX_POOLED, parseSegmentName, pooledPath } from './wal-folder.ts'

/**
 * Takes the segments below `segment` out of use: up to three wait to be used again (preparing sixteen mebibytes costs more than a header), the rest are
 * removed. An abandoned one is always removed: a write of unknown fate may still reach its file.
 */
export async function recycle(
  { files, walFolder }: { readonly files: FilePort; readonly walFolder: string },
  segment: number,
  mayBeUsedAgain: (segment: number) => boolean,
): Promise<void> {
  const names = await files.list(walFolder)
  let pooled = names.filter(isPooledName).length
  for (const name of names.toSorted()) {
    const old = parseSegmentName(name)
    if (old === undefined || old >= segment) continue
    const path = join(walFolder, name)
    if (pooled >= MAX_POOLED || !mayBeUsedAgain(old)) {
      await files.remove(path)
      continue
    }
    try {
      await files.rename(path, pooledPath(walFolder, old))
      pooled += 1
    } catch (error) {
      // The writing side removes a segment that it gave up before anything in it was durable.
      if (!isErrorCode(error, 'ENOENT')) throw error
    }
  }
  await files.syncFolder(walFolder)
}
