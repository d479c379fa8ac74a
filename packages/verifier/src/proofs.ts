import { CompactTree } from './compact-tree.ts'
import { VerifierError } from './errors.ts'
import { consistencyRanges, inclusionRanges, type LeafRange } from './merkle.ts'
import { HASH_BYTES } from './sha256.ts'
import { compactOf } from './tile-tree.ts'
import { hashesAtLevel, TILE_WIDTH, tileLevels } from './tiles.ts'
import type { TrailReader } from './trail-reader.ts'

/**
 * An inclusion proof for record `index` in the tree of the reader's size, from the tile files.
 *
 * It is as good as the tiles are: check it with `isIncluded` against the signed root before it is handed out.
 *
 * @throws {VerifierError} `SP_OUT_OF_RANGE`; `SP_TILE_MALFORMED` when a tile that it needs is not there or not whole;
 * `SP_FILE_UNREADABLE`
 */
export async function proveInclusion(reader: TrailReader, index: number): Promise<readonly Uint8Array[]> {
  return rootsOf(reader, inclusionRanges(index, reader.size))
}

/**
 * A consistency proof from the tree of `first` records to that of the reader's size, from the tile files.
 *
 * @throws {VerifierError} as `proveInclusion`
 */
export async function proveConsistency(reader: TrailReader, first: number): Promise<readonly Uint8Array[]> {
  return rootsOf(reader, consistencyRanges(first, reader.size))
}

async function rootsOf(reader: TrailReader, ranges: readonly LeafRange[]): Promise<readonly Uint8Array[]> {
  const roots: Uint8Array[] = []
  for (const range of ranges) roots.push(await rootOfRange(reader, range))
  return roots
}

/**
 * The root over a range as a proof has them: it starts at a multiple of the smallest power of two that is not smaller
 * than its length.
 */
async function rootOfRange(reader: TrailReader, { start, end }: LeafRange): Promise<Uint8Array> {
  let root: Uint8Array | undefined
  // What is left at the end of each level hangs below the last hash of the next; the highest level that has a whole
  // hash in the range is the top.
  for (let level = 0; level < tileLevels(reader.size); level += 1) {
    const unit = TILE_WIDTH ** level
    const from = Math.max(Math.ceil(start / unit), Math.floor(end / (unit * TILE_WIDTH)) * TILE_WIDTH)
    const isTop = Math.ceil(start / (unit * TILE_WIDTH)) >= Math.floor(end / (unit * TILE_WIDTH))
    const first = isTop ? Math.ceil(start / unit) : from
    root = (await compactOfRange(reader, level, first, Math.floor(end / unit))).rootBeside(root)
    if (isTop) break
  }
  if (root === undefined) throw new VerifierError('SP_OUT_OF_RANGE', `no records from ${start} to ${end}`)
  return root
}

async function compactOfRange(reader: TrailReader, level: number, first: number, end: number): Promise<CompactTree> {
  if (first >= end) return new CompactTree()
  if (
    end > hashesAtLevel(level, reader.size) ||
    Math.floor(first / TILE_WIDTH) !== Math.floor((end - 1) / TILE_WIDTH)
  ) {
    throw new VerifierError('SP_OUT_OF_RANGE', `no run of hashes ${first} to ${end} in one tile of level ${level}`)
  }
  const index = Math.floor(first / TILE_WIDTH)
  const tile = await reader.tile(level, index)
  const offset = index * TILE_WIDTH
  const hashes = tile?.bytes.subarray((first - offset) * HASH_BYTES, (end - offset) * HASH_BYTES)
  if (hashes?.length !== (end - first) * HASH_BYTES) {
    throw new VerifierError('SP_TILE_MALFORMED', `tile ${index} of level ${level} is not there or not whole`)
  }
  return compactOf(hashes)
}
