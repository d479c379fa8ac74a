import { Batch, type Call } from './batch.ts'
import { FRAME_TARGET_BYTES } from './limits.ts'
import type { SegmentSupply } from './segment-supply.ts'
import type { Segment } from './segment.ts'

const BUFFER_BYTES = 65_536
const MAX_BUFFERS = 4

/**
 * Gathers calls in batches and gives each record its number. A batch is planned into a segment when it is opened; calls that no segment has room for
 * wait, in order.
 */
export class Planner {
  readonly #supply: SegmentSupply
  /** The segment that batches are planned into; none during an outage. */
  #segment: Segment | undefined
  /** The number of the next record. */
  #next: number
  #open: Batch | undefined
  #queue: Batch[] = []
  #backlog: Call[] = []
  #waitingBytes = 0
  readonly #buffers: Buffer[] = []

  constructor(supply: SegmentSupply, segment: Segment, next: number) {
    this.#supply = supply
    this.#segment = segment
    this.#next = next
  }

  /** Bytes of all calls that are not durable. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }

  /** Whether calls wait for a segment. */
  get isStalled(): boolean {
    return this.#backlog.length > 0
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0 && this.#open === undefined && this.#backlog.length === 0
  }

  /** Whether a commit is due without anybody asking for it: outcomes alone do not start one. */
  get isDue(): boolean {
    return this.#queue.length > 0 || this.#open?.hasWaiter === true
  }

  /** The segment that batches are planned into. */
  get segment(): Segment | undefined {
    return this.#segment
  }

  /** Takes a call; false when it has to wait for a segment. */
  admit(call: Call): boolean {
    this.#waitingBytes += call.bytes
    if (this.#backlog.length === 0 && this.#place(call)) return true
    this.#backlog.push(call)
    return false
  }

  /** Places the calls that waited, as far as there is room. */
  drain(): void {
    let call = this.#backlog[0]
    while (call !== undefined && this.#place(call)) {
      this.#backlog.shift()
      call = this.#backlog[0]
    }
  }

  /** Plans what comes from now on into another segment. */
  roll(segment: Segment): void {
    this.#closeOpen()
    this.#segment = segment
  }

  /** The batch to be written next; the open one only when it is due or must be flushed. */
  nextBatch(mustFlush: boolean): Batch | undefined {
    if (this.#queue.length === 0 && (mustFlush || this.isDue)) this.#closeOpen()
    return this.#queue.shift()
  }

  /** A batch is durable. */
  settle(batch: Batch): void {
    for (const { bytes } of batch.calls) this.#waitingBytes -= bytes
    if (this.#buffers.length < MAX_BUFFERS) this.#buffers.push(batch.release())
  }

  /**
   * Takes back all that is not durable: the outage's side of it.
   *
   * @param next the number that the next record will have.
   */
  takeBack(
    inFlight: Batch | undefined,
    next: number,
  ): { readonly calls: readonly Call[]; readonly segments: readonly Segment[] } {
    const batches = [inFlight, ...this.#queue, this.#open].filter((batch) => batch !== undefined)
    const calls = [...batches.flatMap((batch) => batch.calls), ...this.#backlog]
    const segments = [...batches.map(({ segment }) => segment), this.#segment].filter(
      (segment) => segment !== undefined,
    )
    this.#queue = []
    this.#open = undefined
    this.#backlog = []
    this.#waitingBytes = 0
    this.#segment = undefined
    this.#next = next
    return { calls, segments }
  }

  /** Makes the first batch behind a gap: the gap's declaration, then as much of what waits as fits. */
  gapBatch(segment: Segment, declaration: Call): Batch {
    const batch = new Batch(segment, this.#next, this.#buffer(), true)
    this.#waitingBytes += declaration.bytes
    batch.append(declaration)
    let call = this.#backlog[0]
    while (call !== undefined && segment.fits(batch.length + batch.bytesOf(call))) {
      batch.append(call)
      this.#backlog.shift()
      call = this.#backlog[0]
    }
    segment.plan(batch.length)
    return batch
  }

  /** The batch behind a gap is durable: planning goes on behind it. */
  resume(batch: Batch): void {
    this.#segment = batch.segment
    this.#next = batch.endIndex
  }

  /** The batch behind a gap is not durable either: what was in it waits again, without the declaration. */
  takeBackGap(batch: Batch): void {
    const [declaration, ...kept] = batch.calls
    if (declaration !== undefined) this.#waitingBytes -= declaration.bytes
    this.#backlog = [...kept, ...this.#backlog]
  }

  /** Puts a call into the open batch or a new one; false when no segment has room. */
  #place(call: Call): boolean {
    if (this.#open !== undefined) {
      const length = this.#open.length + this.#open.bytesOf(call)
      if (length <= FRAME_TARGET_BYTES && this.#open.segment.fits(length)) {
        this.#append(this.#open, call)
        return true
      }
      this.#closeOpen()
    }
    const segment = this.#segmentFor(call.bytes)
    if (segment === undefined) return false
    this.#open = new Batch(segment, this.#next, this.#buffer())
    this.#append(this.#open, call)
    return true
  }

  #append(batch: Batch, call: Call): void {
    batch.append(call)
    this.#next = batch.endIndex
  }

  #segmentFor(bytes: number): Segment | undefined {
    if (this.#segment === undefined || this.#segment.fits(bytes)) return this.#segment
    const next = this.#supply.take()
    if (next !== undefined) this.#segment = next
    return next
  }

  #closeOpen(): void {
    if (this.#open === undefined) return
    this.#open.segment.plan(this.#open.length)
    this.#queue.push(this.#open)
    this.#open = undefined
  }

  #buffer(): Buffer {
    return this.#buffers.pop() ?? Buffer.allocUnsafe(BUFFER_BYTES)
  }
}
