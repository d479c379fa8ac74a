import { MAX_BUNDLE_BYTES, splitBundle } from './bundle.ts'
import { HASH_BYTES } from './sha256.ts'
import { readWhole, type TrailSource } from './source.ts'
import { TILE_BYTES } from './tile-tree.ts'
import { entriesPath, TILE_WIDTH, tilePath, tileWidth } from './tiles.ts'

/** An entry bundle as far as the checkpoint covers it. */
export interface BundleRead {
  readonly path: string
  readonly index: number
  /** How many entries the checkpoint says it has. */
  readonly width: number
  readonly entries: readonly Uint8Array[]
  /** Why it is not exactly these entries. */
  readonly damage: string | undefined
}

/** The bytes of a tile as far as the checkpoint covers it, whatever their length. */
export interface TileRead {
  readonly path: string
  readonly bytes: Uint8Array
}

/**
 * Reads what a checkpoint of `size` covers.
 *
 * SPEC c2sp.org/tlog-tiles: clients "MAY fetch the full tile in parallel as a fallback in case the partial tile is not
 * available anymore". Other partial tiles, and what lies behind the checkpoint's size, are not looked at: nothing
 * vouches for them.
 */
export class TrailReader {
  readonly size: number
  readonly source: TrailSource

  constructor(source: TrailSource, size: number) {
    this.source = source
    this.size = size
  }

  /** @throws {VerifierError} `SP_FILE_UNREADABLE` */
  async bundle(index: number): Promise<BundleRead | undefined> {
    const width = tileWidth(0, index, this.size)
    const path = entriesPath(index, width)
    const exact = await readWhole(this.source, path, MAX_BUNDLE_BYTES)
    if (exact !== undefined) return { path, index, width, ...exactly(exact, width) }
    if (width === TILE_WIDTH) return undefined
    const fullPath = entriesPath(index)
    const full = await readWhole(this.source, fullPath, MAX_BUNDLE_BYTES)
    if (full === undefined) return undefined
    const { entries, damage } = splitBundle(full, width)
    return {
      path: fullPath,
      index,
      width,
      entries,
      damage: entries.length < width ? (damage ?? `only ${entries.length} entries`) : undefined,
    }
  }

  /** @throws {VerifierError} `SP_FILE_UNREADABLE` */
  async tile(level: number, index: number): Promise<TileRead | undefined> {
    const width = tileWidth(level, index, this.size)
    const path = tilePath(level, index, width)
    const exact = await readWhole(this.source, path, TILE_BYTES)
    if (exact !== undefined) return { path, bytes: exact }
    if (width === TILE_WIDTH) return undefined
    const fullPath = tilePath(level, index)
    const full = await readWhole(this.source, fullPath, TILE_BYTES)
    return full === undefined ? undefined : { path: fullPath, bytes: full.subarray(0, width * HASH_BYTES) }
  }

  /** One entry by its number, or undefined when it cannot be had. @throws {VerifierError} `SP_FILE_UNREADABLE` */
  async entry(index: number): Promise<Uint8Array | undefined> {
    if (index < 0 || index >= this.size) return undefined
    const bundle = await this.bundle(Math.floor(index / TILE_WIDTH))
    return bundle?.entries[index % TILE_WIDTH]
  }
}

function exactly(
  bytes: Uint8Array,
  width: number,
): { readonly entries: readonly Uint8Array[]; readonly damage: string | undefined } {
  const { entries, damage } = splitBundle(bytes, width)
  return {
    entries,
    damage: damage ?? (entries.length < width ? `only ${entries.length} of ${width} entries` : undefined),
  }
}
