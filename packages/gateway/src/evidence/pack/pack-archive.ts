import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { type Bytes, tarEnd, type TarFile, tarHeader, tarPadding } from '#base'

/**
 * The files of a pack as one archive, read as it is taken.
 *
 * @throws {RangeError} when a file is not as long as it was.
 */
export async function* packArchive(directory: string, files: readonly TarFile[]): AsyncGenerator<Bytes, void> {
  for (const file of files) {
    yield tarHeader(file)
    let size = 0
    for await (const bytes of createReadStream(join(directory, file.path)) as AsyncIterable<Buffer>) {
      size += bytes.length
      yield bytes
    }
    if (size !== file.size) throw new RangeError('a file of the pack changed while it was handed over')
    const padding = tarPadding(size)
    if (padding.length > 0) yield padding
  }
  yield tarEnd()
}
