import { type Bytes, fromUtf8 } from '#base'

/** Up to here names are compared one by one, beyond it by a set, whose hashing cannot be aimed at. */
const MAX_LISTED = 16

/** The names of one open object. */
interface Names {
  /** How many there are; of a listed object also how many of the shared entries are its own. */
  count: number
  set: Set<string> | undefined
}

/** Notices a name that an object has twice, however it is escaped. Most objects cost no allocation. */
export class DuplicateKeys {
  readonly #bytes: Bytes
  readonly #objects: Names[] = []
  #depth = 0
  /** The listed names of all open objects, innermost last: hash, start, end, and whether it has escapes. */
  readonly #hashes: number[] = []
  readonly #starts: number[] = []
  readonly #ends: number[] = []
  readonly #escaped: boolean[] = []
  #length = 0

  constructor(bytes: Bytes) {
    this.#bytes = bytes
  }

  /** An object begins. */
  open(): void {
    const names = this.#objects[this.#depth]
    if (names === undefined) this.#objects.push({ count: 0, set: undefined })
    else {
      names.count = 0
      names.set = undefined
    }
    this.#depth++
  }

  /** The innermost object ends. */
  close(): void {
    this.#depth--
    const names = this.#objects[this.#depth]
    if (names !== undefined && names.set === undefined) this.#length -= names.count
  }

  /** Takes a name of the innermost object, between its quotes; false when it has it already. */
  add(start: number, end: number, isEscaped: boolean): boolean {
    const names = this.#objects[this.#depth - 1]
    if (names === undefined) return false
    if (names.set !== undefined) return this.#addTo(names.set, start, end, isEscaped)
    const hash = isEscaped ? hashText(this.#text(start, end, true)) : hashBytes(this.#bytes, start, end)
    for (let index = this.#length - names.count; index < this.#length; index++) {
      if (this.#hashes[index] === hash && this.#isSame(index, start, end, isEscaped)) return false
    }
    if (names.count === MAX_LISTED) {
      names.set = this.#toSet(names.count)
      return this.#addTo(names.set, start, end, isEscaped)
    }
    this.#hashes[this.#length] = hash
    this.#starts[this.#length] = start
    this.#ends[this.#length] = end
    this.#escaped[this.#length] = isEscaped
    this.#length++
    names.count++
    return true
  }

  /** Moves the innermost names over to a set. */
  #toSet(count: number): Set<string> {
    const set = new Set<string>()
    for (let index = this.#length - count; index < this.#length; index++) set.add(this.#listed(index))
    this.#length -= count
    return set
  }

  #addTo(set: Set<string>, start: number, end: number, isEscaped: boolean): boolean {
    const { size } = set
    return set.add(this.#text(start, end, isEscaped)).size > size
  }

  #isSame(index: number, start: number, end: number, isEscaped: boolean): boolean {
    return this.#listed(index) === this.#text(start, end, isEscaped)
  }

  #listed(index: number): string {
    return this.#text(this.#starts[index] ?? 0, this.#ends[index] ?? 0, this.#escaped[index] === true)
  }

  #text(start: number, end: number, isEscaped: boolean): string {
    const text = fromUtf8(this.#bytes.subarray(start, end))
    return isEscaped ? (JSON.parse(`"${text}"`) as string) : text
  }
}

/** FNV-1a over UTF-8. */
function hashBytes(bytes: Bytes, start: number, end: number): number {
  let hash = 0x811c9dc5
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193)
  return hash
}

function hashText(text: string): number {
  const bytes = encoder.encode(text)
  return hashBytes(bytes, 0, bytes.length)
}

const encoder = new TextEncoder()
