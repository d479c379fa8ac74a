import { decodeEntries, type Entry } from './entry.ts'
import type { FrameHead } from './frame.ts'
import type { SegmentHeader } from './segment-header.ts'
import { damaged, type OpenedFrame, SegmentReader, type SegmentSource } from './segment-reader.ts'

/** How far the write-ahead files are durable: everything before `offset` in `segment`, and what the segments before it hold. */
export interface Position {
  readonly segment: number
  readonly offset: number
}

/** The entries of one frame with the segment that they follow from. */
export interface ReadFrame {
  readonly header: SegmentHeader
  readonly entries: readonly Entry[]
}

/** What ends a segment that is not the last: the first frame of a later one. */
interface Successor {
  readonly firstIndex: number
  readonly isAfterGap: boolean
  readonly segment: number
}

/**
 * Reads the entries of all segments in the order of their indices, up to a durable position.
 *
 * A segment is left behind when it is full, or when a write to it failed and nobody knows what of it is on disk. Either way it ends where the next one
 * that holds anything begins: whatever lies in it from that index on is void, and what lies before must be there.
 */
export class LogReader {
  readonly #source: SegmentSource
  #segment: number
  #reader: SegmentReader | undefined
  #successor: Successor | undefined
  /** The index behind the last entry read, or the size at which reading began. */
  #reached: number
  readonly #abandoned = new Set<number>()

  /** @param size the records that are in the log already: segments may begin before it. */
  constructor(source: SegmentSource, from: { readonly segment: number; readonly size: number }) {
    this.#source = source
    this.#segment = from.segment
    this.#reached = from.size
  }

  /** The segment that is being read; all before it are done with. */
  get segment(): number {
    return this.#segment
  }

  /** Whether a segment was left behind with a write of unknown fate: that write may still come, so the file must not be used again. */
  isAbandoned(segment: number): boolean {
    return this.#abandoned.has(segment)
  }

  /**
   * The next frame before a durable position, or undefined when all were read.
   *
   * @throws {GatewayError} `SP_TRAIL_TAMPERED` when what must be there is not.
   */
  async next(position: Position): Promise<ReadFrame | undefined> {
    while (this.#segment < position.segment) {
      const frame = await this.#nextOfFormer(position)
      if (frame !== undefined) return frame
      await this.#step()
    }
    this.#reader ??= await this.#open()
    if (this.#reader === undefined) throw damaged(this.#segment, 'it is missing')
    if (this.#reader.offset >= position.offset) return undefined
    return this.#accept(this.#reader, await this.#reader.next(position.offset))
  }

  async close(): Promise<void> {
    await this.#reader?.close()
    this.#reader = undefined
  }

  async #nextOfFormer(position: Position): Promise<ReadFrame | undefined> {
    this.#reader ??= await this.#open()
    const reader = this.#reader
    if (reader === undefined) return undefined
    this.#successor ??= await this.#findSuccessor(position)
    if (this.#reached < this.#successor.firstIndex) return this.#accept(reader, await reader.next())
    await this.#leave(reader, this.#successor)
    return undefined
  }

  /** Checks a frame against those before it. */
  #accept(reader: SegmentReader, frame: OpenedFrame | undefined): ReadFrame {
    const { header } = reader
    if (frame === undefined)
      throw damaged(header.segment, `frame ${reader.frame} does not open, though what follows it was acknowledged`)
    if (frame.head.firstIndex > this.#reached) throw damaged(header.segment, `record ${this.#reached} is missing`)
    const entries = [...decodeEntries(frame.entries)]
    let index = frame.head.firstIndex
    for (const entry of entries) {
      if (entry.kind === 'context' || entry.kind === 'shape') continue
      if (entry.index !== index) throw damaged(header.segment, `record ${entry.index} stands where ${index} belongs`)
      index += 1
    }
    this.#reached = Math.max(this.#reached, index)
    return { header, entries }
  }

  async #leave(reader: SegmentReader, successor: Successor): Promise<void> {
    if (successor.isAfterGap) {
      for (let segment = this.#segment; segment < successor.segment; segment += 1) this.#abandoned.add(segment)
      return
    }
    // A frame at or behind the successor's first index would be void without anybody having said so.
    const next = reader.frame > 0 ? await reader.next() : undefined
    if (next !== undefined && next.head.firstIndex >= successor.firstIndex) {
      throw damaged(this.#segment, `it goes on behind record ${successor.firstIndex}, where the next one begins`)
    }
  }

  async #findSuccessor(position: Position): Promise<Successor> {
    let found: Successor | undefined
    for (let segment = this.#segment + 1; segment <= position.segment; segment += 1) {
      const head = await this.#firstHead(segment)
      if (head === undefined || head.firstIndex >= (found?.firstIndex ?? Infinity)) continue
      found = { firstIndex: head.firstIndex, isAfterGap: head.isAfterGap, segment }
    }
    if (found === undefined) throw damaged(position.segment, 'its first frame does not open')
    return found
  }

  async #firstHead(segment: number): Promise<FrameHead | undefined> {
    const reader = await SegmentReader.open(this.#source, segment)
    try {
      return await reader?.firstHead()
    } finally {
      await reader?.close()
    }
  }

  #open(): Promise<SegmentReader | undefined> {
    return SegmentReader.open(this.#source, this.#segment)
  }

  async #step(): Promise<void> {
    await this.close()
    this.#successor = undefined
    this.#segment += 1
  }
}
