import { entriesPath, payloadPath, type Tile, TILE_WIDTH, tilePath, TileTree } from '@sallyport/verifier'
import type { Bytes } from '#base'
import { OpenBundle } from './bundle.ts'
import { LogFiles } from './log-files.ts'
import type { FilePort } from './file-port.ts'
import { readEdge } from './log-edge.ts'

/** The log in its folder: takes leaves in order and gives tiles, entry bundles and payload files. */
export class LogWriter {
  readonly #files: LogFiles
  readonly #bundle = new OpenBundle()
  #tree: TileTree
  #fullTiles: Tile[] = []
  /** Paths of partial files that lie in the folder, without `.p/<width>`. */
  readonly #partial = new Map<string, number>()
  /** Paths of full files that the next checkpoint covers, the partials of which may then go. */
  #completed: string[] = []

  private constructor(files: LogFiles) {
    this.#files = files
    this.#tree = new TileTree((tile) => this.#fullTiles.push(tile))
  }

  /**
   * Opens the log at a size.
   *
   * @param root the root that was signed for this size; compared with what the files give.
   * @throws {GatewayError} `SP_TRAIL_TAMPERED` when the files are not those that were signed.
   */
  static async open(files: FilePort, folder: string, size: number, root: Bytes | undefined): Promise<LogWriter> {
    const writer = new LogWriter(new LogFiles(files, folder))
    const edge = await readEdge(files, folder, size, root)
    writer.#tree = TileTree.restore(size, edge.tile, (tile) => writer.#fullTiles.push(tile))
    edge.leaves.forEach((leaf, at) => writer.#bundle.restore(leaf, edge.blobs[at]))
    writer.#bundle.takeHashes()
    for (const tile of writer.#tree.partialTiles()) writer.#partial.set(tilePath(tile.level, tile.index), tile.width)
    if (edge.leaves.length > 0) writer.#notePartialBundle()
    return writer
  }

  /** How many leaves it has. */
  get size(): number {
    return this.#tree.size + this.#bundle.width - (this.#tree.size % TILE_WIDTH)
  }

  /** Whether `flush` must be called before another leaf is added. */
  get mustFlush(): boolean {
    return this.#bundle.isFull
  }

  /** Adds the next leaf with its sealed payload. */
  add(leaf: string, blob: Bytes | undefined): void {
    this.#bundle.add(leaf, blob)
  }

  /** Writes the bundle that is full, and the tiles that fill with it. */
  async flush(): Promise<void> {
    const index = Math.floor(this.#tree.size / TILE_WIDTH)
    this.#tree.append(this.#bundle.takeHashes())
    await this.#placeFull(entriesPath(index), [this.#bundle.entries()])
    await this.#placeFull(payloadPath(index), this.#bundle.payloads())
    this.#bundle.clear()
    const tiles = this.#fullTiles
    this.#fullTiles = []
    for (const tile of tiles) await this.#placeFull(tilePath(tile.level, tile.index), [tile.hashes])
  }

  /**
   * Writes what a checkpoint of the present size needs besides the full files, makes everything durable and gives the root.
   *
   * A file that a published checkpoint covers is never written again: a partial file whose width has not changed since is left alone.
   */
  async complete(): Promise<Bytes> {
    this.#tree.append(this.#bundle.takeHashes())
    for (const tile of this.#tree.partialTiles()) {
      const path = tilePath(tile.level, tile.index)
      if (this.#partial.get(path) === tile.width) continue
      await this.#files.place(tilePath(tile.level, tile.index, tile.width), [tile.hashes])
      this.#partial.set(path, tile.width)
    }
    await this.#completeBundle()
    await this.#files.sync()
    return this.#tree.root()
  }

  /** Removes the partial files that full ones have replaced; only after the checkpoint that covers those was published. */
  async dropPartials(): Promise<void> {
    const completed = this.#completed
    this.#completed = []
    for (const path of completed) {
      await this.#files.removePartials(path)
      this.#partial.delete(path)
    }
  }

  async #completeBundle(): Promise<void> {
    const { width } = this.#bundle
    const index = Math.floor(this.#tree.size / TILE_WIDTH)
    if (width === 0 || this.#partial.get(entriesPath(index)) === width) return
    await this.#files.place(entriesPath(index, width), [this.#bundle.entries()])
    await this.#files.place(payloadPath(index, width), this.#bundle.payloads())
    this.#notePartialBundle()
  }

  #notePartialBundle(): void {
    const index = Math.floor(this.#tree.size / TILE_WIDTH)
    this.#partial.set(entriesPath(index), this.#bundle.width)
    this.#partial.set(payloadPath(index), this.#bundle.width)
  }

  async #placeFull(path: string, pieces: readonly Bytes[]): Promise<void> {
    await this.#files.place(path, pieces)
    if (this.#partial.has(path)) this.#completed.push(path)
  }
}
