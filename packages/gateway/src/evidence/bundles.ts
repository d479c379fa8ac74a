import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { entriesPath, payloadPath, TILE_WIDTH } from '@sallyport/verifier'

/** c2sp.org/tlog-tiles: an entry is prefixed by its length as a big-endian uint16. */
const ENTRY_LENGTH_BYTES = 2
const PAYLOAD_LENGTH_BYTES = 4

/** Where an entry lies. */
export interface EntryPlace {
  readonly sequence: number
  readonly offset: number
  readonly length: number
}

/** One entry of a bundle and where it lies in the file. */
export interface PlacedEntry extends EntryPlace {
  readonly json: string
}

/** Reads the entries `from` to below `size` that lie in bundle `index` of a log of `size` entries. */
export function readEntries(directory: string, index: number, from: number, size: number): readonly PlacedEntry[] {
  const bytes = readAt(placeOf(directory, entriesPath, index, size), (file) => readFileSync(file))
  const entries: PlacedEntry[] = []
  let offset = 0
  for (let sequence = index * TILE_WIDTH; sequence < Math.min(size, (index + 1) * TILE_WIDTH); sequence++) {
    const length = bytes.readUInt16BE(offset)
    const start = offset + ENTRY_LENGTH_BYTES
    if (sequence >= from)
      entries.push({ sequence, offset: start, length, json: bytes.toString('utf8', start, start + length) })
    offset = start + length
  }
  return entries
}

/** Reads one entry of a log of `size` entries of which the place is known. */
export function readEntry(directory: string, { sequence, offset, length }: EntryPlace, size: number): string {
  const index = Math.floor(sequence / TILE_WIDTH)
  return readAt(placeOf(directory, entriesPath, index, size), (file) =>
    readExactly(file, offset, length).toString('utf8'),
  )
}

/** Reads the payload blob of a record; undefined when it has none. */
export function readPayloadBlob(directory: string, sequence: number, size: number): Uint8Array | undefined {
  const index = Math.floor(sequence / TILE_WIDTH)
  return readAt(placeOf(directory, payloadPath, index, size), (file) => {
    let offset = 0
    for (let skipped = index * TILE_WIDTH; skipped < sequence; skipped++)
      offset += PAYLOAD_LENGTH_BYTES + readLength(file, offset)
    const length = readLength(file, offset)
    return length === 0 ? undefined : readExactly(file, offset + PAYLOAD_LENGTH_BYTES, length)
  })
}

/** A bundle's file: the one that the size asks for, and the full one, of which that is a prefix. */
interface BundlePlace {
  readonly path: string
  readonly fullPath: string
}

function placeOf(
  directory: string,
  pathOf: (index: number, width?: number) => string,
  index: number,
  size: number,
): BundlePlace {
  const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH)
  return { path: join(directory, pathOf(index, width)), fullPath: join(directory, pathOf(index)) }
}

function readLength(file: number, offset: number): number {
  return readExactly(file, offset, PAYLOAD_LENGTH_BYTES).readUInt32BE(0)
}

function readExactly(file: number, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  if (readSync(file, bytes, 0, length, offset) !== length) throw new RangeError('the file ends too early')
  return bytes
}

function readAt<T>(place: BundlePlace, read: (file: number) => T): T {
  const file = openBundle(place)
  try {
    return read(file)
  } finally {
    closeSync(file)
  }
}

/** c2sp.org/tlog-tiles: partial files may be removed once the full one is there, which may be before we hear of a new size. */
function openBundle({ path, fullPath }: BundlePlace): number {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if (path === fullPath || !(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    return openSync(fullPath, 'r')
  }
}
