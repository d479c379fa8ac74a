import {
  type BundleRead,
  CHECKPOINT_PATH,
  encodeBundle,
  entriesPath,
  FolderSource,
  hashLeaf,
  HASH_BYTES,
  MAX_NOTE_BYTES,
  parseCheckpoint,
  parseNote,
  readWhole,
  TILE_WIDTH,
  tileLevels,
  tilePath,
  tilesAtLevel,
  tileWidth,
  trailPath,
  TrailReader,
  VKEY_PATH,
} from '@sallyport/verifier'
import { type Bytes, toHex } from '#base'
import { GatewayError } from '#model'
import type { PackFolder } from './pack-folder.ts'

const MAX_VKEY_FILE_BYTES = 64 * 1024

/** The head that a pack rests on. */
export interface PackHead {
  readonly origin: string
  readonly size: number
  readonly rootSha256: string
  readonly verifierKey: string
  /** How many signatures the head carries, the log's own included. */
  readonly signatures: number
}

/** Copies of the log what a pack needs: the head, the bundles of its records, and the tiles that tie them to the head. */
export class LogCopy {
  readonly head: PackHead
  readonly #reader: TrailReader
  readonly #folder: PackFolder
  readonly #hashTiles = new Set<number>()

  private constructor(head: PackHead, reader: TrailReader, folder: PackFolder) {
    this.head = head
    this.#reader = reader
    this.#folder = folder
  }

  /** Begins with the head that is published now. @throws {GatewayError} `SP_API_UNAVAILABLE` before the first one. */
  static async begin(directory: string, folder: PackFolder): Promise<LogCopy> {
    const source = new FolderSource(directory)
    const note = await readWhole(source, CHECKPOINT_PATH, MAX_NOTE_BYTES)
    const keys = await readWhole(source, VKEY_PATH, MAX_VKEY_FILE_BYTES)
    if (note === undefined || keys === undefined)
      throw new GatewayError('SP_API_UNAVAILABLE', 'the trail has no checkpoint yet')
    const text = note.toString('utf8')
    // signed-note: the text is all up to the last blank line, with its line feed.
    const { origin, size, root } = parseCheckpoint(text.slice(0, text.lastIndexOf('\n\n') + 1))
    await folder.write(trailPath(CHECKPOINT_PATH), note)
    await folder.write(trailPath(VKEY_PATH), keys)
    const verifierKey = keys.toString('utf8').split('\n')[0] ?? ''
    const { signatures } = parseNote(note)
    const head = { origin, size, rootSha256: toHex(root), verifierKey, signatures: signatures.length }
    return new LogCopy(head, new TrailReader(source, size), folder)
  }

  /** Copies a bundle with its tile, after comparing the two; gives its entries. @throws {GatewayError} `SP_TRAIL_TAMPERED` */
  async bundle(index: number): Promise<BundleRead> {
    const bundle = await this.#reader.bundle(index)
    if (bundle === undefined || bundle.damage !== undefined)
      throw new GatewayError('SP_TRAIL_TAMPERED', `bundle ${index} is not whole`)
    const hashes = await this.#hashTile(index)
    bundle.entries.forEach((entry, at) => {
      if (Buffer.compare(hashLeaf(entry), hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES)) !== 0)
        throw new GatewayError('SP_TRAIL_TAMPERED', `record ${index * TILE_WIDTH + at} is not the one that was signed`)
    })
    await this.#folder.write(trailPath(entriesPath(index, bundle.width)), encodeBundle(bundle.entries))
    return bundle
  }

  /**
   * Copies the tiles that lead from the bundles to the root: every tile above level 0, and the last one of level 0. The
   * tiles of level 0 that belong to bundles were copied with them.
   */
  async tiles(): Promise<void> {
    const { size } = this.head
    for (let level = 1; level < tileLevels(size); level += 1)
      for (let index = 0; index < tilesAtLevel(level, size); index += 1) await this.#copyTile(level, index)
    const last = tilesAtLevel(0, size) - 1
    if (last >= 0 && tileWidth(0, last, size) < TILE_WIDTH) await this.#hashTile(last)
  }

  async #hashTile(index: number): Promise<Bytes> {
    if (this.#hashTiles.has(index)) return await this.#readTile(0, index)
    this.#hashTiles.add(index)
    return await this.#copyTile(0, index)
  }

  async #copyTile(level: number, index: number): Promise<Bytes> {
    const bytes = await this.#readTile(level, index)
    await this.#folder.write(trailPath(tilePath(level, index, tileWidth(level, index, this.head.size))), bytes)
    return bytes
  }

  async #readTile(level: number, index: number): Promise<Bytes> {
    const tile = await this.#reader.tile(level, index)
    if (tile === undefined || tile.bytes.length !== tileWidth(level, index, this.head.size) * HASH_BYTES)
      throw new GatewayError('SP_TRAIL_TAMPERED', `tile ${index} of level ${level} is not whole`)
    return tile.bytes
  }
}
