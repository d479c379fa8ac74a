import { HASH_BYTES, hashLeafInto, TILE_WIDTH } from '@sallyport/verifier'
import type { Bytes } from '#base'
import { MAX_LEAF_BYTES } from './bounds.ts'

const INITIAL_BYTES = 524_288
const LENGTH_BYTES = 2
const PAYLOAD_LENGTH_BYTES = 4
const NO_PAYLOAD = Buffer.alloc(PAYLOAD_LENGTH_BYTES)

/** The entry bundle that is being filled, with the payload file beside it and the hashes of its leaves. */
export class OpenBundle {
  #entries = Buffer.allocUnsafe(INITIAL_BYTES)
  #entriesEnd = 0
  readonly #hashes = Buffer.allocUnsafe(TILE_WIDTH * HASH_BYTES)
  #payloads: Bytes[] = []
  #width = 0
  /** Leaves whose hashes were handed out. */
  #taken = 0

  /** How many entries it has. */
  get width(): number {
    return this.#width
  }

  get isFull(): boolean {
    return this.#width === TILE_WIDTH
  }

  /**
   * Adds a leaf and its sealed payload, when it has one.
   *
   *     | length, 2, big endian | leaf | …        | length, 4, big endian | blob | …   (length 0: no payload)
   *
   * @throws {RangeError} for a leaf that is longer than a bundle can say; the bounds at write see to it that none is.
   */
  add(leaf: string, blob: Bytes | undefined): void {
    this.#reserve(leaf.length * 3 + LENGTH_BYTES)
    const start = this.#entriesEnd + LENGTH_BYTES
    const length = this.#entries.write(leaf, start)
    this.#close(start, length, blob)
  }

  /** Adds a leaf as it was read back. */
  restore(leaf: Bytes, blob: Bytes | undefined): void {
    this.#reserve(leaf.length + LENGTH_BYTES)
    const start = this.#entriesEnd + LENGTH_BYTES
    this.#entries.set(leaf, start)
    this.#close(start, leaf.length, blob)
  }

  /** The hashes of the leaves added since the last call; a copy. */
  takeHashes(): Buffer {
    const hashes = Buffer.from(this.#hashes.subarray(this.#taken * HASH_BYTES, this.#width * HASH_BYTES))
    this.#taken = this.#width
    return hashes
  }

  /** The bundle as it stands, to be written at once: a view. */
  entries(): Bytes {
    return this.#entries.subarray(0, this.#entriesEnd)
  }

  /** The payload file as it stands, in pieces. */
  payloads(): readonly Bytes[] {
    return this.#payloads
  }

  /** Begins the next bundle; the old one was written. */
  clear(): void {
    this.#entriesEnd = 0
    this.#payloads = []
    this.#width = 0
    this.#taken = 0
  }

  #close(start: number, length: number, blob: Bytes | undefined): void {
    if (length > MAX_LEAF_BYTES || this.isFull)
      throw new RangeError(`a leaf of ${length} bytes as entry ${this.#width}`)
    this.#entries.writeUInt16BE(length, start - LENGTH_BYTES)
    this.#entriesEnd = start + length
    hashLeafInto(this.#entries.subarray(start, this.#entriesEnd), this.#hashes, this.#width * HASH_BYTES)
    this.#width += 1
    if (blob === undefined) {
      this.#payloads.push(NO_PAYLOAD)
      return
    }
    const head = Buffer.allocUnsafe(PAYLOAD_LENGTH_BYTES)
    head.writeUInt32BE(blob.length)
    this.#payloads.push(head, blob)
  }

  #reserve(bytes: number): void {
    const needed = this.#entriesEnd + bytes
    if (needed <= this.#entries.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#entries.length * 2))
    this.#entries.copy(larger, 0, 0, this.#entriesEnd)
    this.#entries = larger
  }
}
