import { CompactTree } from './compact-tree.ts'
import { VerifierError } from './errors.ts'
import { emptyRoot, rootOfRow } from './merkle.ts'
import { HASH_BYTES } from './sha256.ts'
import { hashesAtLevel, TILE_WIDTH, tileLevels, tileWidth } from './tiles.ts'

/** Bytes of a full tile. */
export const TILE_BYTES: number = TILE_WIDTH * HASH_BYTES

/** A tile with its hashes in a row. */
export interface Tile {
  readonly level: number
  readonly index: number
  readonly width: number
  readonly hashes: Uint8Array
}

/** The rightmost tile of one level while it fills. */
interface OpenTile {
  index: number
  width: number
  hashes: Buffer
}

/**
 * A Merkle tree that grows by leaf hashes and gives its tiles: each full one once, through `onFull`, lower levels
 * first; the partial ones and the root whenever asked. It holds one tile per level.
 *
 * SPEC c2sp.org/tlog-tiles: "At level 1 and above, each hash in a tile is the Merkle Tree Hash of a *full* tile at the
 * level below."
 */
export class TileTree {
  readonly #onFull: (tile: Tile) => void
  readonly #levels: OpenTile[] = []
  #size = 0

  constructor(onFull: (tile: Tile) => void) {
    this.#onFull = onFull
  }

  /**
   * Continues a tree of `size` from its partial tiles.
   *
   * @throws {VerifierError} `SP_TILE_MALFORMED` when a tile has not the width that the size demands.
   */
  static restore(
    size: number,
    readPartial: (level: number, index: number, width: number) => Uint8Array,
    onFull: (tile: Tile) => void,
  ): TileTree {
    const tree = new TileTree(onFull)
    tree.#size = size
    for (let level = 0; level < tileLevels(size); level += 1) {
      const index = Math.floor(hashesAtLevel(level, size) / TILE_WIDTH)
      const open: OpenTile = { index, width: tileWidth(level, index, size), hashes: Buffer.alloc(TILE_BYTES) }
      if (open.width > 0) {
        const hashes = readPartial(level, index, open.width)
        if (hashes.length !== open.width * HASH_BYTES) {
          throw new VerifierError(
            'SP_TILE_MALFORMED',
            `tile ${index} of level ${level} is ${hashes.length} bytes, not ${open.width} hashes`,
          )
        }
        open.hashes.set(hashes)
      }
      tree.#levels.push(open)
    }
    return tree
  }

  get size(): number {
    return this.#size
  }

  /**
   * Appends one leaf hash or several in a row.
   *
   * @throws {VerifierError} `SP_TILE_MALFORMED` when they are not whole hashes.
   */
  append(leafHashes: Uint8Array): void {
    if (leafHashes.length % HASH_BYTES !== 0)
      throw new VerifierError('SP_TILE_MALFORMED', `${leafHashes.length} bytes are not whole hashes`)
    this.#appendAt(0, leafHashes)
    this.#size += leafHashes.length / HASH_BYTES
  }

  #appendAt(level: number, hashes: Uint8Array): void {
    const open = (this.#levels[level] ??= { index: 0, width: 0, hashes: Buffer.alloc(TILE_BYTES) })
    for (let at = 0; at < hashes.length;) {
      const room = TILE_BYTES - open.width * HASH_BYTES
      const piece = hashes.subarray(at, at + room)
      open.hashes.set(piece, open.width * HASH_BYTES)
      open.width += piece.length / HASH_BYTES
      at += piece.length
      if (open.width === TILE_WIDTH) this.#close(level, open)
    }
  }

  #close(level: number, open: OpenTile): void {
    const tile = { level, index: open.index, width: TILE_WIDTH, hashes: open.hashes }
    open.index += 1
    open.width = 0
    // The receiver owns what it was given: a full tile is never written again.
    open.hashes = Buffer.alloc(TILE_BYTES)
    this.#onFull(tile)
    this.#appendAt(level + 1, rootOfRow(tile.hashes))
  }

  /**
   * The partial tiles of the present size, lowest level first: what a checkpoint of this size needs besides the full
   * ones.
   */
  partialTiles(): readonly Tile[] {
    return this.#levels.flatMap(({ index, width, hashes }, level) =>
      width === 0 ? [] : [{ level, index, width, hashes: Buffer.from(hashes.subarray(0, width * HASH_BYTES)) }],
    )
  }

  root(): Uint8Array {
    let root: Uint8Array | undefined
    for (const { width, hashes } of this.#levels)
      root = compactOf(hashes.subarray(0, width * HASH_BYTES)).rootBeside(root)
    return root ?? emptyRoot()
  }
}

/** A tree over hashes that lie in a row. */
export function compactOf(hashes: Uint8Array): CompactTree {
  const tree = new CompactTree()
  for (let at = 0; at < hashes.length; at += HASH_BYTES) tree.append(Buffer.from(hashes.subarray(at, at + HASH_BYTES)))
  return tree
}
