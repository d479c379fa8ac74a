import type { Clock } from '#base'
import type { Log } from '#model'
import { dayOf, type DayKey, type DayKeys } from './day-keys.ts'
import { withDeadline } from './deadline.ts'
import type { FilePort } from './file-port.ts'
import { prepareSegment, type Segment } from './segment.ts'
import { describeError } from './system-error.ts'
import { segmentPath } from './wal-folder.ts'

/** Preparing writes a whole segment; a disk that is busy with it is not a disk that is gone. */
const PREPARE_TIMEOUT_MS = 30_000

/** What segments are made with. */
export interface SupplyPorts {
  readonly files: FilePort
  readonly walFolder: string
  readonly origin: string
  readonly product: string
  readonly dayKeys: DayKeys
  readonly segmentBytes: number
  readonly clock: Clock
  readonly log: Log
  /** Told of the day key of each segment before the segment is used. */
  readonly onDayKey: (key: DayKey) => void
}

/** Prepares segments ahead, so that writing never waits for one, and takes them out of use. */
export class SegmentSupply {
  readonly #ports: SupplyPorts
  #number: number
  #spare: Segment | undefined
  #preparing: Promise<void> | undefined
  #failure: string | undefined

  /** @param firstNumber the number of the next segment. */
  constructor(ports: SupplyPorts, firstNumber: number) {
    this.#ports = ports
    this.#number = firstNumber
  }

  /** Why the last preparation failed, until one succeeds. */
  get failure(): string | undefined {
    return this.#failure
  }

  /** The segment that is ready, if one is. */
  get spare(): Segment | undefined {
    return this.#spare
  }

  /** Whether a segment belongs to the day that it is now. */
  isOfToday(segment: Segment): boolean {
    return segment.keyId.startsWith(dayOf(this.#ports.clock.nowMs()))
  }

  /** Takes the segment that is ready, if one is; the next is prepared in the background. */
  take(): Segment | undefined {
    const spare = this.#spare
    this.#spare = undefined
    return spare
  }

  /** Takes the segment that is ready or prepares one. Rejects with the error of the disk. */
  async takeOrMake(): Promise<Segment> {
    await this.#preparing
    return this.take() ?? (await this.#make())
  }

  /** Sees to it that a segment of today is or gets ready; the promise never rejects. */
  async ensure(): Promise<void> {
    if (this.#spare !== undefined && !this.isOfToday(this.#spare)) this.discard(this.take())
    if (this.#spare !== undefined) return
    this.#preparing ??= this.#prepare()
    await this.#preparing
  }

  /** Closes a segment that will not be written any more and removes its file; nothing in it was acknowledged. */
  discard(segment: Segment | undefined): void {
    if (segment === undefined) return
    const { files, walFolder } = this.#ports
    this.retire(segment)
    files.remove(segmentPath(walFolder, segment.number)).catch((error: unknown) => this.#warn(error))
  }

  /** Closes a segment that will not be written any more; the sequencer still reads it. */
  retire(segment: Segment): void {
    segment.file.close().catch((error: unknown) => this.#warn(error))
  }

  /** Closes what is ready. */
  async close(): Promise<void> {
    await this.#preparing
    const spare = this.take()
    if (spare !== undefined) await spare.file.close()
  }

  async #prepare(): Promise<void> {
    try {
      this.#spare = await this.#make()
      this.#failure = undefined
    } catch (error) {
      this.#failure = describeError(error)
      this.#warn(error)
    } finally {
      this.#preparing = undefined
    }
  }

  async #make(): Promise<Segment> {
    const { dayKeys, clock, segmentBytes, onDayKey } = this.#ports
    const segment = this.#number
    this.#number += 1
    const dayKey = await dayKeys.ofDay(dayOf(clock.nowMs()))
    onDayKey(dayKey)
    const prepared = prepareSegment({ ...this.#ports, bytes: segmentBytes, dayKey, segment })
    return withDeadline(prepared, PREPARE_TIMEOUT_MS, (late) => this.discard(late))
  }

  #warn(error: unknown): void {
    this.#ports.log.warn('trail.segment_trouble', { error: describeError(error) })
  }
}
