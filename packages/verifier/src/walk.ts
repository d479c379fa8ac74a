import { isSameBytes } from './bytes.ts'
import { nameMissingBundle, nameProblem, nameShortBundle } from './changed-record.ts'
import { hashLeafInto } from './merkle.ts'
import { checkPayloads } from './payload-check.ts'
import type { PayloadCommitment } from './record.ts'
import { RecordCheck } from './record-check.ts'
import { HASH_BYTES } from './sha256.ts'
import { type Tile, TILE_BYTES, TileTree } from './tile-tree.ts'
import { TILE_WIDTH, tilePath, tilesAtLevel } from './tiles.ts'
import type { BundleRead, TrailReader } from './trail-reader.ts'
import type { Finding } from './verification.ts'

/**
 * One pass over the records, bundle by bundle: it derives the tree from the entries, compares every tile file with it,
 * and checks each record and payload. It holds one bundle, one tile a level and one bit per open intent.
 *
 * It keeps the first thing of each kind that is wrong; which of them is the first of all is for `judge` to say, once it
 * is known whether the records are those that were signed.
 */
export class Walk {
  readonly records: RecordCheck
  readonly #reader: TrailReader
  readonly #tree: TileTree
  readonly #knownSize: number | undefined
  readonly #leafHashes = Buffer.alloc(TILE_BYTES)
  #fullTiles: Tile[] = []
  #knownRoot: Uint8Array | undefined
  #tiles = 0
  #payloads = 0
  #stop: Finding | undefined
  #tileFinding: Finding | undefined
  #recordFinding: Finding | undefined

  constructor(reader: TrailReader, origin: string, knownSize: number | undefined) {
    this.#reader = reader
    this.#knownSize = knownSize
    this.records = new RecordCheck(origin)
    this.#tree = new TileTree((tile) => this.#fullTiles.push(tile))
    if (knownSize === 0) this.#knownRoot = this.#tree.root()
  }

  /** Records whose hash went into the tree. */
  get size(): number {
    return this.#tree.size
  }

  /** Tile files that are as the records give them. */
  get tiles(): number {
    return this.#tiles
  }

  /** Payloads that are as their records commit to them. */
  get payloads(): number {
    return this.#payloads
  }

  /** The root that the records give; undefined when they are not all there. */
  get root(): Uint8Array | undefined {
    return this.#stop === undefined ? this.#tree.root() : undefined
  }

  /** The root that the records give at the size of the known checkpoint. */
  get knownRoot(): Uint8Array | undefined {
    return this.#knownRoot
  }

  /** Why the pass ended before the last record. */
  get stop(): Finding | undefined {
    return this.#stop
  }

  /** The first tile file that is not as the records give it. */
  get tileFinding(): Finding | undefined {
    return this.#tileFinding
  }

  /** The first record or payload that is not as it should be. */
  get recordFinding(): Finding | undefined {
    return this.#recordFinding
  }

  /** @throws {VerifierError} `SP_FILE_UNREADABLE`, `SP_FILE_TOO_LARGE` */
  async run(): Promise<void> {
    const bundles = tilesAtLevel(0, this.#reader.size)
    for (let index = 0; index < bundles && this.#stop === undefined; index += 1) {
      const bundle = await this.#reader.bundle(index)
      if (bundle === undefined) this.#stop = await nameMissingBundle(this.#reader, index)
      else await this.#checkBundle(bundle)
    }
    if (this.#stop === undefined) await this.#compareTiles(this.#tree.partialTiles())
  }

  async #checkBundle(bundle: BundleRead): Promise<void> {
    if (bundle.entries.length < bundle.width) this.#stop = nameShortBundle(this.#reader, bundle)
    else this.#appendHashes(bundle.entries)
    const full = this.#fullTiles
    this.#fullTiles = []
    await this.#compareTiles(full)
    // After a first wrong record what follows may only be its consequence.
    if (this.#recordFinding === undefined) await this.#checkRecords(bundle)
  }

  #appendHashes(entries: readonly Uint8Array[]): void {
    for (const [at, entry] of entries.entries()) hashLeafInto(entry, this.#leafHashes, at * HASH_BYTES)
    const before = this.#tree.size
    const split = (this.#knownSize ?? 0) - before
    if (split > 0 && split <= entries.length) {
      this.#tree.append(this.#leafHashes.subarray(0, split * HASH_BYTES))
      this.#knownRoot = this.#tree.root()
    }
    const done = this.#tree.size - before
    this.#tree.append(this.#leafHashes.subarray(done * HASH_BYTES, entries.length * HASH_BYTES))
  }

  async #compareTiles(tiles: readonly Tile[]): Promise<void> {
    for (const tile of tiles) {
      const finding = await this.#compareTile(tile)
      if (finding === undefined) this.#tiles += 1
      else this.#tileFinding ??= finding
    }
  }

  async #compareTile({ level, index, width, hashes }: Tile): Promise<Finding | undefined> {
    const read = await this.#reader.tile(level, index)
    const first = index * TILE_WIDTH ** (level + 1)
    if (read === undefined) {
      const file = tilePath(level, index, width)
      return {
        code: 'tile-missing',
        verdict: 'incomplete',
        message: `${file} is missing; the records themselves are intact`,
        record: first,
        file,
      }
    }
    if (isSameBytes(read.bytes, hashes)) return undefined
    const at = firstDifference(read.bytes, hashes)
    const hash =
      at >= width
        ? 'it is longer than it should be'
        : `its hash ${at} is not that of ${describeNode(level, index * TILE_WIDTH + at)}`
    const message = `${read.path} changed: ${hash}; the records themselves are intact`
    return {
      code: 'tile-changed',
      verdict: 'altered',
      message,
      record: first + at * TILE_WIDTH ** level,
      file: read.path,
    }
  }

  async #checkRecords(bundle: BundleRead): Promise<void> {
    const first = bundle.index * TILE_WIDTH
    const commitments: (PayloadCommitment | undefined)[] = []
    for (const [at, entry] of bundle.entries.entries()) {
      const { problem, payload } = this.records.check(first + at, entry)
      if (problem !== undefined) {
        this.#recordFinding = await nameProblem(this.#reader, bundle, first + at, problem)
        return
      }
      commitments.push(payload)
    }
    if (bundle.damage !== undefined) this.#recordFinding = nameShortBundle(this.#reader, bundle)
    if (bundle.entries.length < bundle.width) return
    const { count, finding } = await checkPayloads(this.#reader.source, bundle.index, commitments)
    this.#payloads += count
    this.#recordFinding ??= finding
  }
}

function describeNode(level: number, index: number): string {
  return level === 0 ? `record ${index}` : `tile ${tilePath(level - 1, index)}`
}

function firstDifference(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  let at = 0
  while (at < length && a[at] === b[at]) at += 1
  return Math.floor(at / HASH_BYTES)
}
