import { isSameBytes } from '../bytes.ts'
import type { Checkpoint } from '../checkpoint.ts'
import { rootOfRow } from '../merkle.ts'
import { HASH_BYTES } from '../sha256.ts'
import { TileTree } from '../tile-tree.ts'
import { hashesAtLevel, TILE_WIDTH, tileLevels, tilePath, tilesAtLevel, tileWidth } from '../tiles.ts'
import type { TrailReader } from '../trail-reader.ts'
import type { Finding } from '../verification.ts'
import { trailPath } from './layout.ts'

/**
 * Checks the tiles of a pack against the signed root: the partial ones give it, and every full one hashes to its place
 * in the level above. Of level 0 only the tiles of the given bundles are there, besides the last one.
 *
 * @throws {VerifierError} `SP_FILE_UNREADABLE`, `SP_FILE_TOO_LARGE`
 */
export async function checkTiles(
  reader: TrailReader,
  checkpoint: Checkpoint,
  bundles: readonly number[],
): Promise<{ readonly count: number; readonly finding: Finding | undefined }> {
  const { size } = reader
  const top = tileLevels(size) - 1
  let count = 0
  const partial = await partialTiles(reader)
  if ('code' in partial) return { count, finding: partial }
  if (
    !isSameBytes(
      TileTree.restore(
        size,
        (level) => partial[level] ?? new Uint8Array(0),
        () => undefined,
      ).root(),
      checkpoint.root,
    )
  )
    return { count, finding: changed(trailPath('tile'), 'the last tiles of the levels do not give the signed root') }
  for (let level = top; level >= 0; level -= 1) {
    const parents = new Parents(reader, level + 1)
    const indexes = level === 0 ? bundles : range(tilesAtLevel(level, size))
    for (const index of indexes) {
      const width = tileWidth(level, index, size)
      const tile = await reader.tile(level, index)
      const path = trailPath(tilePath(level, index, width))
      if (tile === undefined)
        return {
          count,
          finding: { code: 'tile-missing', verdict: 'incomplete', message: `${path} is missing`, file: path },
        }
      count += 1
      // Partial ones went into the root.
      if (width < TILE_WIDTH) continue
      const isWhole = tile.bytes.length === TILE_WIDTH * HASH_BYTES
      if (!isWhole || !isSameBytes(rootOfRow(tile.bytes), await parents.hashOf(index)))
        return { count, finding: changed(path, `it does not give hash ${index % TILE_WIDTH} of the tile above it`) }
    }
  }
  return { count, finding: undefined }
}

async function partialTiles(reader: TrailReader): Promise<readonly Uint8Array[] | Finding> {
  const tiles: Uint8Array[] = []
  for (let level = 0; level < tileLevels(reader.size); level += 1) {
    const index = Math.floor(hashesAtLevel(level, reader.size) / TILE_WIDTH)
    const width = tileWidth(level, index, reader.size)
    const tile = width === 0 ? { bytes: new Uint8Array(0) } : await reader.tile(level, index)
    const path = trailPath(tilePath(level, index, Math.max(1, width)))
    if (tile === undefined)
      return { code: 'tile-missing', verdict: 'incomplete', message: `${path} is missing`, file: path }
    if (tile.bytes.length !== width * HASH_BYTES) return changed(path, `it is not ${width} hashes`)
    tiles.push(tile.bytes)
  }
  return tiles
}

/** The tiles of a level, of which the last one is kept. */
class Parents {
  readonly #reader: TrailReader
  readonly #level: number
  #index = -1
  #bytes: Uint8Array = new Uint8Array(0)

  constructor(reader: TrailReader, level: number) {
    this.#reader = reader
    this.#level = level
  }

  async hashOf(child: number): Promise<Uint8Array> {
    const index = Math.floor(child / TILE_WIDTH)
    if (index !== this.#index) {
      this.#bytes = (await this.#reader.tile(this.#level, index))?.bytes ?? new Uint8Array(0)
      this.#index = index
    }
    const at = (child % TILE_WIDTH) * HASH_BYTES
    return this.#bytes.subarray(at, at + HASH_BYTES)
  }
}

/** One after the other: how many there are is what somebody wrote into a checkpoint. */
function* range(length: number): Generator<number> {
  for (let index = 0; index < length; index += 1) yield index
}

function changed(path: string, reason: string): Finding {
  return { code: 'tile-changed', verdict: 'altered', message: `${path} changed: ${reason}`, file: path }
}
