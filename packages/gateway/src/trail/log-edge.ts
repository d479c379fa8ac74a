import { join } from 'node:path'
import {
  entriesPath,
  HASH_BYTES,
  hashesAtLevel,
  hashLeaf,
  isCommitted,
  MAX_BUNDLE_BYTES,
  parsePayloads,
  parseRecord,
  payloadPath,
  splitBundle,
  TILE_BYTES,
  TILE_WIDTH,
  tileLevels,
  tilePath,
  TileTree,
  VerifierError,
} from '@sallyport/verifier'
import type { Bytes } from '#base'
import { GatewayError } from '#model'
import { type FilePort, readWhole } from './file-port.ts'

/** 256 payloads of the largest size with their lengths. */
const MAX_PAYLOAD_FILE_BYTES = 400 * 1024 * 1024

/** The right edge of the tree with the bundle that is being filled: what a log goes on from. */
export interface LogEdge {
  readonly tile: (level: number, index: number, width: number) => Bytes
  readonly leaves: readonly Bytes[]
  readonly blobs: readonly (Bytes | undefined)[]
}

/**
 * Reads the edge of a log of `size` and compares it with the root that was signed.
 *
 * @throws {GatewayError} `SP_TRAIL_TAMPERED`
 */
export async function readEdge(
  files: FilePort,
  folder: string,
  size: number,
  root: Bytes | undefined,
): Promise<LogEdge> {
  const tiles = new Map<string, Bytes>()
  for (let level = 0; level < tileLevels(size); level += 1) {
    const index = Math.floor(hashesAtLevel(level, size) / TILE_WIDTH)
    const width = hashesAtLevel(level, size) % TILE_WIDTH
    if (width === 0) continue
    const path = tilePath(level, index, width)
    tiles.set(path, await readRequired(files, folder, path, TILE_BYTES))
  }
  const tile = (level: number, index: number, width: number): Bytes =>
    tiles.get(tilePath(level, index, width)) ?? new Uint8Array(0)
  const tree = restoreTree(size, tile)
  if (root !== undefined && !Buffer.from(tree.root()).equals(root)) {
    throw tampered(`the tiles do not give the root that was signed for ${size} records`)
  }
  return { tile, ...(await readBundle(files, folder, size, tile)) }
}

function restoreTree(size: number, tile: LogEdge['tile']): TileTree {
  try {
    return TileTree.restore(size, tile, () => undefined)
  } catch (error) {
    if (error instanceof VerifierError) throw tampered(error.message)
    throw error
  }
}

async function readBundle(
  files: FilePort,
  folder: string,
  size: number,
  tile: LogEdge['tile'],
): Promise<Pick<LogEdge, 'leaves' | 'blobs'>> {
  const width = size % TILE_WIDTH
  if (width === 0) return { leaves: [], blobs: [] }
  const index = Math.floor(size / TILE_WIDTH)
  const path = entriesPath(index, width)
  const { entries, damage } = splitBundle(await readRequired(files, folder, path, MAX_BUNDLE_BYTES), width)
  if (damage !== undefined || entries.length !== width) throw tampered(`${path}: ${damage ?? 'entries are missing'}`)
  const hashes = Buffer.from(tile(0, index, width))
  entries.forEach((entry, at) => {
    if (!hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES).equals(hashLeaf(entry))) {
      throw tampered(`record ${index * TILE_WIDTH + at} is not the one that was signed`)
    }
  })
  return { leaves: entries, blobs: await readPayloads(files, folder, index, entries) }
}

async function readPayloads(
  files: FilePort,
  folder: string,
  index: number,
  entries: readonly Bytes[],
): Promise<readonly (Bytes | undefined)[]> {
  const path = payloadPath(index, entries.length)
  const bytes = await readRequired(files, folder, path, MAX_PAYLOAD_FILE_BYTES)
  try {
    const blobs = parsePayloads(bytes)
    if (blobs.length !== entries.length) throw tampered(`${path}: payloads are missing`)
    entries.forEach((entry, at) => {
      const { payload } = parseRecord(entry)
      const blob = blobs[at]
      const isAsCommitted =
        payload === undefined ? blob === undefined : blob !== undefined && isCommitted(blob, payload)
      if (!isAsCommitted)
        throw tampered(`the payload of record ${index * TILE_WIDTH + at} is not the one it commits to`)
    })
    return blobs
  } catch (error) {
    if (error instanceof VerifierError) throw tampered(`${path}: ${error.message}`)
    throw error
  }
}

async function readRequired(files: FilePort, folder: string, path: string, maxBytes: number): Promise<Buffer> {
  const bytes = await readWhole(files, join(folder, path), maxBytes)
  if (bytes === undefined) throw tampered(`${path} is missing`)
  return bytes
}

/** The refusal to go on from a log that is not what was last signed. */
export function tampered(what: string): GatewayError {
  return new GatewayError('SP_TRAIL_TAMPERED', what)
}
