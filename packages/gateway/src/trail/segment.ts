import { join } from 'node:path'
import type { Bytes } from '#base'
import type { DayKey } from './day-keys.ts'
import { type FilePort, type OpenFile, writeAll } from './file-port.ts'
import { frameSpace } from './frame.ts'
import { segmentKey } from './key-schedule.ts'
import { encodeSegmentHeader, HEADER_BYTES, makeSegmentHeader } from './segment-header.ts'
import { isPooledName, segmentPath } from './wal-folder.ts'

const ZEROS = Buffer.alloc(1024 * 1024)

/** What a new segment is made of. */
export interface SegmentPlan {
  readonly files: FilePort
  readonly walFolder: string
  readonly origin: string
  readonly product: string
  readonly dayKey: DayKey
  readonly segment: number
  readonly bytes: number
}

/** A prepared segment, open for durable writes: the main thread's view of it. */
export class Segment {
  readonly number: number
  readonly keyId: string
  readonly key: Bytes
  readonly file: OpenFile
  readonly #bytes: number
  /** Where the next frame will be written. */
  #offset = HEADER_BYTES
  #frames = 0
  /** Bytes that batches not yet written will take. */
  #planned = 0
  #definitions = 0

  constructor(plan: SegmentPlan, key: Bytes, file: OpenFile) {
    this.number = plan.segment
    this.keyId = plan.dayKey.id
    this.#bytes = plan.bytes
    this.key = key
    this.file = file
  }

  /** Where the next frame will be written. */
  get offset(): number {
    return this.#offset
  }

  /** Whether a frame with entries of this length fits behind what is planned. */
  fits(length: number): boolean {
    return this.#offset + this.#planned + frameSpace(length) <= this.#bytes
  }

  /** Reserves room for a batch that is closed. */
  plan(length: number): void {
    this.#planned += frameSpace(length)
  }

  /** The number of the next definition. */
  nextDefinition(): number {
    this.#definitions += 1
    return this.#definitions
  }

  /** The number of the next frame; it is used once, whatever becomes of the frame. */
  nextFrame(): number {
    const frame = this.#frames
    this.#frames += 1
    return frame
  }

  /** Steps behind a frame that is durable. */
  advance(length: number): void {
    this.#offset += frameSpace(length)
    this.#planned -= frameSpace(length)
  }
}

/**
 * Prepares a segment: a file of full length (so that a write changes no metadata), its header synced before it gets its name, its name synced before it
 * is written to.
 */
export async function prepareSegment(plan: SegmentPlan): Promise<Segment> {
  const { files, walFolder } = plan
  const path = segmentPath(walFolder, plan.segment)
  const temporary = `${path}.new`
  const header = makeSegmentHeader({ ...plan, keyId: plan.dayKey.id })
  await files.remove(temporary)
  const file = (await takePooled(plan, temporary)) ?? (await allocate(plan, temporary))
  try {
    await writeAll(file, [encodeSegmentHeader(header)], 0)
    await file.sync()
  } finally {
    await file.close()
  }
  await files.rename(temporary, path)
  await files.syncFolder(walFolder)
  return new Segment(plan, segmentKey(plan.dayKey.bytes, header.salt), await files.openSynchronous(path))
}

/** Removes what killed preparations left. */
export async function removeUnprepared(files: FilePort, walFolder: string): Promise<void> {
  for (const name of await files.list(walFolder)) if (name.endsWith('.new')) await files.remove(join(walFolder, name))
}

/** Takes a file that waits to be used again, when there is one of the right length. */
async function takePooled({ files, walFolder, bytes }: SegmentPlan, temporary: string): Promise<OpenFile | undefined> {
  for (const name of await files.list(walFolder)) {
    if (!isPooledName(name)) continue
    await files.rename(join(walFolder, name), temporary)
    // The old name must be gone for good before the file gets another header: it may have been that of a segment.
    await files.syncFolder(walFolder)
    const file = await files.openSynchronous(temporary)
    if ((await file.size()) === bytes) return file
    await file.close()
    await files.remove(temporary)
  }
  return undefined
}

async function allocate({ files, bytes }: SegmentPlan, temporary: string): Promise<OpenFile> {
  const file = await files.create(temporary)
  try {
    for (let at = 0; at < bytes; at += ZEROS.length) await writeAll(file, [ZEROS.subarray(0, bytes - at)], at)
    return file
  } catch (error) {
    await file.close()
    await files.remove(temporary)
    throw error
  }
}
