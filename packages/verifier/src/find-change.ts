import { isSameBytes } from './bytes.ts'
import { nameChange, nameMissingBundle, nameShortBundle } from './changed-record.ts'
import { CompactTree } from './compact-tree.ts'
import { hashLeaf, rootOfRow } from './merkle.ts'
import { HASH_BYTES } from './sha256.ts'
import { compactOf } from './tile-tree.ts'
import { hashesAtLevel, TILE_WIDTH, tileLevels, tilePath, tilesAtLevel, tileWidth } from './tiles.ts'
import type { TrailReader } from './trail-reader.ts'
import type { Finding } from './verification.ts'

/**
 * Finds the first change in a log whose records do not give the signed root.
 *
 * The tile files are the witnesses. A level of tiles that by itself gives the signed root is what was signed, so the
 * first thing below it that does not hash to it is what changed. The lowest such level names it most exactly: level 0
 * the record, level 1 a run of 256.
 *
 * @returns undefined when no level gives the root: records and tiles were changed together.
 * @throws {VerifierError} `SP_FILE_UNREADABLE`, `SP_FILE_TOO_LARGE`
 */
export async function findChange(reader: TrailReader, root: Uint8Array): Promise<Finding | undefined> {
  for (let level = 0; level < tileLevels(reader.size); level += 1) {
    const derived = await rootFromLevel(reader, level)
    if (derived === undefined || !isSameBytes(derived, root)) continue
    return level === 0 ? firstChangedRecord(reader) : firstChangedRun(reader, level)
  }
  return undefined
}

/** The root as the tiles of one level give it, with the rest that has not filled a tile from the levels below. */
async function rootFromLevel(reader: TrailReader, level: number): Promise<Uint8Array | undefined> {
  let right: Uint8Array | undefined
  for (let below = 0; below < level; below += 1) {
    const rest = hashesAtLevel(below, reader.size) % TILE_WIDTH
    if (rest === 0) continue
    const hashes = await tileHashes(reader, below, tilesAtLevel(below, reader.size) - 1)
    if (hashes === undefined) return undefined
    right = compactOf(hashes).rootBeside(right)
  }
  const tree = new CompactTree()
  for (let index = 0; index < tilesAtLevel(level, reader.size); index += 1) {
    const hashes = await tileHashes(reader, level, index)
    if (hashes === undefined) return undefined
    for (let at = 0; at < hashes.length; at += HASH_BYTES)
      tree.append(Buffer.from(hashes.subarray(at, at + HASH_BYTES)))
  }
  return tree.rootBeside(right)
}

async function tileHashes(reader: TrailReader, level: number, index: number): Promise<Uint8Array | undefined> {
  const tile = await reader.tile(level, index)
  return tile?.bytes.length === tileWidth(level, index, reader.size) * HASH_BYTES ? tile.bytes : undefined
}

/** Level 0 is what was signed: each record has its own hash. */
async function firstChangedRecord(reader: TrailReader): Promise<Finding | undefined> {
  for (let index = 0; index < tilesAtLevel(0, reader.size); index += 1) {
    const bundle = await reader.bundle(index)
    const first = index * TILE_WIDTH
    if (bundle === undefined) return { ...(await nameMissingBundle(reader, index)), intactBefore: first }
    const hashes = await tileHashes(reader, 0, index)
    for (let at = 0; at < bundle.width; at += 1) {
      const entry = bundle.entries[at]
      const hash = hashes?.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES)
      if (entry !== undefined && hash !== undefined && isSameBytes(hashLeaf(entry), hash)) continue
      return { ...(await nameChange(reader, bundle, first + at)), intactBefore: first + at }
    }
    if (bundle.damage !== undefined) return { ...nameShortBundle(reader, bundle), intactBefore: first + bundle.width }
  }
  return undefined
}

/** A level above 0 is what was signed: each of its hashes stands for a full tile below. */
async function firstChangedRun(reader: TrailReader, level: number): Promise<Finding | undefined> {
  const runLength = TILE_WIDTH ** level
  for (let index = 0; index < hashesAtLevel(level, reader.size); index += 1) {
    const signed = await hashAt(reader, level, index)
    const tile = await tileHashes(reader, level - 1, index)
    if (tile !== undefined && signed !== undefined && isSameBytes(rootOfRow(tile), signed)) continue
    const file = tilePath(level - 1, index)
    const first = index * runLength
    const lastRecord = first + runLength - 1
    const derived = await rootOfRecords(reader, first, runLength)
    if (derived !== undefined && signed !== undefined && isSameBytes(derived, signed)) {
      const message = `${file} ${tile === undefined ? 'is not there or not whole' : 'changed'}; the records ${first} to ${lastRecord} are intact`
      const code = tile === undefined ? 'tile-missing' : 'tile-changed'
      return {
        code,
        verdict: tile === undefined ? 'incomplete' : 'altered',
        message,
        record: first,
        file,
        intactBefore: first,
      }
    }
    const message = `at least one of the records ${first} to ${lastRecord} changed, and ${file} with it`
    return { code: 'record-changed', verdict: 'altered', message, record: first, lastRecord, file, intactBefore: first }
  }
  return undefined
}

async function hashAt(reader: TrailReader, level: number, index: number): Promise<Uint8Array | undefined> {
  const hashes = await tileHashes(reader, level, Math.floor(index / TILE_WIDTH))
  const at = (index % TILE_WIDTH) * HASH_BYTES
  return hashes?.subarray(at, at + HASH_BYTES)
}

/** The root over a run of whole bundles, from the records themselves. */
async function rootOfRecords(reader: TrailReader, first: number, length: number): Promise<Uint8Array | undefined> {
  const tree = new CompactTree()
  for (let index = first / TILE_WIDTH; index < (first + length) / TILE_WIDTH; index += 1) {
    const bundle = await reader.bundle(index)
    if (bundle === undefined || bundle.entries.length < bundle.width) return undefined
    for (const entry of bundle.entries) tree.append(hashLeaf(entry))
  }
  return tree.root()
}
