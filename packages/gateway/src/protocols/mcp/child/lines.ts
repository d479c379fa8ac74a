import type { Bytes } from '#base'
import { concatBytes } from '#base'

const NEWLINE = 0x0a

/** Cuts a stream into lines. A line of one chunk is a view of it; nothing longer than the limit is kept. */
export class Lines {
  readonly #maxBytes: number
  #parts: Bytes[] = []
  #length = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Takes a chunk; the lines that it ends, without their newlines, or undefined when one is too long: then no more may be given. */
  take(chunk: Bytes): readonly Bytes[] | undefined {
    const lines: Bytes[] = []
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      if (!this.#keep(chunk.subarray(start, end))) return undefined
      lines.push(this.#parts.length === 1 ? chunk.subarray(start, end) : concatBytes(this.#parts))
      this.#parts = []
      this.#length = 0
      start = end + 1
    }
    return start === chunk.length || this.#keep(chunk.subarray(start)) ? lines : undefined
  }

  #keep(part: Bytes): boolean {
    this.#parts.push(part)
    this.#length += part.length
    return this.#length <= this.#maxBytes
  }
}
