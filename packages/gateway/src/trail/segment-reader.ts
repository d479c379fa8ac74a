import type { Bytes } from '#base'
import { GatewayError } from '#model'
import type { FilePort, OpenFile } from './file-port.ts'
import {
  decodeFrameHead,
  FRAME_ALIGNMENT,
  FRAME_HEADER_BYTES,
  FRAME_TAG_BYTES,
  type FrameHead,
  frameSpace,
  openFrame,
} from './frame.ts'
import { segmentKey } from './key-schedule.ts'
import { decodeSegmentHeader, DERIVATIONS_READ, HEADER_BYTES, type SegmentHeader } from './segment-header.ts'
import { segmentPath } from './wal-folder.ts'

/** How much is read at once; a longer frame is read whole. */
const CHUNK_BYTES = 262_144

/** A frame that opened. */
export interface OpenedFrame {
  readonly head: FrameHead
  readonly entries: Buffer
}

/** Where segments lie and what they are opened with. */
export interface SegmentSource {
  readonly files: FilePort
  readonly walFolder: string
  readonly origin: string
  /** A day key by its name, or undefined when it is not there. */
  readonly dayKey: (id: string) => Bytes | undefined
}

/** Reads the frames of one segment in order. */
export class SegmentReader {
  readonly header: SegmentHeader
  readonly #file: OpenFile
  readonly #key: Bytes
  readonly #size: number
  #frame = 0
  #offset = HEADER_BYTES
  /** Bytes of the file from #chunkStart on; only such as cannot change any more. */
  #chunk: Buffer = Buffer.alloc(0)
  #chunkStart = 0

  private constructor(file: OpenFile, size: number, header: SegmentHeader, key: Bytes) {
    this.#file = file
    this.#size = size
    this.header = header
    this.#key = key
  }

  /**
   * Opens a segment, or gives undefined when there is none of this number.
   *
   * @throws {GatewayError} `SP_TRAIL_TAMPERED` when its header is not what a segment is given before it gets its name, or its day key is missing.
   */
  static async open(source: SegmentSource, segment: number): Promise<SegmentReader | undefined> {
    const file = await source.files.openForReading(segmentPath(source.walFolder, segment))
    if (file === undefined) return undefined
    try {
      const block = Buffer.alloc(HEADER_BYTES)
      const header = decodeSegmentHeader(block.subarray(0, await file.read(block, 0)))
      if (header?.segment !== segment) throw damaged(segment, 'its header is not the one it was given')
      if (header.origin !== source.origin) throw damaged(segment, `it belongs to ${header.origin}`)
      if (!DERIVATIONS_READ.includes(header.derivation))
        throw damaged(segment, 'another version of Sallyport wrote it: start that one once, it drains the segments')
      const dayKey = source.dayKey(header.keyId)
      if (dayKey === undefined) throw damaged(segment, `the day key ${header.keyId} is missing`)
      return new SegmentReader(file, await file.size(), header, segmentKey(dayKey, header.salt))
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** Where the next frame begins. */
  get offset(): number {
    return this.#offset
  }

  /** The number of the next frame. */
  get frame(): number {
    return this.#frame
  }

  /**
   * Opens the next frame and steps behind it, or gives undefined when none opens there.
   *
   * @param end how far the file may be read: behind the durable position bytes may still change.
   */
  async next(end: number = this.#size): Promise<OpenedFrame | undefined> {
    const opened = await this.#openAt(this.#offset, this.#frame, end)
    if (opened === undefined) return undefined
    this.#offset += frameSpace(opened.head.length)
    this.#frame += 1
    return opened
  }

  /** The head of the first frame, when it opens; does not step. */
  async firstHead(): Promise<FrameHead | undefined> {
    return (await this.#openAt(HEADER_BYTES, 0, this.#size))?.head
  }

  /** Whether something lies at the next frame's place that was begun as this frame. */
  async isTorn(): Promise<boolean> {
    const head = decodeFrameHead(await this.#bytes(this.#offset, FRAME_HEADER_BYTES, this.#size))
    return head?.segment === this.header.segment && head.frame === this.#frame
  }

  /** Whether a frame opens anywhere behind the next frame's place. With one commit in flight that cannot come from a crash. */
  async hasFrameBehind(): Promise<boolean> {
    for (let start = this.#offset + FRAME_ALIGNMENT; start < this.#size; start += CHUNK_BYTES) {
      for (const { at, head } of this.#headsIn(await this.#bytes(start, CHUNK_BYTES, this.#size), start)) {
        if ((await this.#openAt(at, head.frame, this.#size)) !== undefined) return true
      }
    }
    return false
  }

  /** Whatever looks like the head of a frame of this segment. */
  #headsIn(bytes: Buffer, start: number): { readonly at: number; readonly head: FrameHead }[] {
    const heads: { at: number; head: FrameHead }[] = []
    for (let at = 0; at < bytes.length; at += FRAME_ALIGNMENT) {
      const head = decodeFrameHead(bytes.subarray(at, at + FRAME_HEADER_BYTES))
      if (head?.segment === this.header.segment) heads.push({ at: start + at, head })
    }
    return heads
  }

  async close(): Promise<void> {
    await this.#file.close()
  }

  async #openAt(offset: number, frame: number, end: number): Promise<OpenedFrame | undefined> {
    const head = decodeFrameHead(await this.#bytes(offset, FRAME_HEADER_BYTES, end))
    if (head === undefined || head.segment !== this.header.segment || head.frame !== frame) return undefined
    const length = head.length + FRAME_TAG_BYTES
    if (offset + frameSpace(head.length) > end) return undefined
    const sealed = await this.#bytes(offset + FRAME_HEADER_BYTES, length, end)
    const entries = openFrame(this.#key, head, sealed)
    return entries === undefined ? undefined : { head, entries }
  }

  /** Bytes of the file; fewer than asked for at `end`. A view, good until the next call. */
  async #bytes(offset: number, length: number, end: number): Promise<Buffer> {
    const wanted = Math.max(0, Math.min(length, end - offset))
    const at = offset - this.#chunkStart
    if (at >= 0 && at + wanted <= this.#chunk.length) return this.#chunk.subarray(at, at + wanted)
    const chunk = Buffer.allocUnsafe(Math.max(wanted, Math.min(CHUNK_BYTES, end - offset)))
    this.#chunk = chunk.subarray(0, await this.#file.read(chunk, offset))
    this.#chunkStart = offset
    return this.#chunk.subarray(0, wanted)
  }
}

/** The refusal to go on from a segment that is not as we left it. */
export function damaged(segment: number, what: string): GatewayError {
  return new GatewayError('SP_TRAIL_TAMPERED', `segment ${segment} of the write-ahead files: ${what}`)
}
