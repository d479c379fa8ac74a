/** Numbers held by one chunk. */
const CHUNK_BITS = 65_536

interface Chunk {
  readonly bits: Uint8Array
  count: number
}

/**
 * The intents that have no outcome yet: one bit a record, in chunks that go when they are empty. A log in which every
 * intent is open takes an eighth of a byte per record; a usual one a few kilobytes.
 */
export class OpenIntents {
  readonly #chunks = new Map<number, Chunk>()
  #count = 0

  get count(): number {
    return this.#count
  }

  add(index: number): void {
    const number = Math.floor(index / CHUNK_BITS)
    let chunk = this.#chunks.get(number)
    if (chunk === undefined) {
      chunk = { bits: new Uint8Array(CHUNK_BITS / 8), count: 0 }
      this.#chunks.set(number, chunk)
    }
    const { at, bit } = positionOf(index)
    chunk.bits[at] = (chunk.bits[at] ?? 0) | bit
    chunk.count += 1
    this.#count += 1
  }

  /** Takes an intent out; false when it is not open. */
  take(index: number): boolean {
    const number = Math.floor(index / CHUNK_BITS)
    const chunk = this.#chunks.get(number)
    const { at, bit } = positionOf(index)
    const byte = chunk?.bits[at] ?? 0
    if (chunk === undefined || (byte & bit) === 0) return false
    chunk.bits[at] = byte & ~bit
    chunk.count -= 1
    this.#count -= 1
    if (chunk.count === 0) this.#chunks.delete(number)
    return true
  }
}

function positionOf(index: number): { readonly at: number; readonly bit: number } {
  const offset = index % CHUNK_BITS
  return { at: offset >> 3, bit: 1 << (offset & 7) }
}
