import type { Clock } from '#base'
import { GatewayError, type Log, type OutcomeEntry, type Receipt } from '#model'
import { type Batch, type Call, makeCall } from './batch.ts'
import { withDeadline } from './deadline.ts'
import { writeAll } from './file-port.ts'
import { FRAME_ALIGNMENT, sealFrame } from './frame.ts'
import type { Item, ItemMaker, OperationItem } from './items.ts'
import { MAX_CALL_BYTES, type TrailLimits } from './limits.ts'
import type { Position } from './log-reader.ts'
import type { Outage, OutageCause } from './outage.ts'
import { Planner } from './planner.ts'
import { HEADER_BYTES } from './segment-header.ts'
import type { SegmentSupply } from './segment-supply.ts'
import type { Segment } from './segment.ts'
import { describeError } from './system-error.ts'

/** What the write-ahead needs. */
export interface WriteAheadPorts {
  readonly supply: SegmentSupply
  readonly maker: ItemMaker
  readonly clock: Clock
  readonly log: Log
  readonly limits: TrailLimits
  /** Told after each commit how far the files are durable. */
  readonly onDurable: (position: Position) => void
  /** Told when records begin to be refused, and when they are taken again. */
  readonly onAvailability: (outage: Outage | undefined) => void
  /** The record that declares an outage. */
  readonly gap: (outage: Outage, segment: number) => Item
}

/** What was recorded since the start. */
export interface Counts {
  records: number
  intents: number
  outcomes: number
  events: number
  refused: number
}

/** Writes of unknown fate that one gap record lists; a disk that comes and goes for hours makes one each second. */
const MAX_CUTS = 32

/**
 * The way from a call to a durable record: calls gather in a batch, a batch is sealed once and written by one synchronous write, one at a time.
 *
 * The event loop owns all of its state; the sequencer reads the files.
 */
export class WriteAhead {
  readonly counts: Counts = { records: 0, intents: 0, outcomes: 0, events: 0, refused: 0 }
  readonly #ports: WriteAheadPorts
  readonly #planner: Planner
  /** Everything below is durable. */
  #durable: number
  /** The segment of the last durable frame; none during an outage. */
  #segment: Segment | undefined
  #inFlight: Batch | undefined
  #inFlightSinceMs = 0
  #stalledSinceMs = 0
  #isKicked = false
  #mustFlush = false
  #outage: Outage | undefined
  #isProbing = false
  #isClosed = false
  #throttleMs = 0
  /** Durable intents without outcome, with the definitions that their outcome will refer to. */
  readonly #intents = new Map<number, Pick<OperationItem, 'context' | 'shape'>>()

  /** @param start the first index, and the segment to begin with. */
  constructor(ports: WriteAheadPorts, start: { readonly index: number; readonly segment: Segment }) {
    this.#ports = ports
    this.#durable = start.index
    this.#segment = start.segment
    this.#planner = new Planner(ports.supply, start.segment, start.index)
    this.#supply()
  }

  get durable(): number {
    return this.#durable
  }

  /** The outage that a failed write began. */
  get outage(): Outage | undefined {
    return this.#outage
  }

  /** Whether nothing waits to be written. */
  get isIdle(): boolean {
    return this.#inFlight === undefined && this.#planner.isEmpty
  }

  /** The day keys of the segments that are written or ready. */
  get keyIds(): readonly string[] {
    const segments = [this.#segment, this.#planner.segment, this.#ports.supply.spare]
    return segments.flatMap((segment) => (segment === undefined ? [] : [segment.keyId]))
  }

  /** How long a commit waits before it starts: slows writers down while the sequencer is behind. */
  set throttleMs(delayMs: number) {
    this.#throttleMs = delayMs
  }

  /**
   * Appends items in one commit; resolves when they are durable.
   *
   * @throws {GatewayError} `SP_TRAIL_UNAVAILABLE`, `SP_OPERATION_TOO_LARGE`.
   */
  record(items: readonly Item[]): Promise<readonly Receipt[]> {
    return new Promise((resolve, reject) => {
      const call = makeCall(items, { resolve, reject })
      const refusal = this.#refusalOf(call)
      if (refusal === undefined) {
        this.#admit(call)
        this.#kick()
        return
      }
      this.refuse(items.length, this.#outage)
      reject(refusal)
    })
  }

  /** Counts entries that were refused. */
  refuse(entries: number, outage: Outage | undefined): void {
    this.counts.refused += entries
    if (outage !== undefined) outage.refused += entries
  }

  /** Appends an outcome; it shares the next commit, and is kept over an outage. Never throws. */
  conclude(entry: OutcomeEntry): void {
    // Behind the stop record nothing is written: recovery completes what is open.
    if (this.#isClosed) return
    const intent = this.#intents.get(entry.intent)
    if (intent === undefined) {
      this.#ports.log.error('trail.outcome_without_intent', { intent: entry.intent })
      return
    }
    this.#intents.delete(entry.intent)
    this.#admit(makeCall([this.#ports.maker.outcome(entry, intent, this.#ports.clock.nowMs())]))
  }

  /** Appends a record of the trail itself that nobody waits for; it is kept over an outage. */
  note(item: Item): void {
    this.#admit(makeCall([item]))
    this.flush()
  }

  /** Starts a commit for whatever waits, outcomes too. */
  flush(): void {
    this.#mustFlush = true
    this.#kick()
  }

  /** To be called four times a second: flushes outcomes, watches deadlines, rolls at midnight. */
  tick(): void {
    if (this.#isClosed || this.#outage !== undefined) return
    const now = this.#ports.clock.monotonicMs()
    const { commitTimeoutMs } = this.#ports.limits
    if (this.#inFlight !== undefined && now - this.#inFlightSinceMs > commitTimeoutMs) {
      this.#break('write-timeout', 'ETIMEDOUT')
    } else if (this.#isStuck() && now - this.#stalledSinceMs > commitTimeoutMs) {
      this.#break('no-segment', this.#ports.supply.failure ?? 'ETIMEDOUT')
    } else {
      this.#supply()
      this.flush()
    }
  }

  /**
   * To be called every second of an outage: tries to end it by a new segment, the first frame of which declares the gap. When that is durable, records are
   * taken again.
   */
  async probe(): Promise<void> {
    const { supply, limits, log, gap, onAvailability } = this.#ports
    const outage = this.#outage
    if (outage === undefined || this.#isProbing || this.#isClosed) return
    this.#isProbing = true
    let batch: Batch | undefined
    try {
      const segment = await supply.takeOrMake()
      batch = this.#planner.gapBatch(segment, makeCall([gap(outage, segment.number)]))
      await withDeadline(this.#write(batch), limits.commitTimeoutMs)
      if (this.#hasClosed()) return supply.retire(segment)
      this.#planner.resume(batch)
      this.#outage = undefined
      this.#settle(batch)
      log.info('trail.available', { refused: outage.refused })
      onAvailability(undefined)
      this.#supply()
    } catch (error) {
      if (batch !== undefined) this.#abandonProbe(batch, outage)
      log.warn('trail.still_unavailable', { error: describeError(error) })
    } finally {
      this.#isProbing = false
    }
  }

  /** Takes nothing more; what waits is rejected. */
  async close(): Promise<void> {
    this.#isClosed = true
    const { calls, segments } = this.#planner.takeBack(this.#inFlight, this.#durable)
    this.#inFlight = undefined
    this.#reject(calls, 'the trail is closed')
    for (const segment of new Set([...segments, this.#segment])) {
      if (segment !== undefined) this.#ports.supply.retire(segment)
    }
    this.#segment = undefined
    await this.#ports.supply.close()
  }

  /** Whether calls wait for a segment, and nothing else is left to be written. */
  #isStuck(): boolean {
    return this.#planner.isStalled && this.#inFlight === undefined && !this.#planner.isDue
  }

  /** A method, since the flag changes while something is awaited. */
  #hasClosed(): boolean {
    return this.#isClosed
  }

  #refusalOf({ items, bytes }: Call): GatewayError | undefined {
    const { limits } = this.#ports
    if (this.#isClosed) return unavailable('the trail is closed')
    if (this.#outage !== undefined) return unavailable(`the trail cannot be written: ${this.#outage.error}`)
    const largest = Math.min(MAX_CALL_BYTES, limits.segmentBytes - HEADER_BYTES - FRAME_ALIGNMENT)
    if (bytes > largest) return new GatewayError('SP_OPERATION_TOO_LARGE', `records of ${bytes} bytes in one call`)
    if (this.#planner.waitingBytes + bytes > limits.queueBytes) return unavailable('too many records wait for the disk')
    if (this.#intents.size + items.length > limits.openIntents)
      return unavailable('too many operations have no outcome')
    return undefined
  }

  #admit(call: Call): void {
    const wasStalled = this.#planner.isStalled
    if (this.#planner.admit(call) || this.#outage !== undefined) return
    if (!wasStalled) this.#stalledSinceMs = this.#ports.clock.monotonicMs()
    this.#supply()
  }

  /** Sees to it that a segment is ready, rolls to it at midnight, and brings in what waited for it. */
  #supply(): void {
    const { supply } = this.#ports
    const arrange = (): void => {
      if (this.#isClosed || this.#outage !== undefined) return
      const { segment } = this.#planner
      const next = segment === undefined || supply.isOfToday(segment) ? undefined : supply.take()
      if (next !== undefined) this.#planner.roll(next)
      this.#planner.drain()
      // Whoever waits for a segment that cannot be had is told as soon as what has one is written.
      if (this.#isStuck() && supply.failure !== undefined) this.#break('no-segment', supply.failure)
      else this.#kick()
    }
    void supply.ensure().then(arrange)
  }

  /** Starts a commit in a microtask, so that whatever is appended in this turn joins it. */
  #kick(): void {
    if (this.#isKicked || this.#inFlight !== undefined || this.#outage !== undefined) return
    this.#isKicked = true
    const start = (): void => {
      this.#isKicked = false
      void this.#commit()
    }
    if (this.#throttleMs > 0) setTimeout(start, this.#throttleMs)
    else queueMicrotask(start)
  }

  async #commit(): Promise<void> {
    if (this.#inFlight !== undefined || this.#outage !== undefined) return
    const batch = this.#planner.nextBatch(this.#mustFlush)
    if (!this.#planner.isDue) this.#mustFlush = false
    if (batch === undefined) return
    this.#inFlight = batch
    this.#inFlightSinceMs = this.#ports.clock.monotonicMs()
    try {
      await this.#write(batch)
    } catch (error) {
      // When it was given up before, whoever waited was told then.
      if (this.#inFlight === batch) this.#break('write-failed', describeError(error))
      return
    }
    if (this.#inFlight !== batch) return
    this.#inFlight = undefined
    this.#settle(batch)
    if (this.#planner.isDue || this.#mustFlush) this.#kick()
  }

  #write(batch: Batch): Promise<void> {
    const { segment, firstIndex, isAfterGap, entries } = batch
    const head = { segment: segment.number, frame: segment.nextFrame(), firstIndex, isAfterGap, length: entries.length }
    return writeAll(segment.file, sealFrame(segment.key, head, entries), segment.offset)
  }

  /** The batch is durable: tells the sequencer how far, and each caller its numbers, in order. */
  #settle(batch: Batch): void {
    const { segment, calls } = batch
    segment.advance(batch.length)
    if (this.#segment !== segment && this.#segment !== undefined) this.#ports.supply.retire(this.#segment)
    this.#segment = segment
    this.#durable = batch.endIndex
    this.#ports.onDurable({ segment: segment.number, offset: segment.offset })
    this.#planner.settle(batch)
    let index = batch.firstIndex
    for (const { items, waiter } of calls) {
      const receipts: Receipt[] = []
      for (const item of items) receipts.push(this.#acknowledge(item, index++))
      waiter?.resolve(receipts)
    }
  }

  #acknowledge(item: Item, index: number): Receipt {
    this.counts.records += 1
    if (item.kind === 'intent') {
      this.counts.intents += 1
      this.#intents.set(index, { context: item.context, shape: item.shape })
    } else if (item.kind === 'outcome') this.counts.outcomes += 1
    else this.counts.events += 1
    return { sequence: index }
  }

  #reject(calls: readonly Call[], why: string): number {
    let refused = 0
    for (const { items, waiter } of calls) {
      if (waiter === undefined) continue
      waiter.reject(unavailable(why))
      refused += items.length
    }
    return refused
  }

  /**
   * A write failed, or there is nothing to write to. What was in flight is of unknown fate: nobody was told that it is durable, its numbers will be given
   * again in another segment, and from the first of them on this segment is void (`docs/spec/trail.md`, "When a write fails").
   */
  #break(cause: OutageCause, error: string): void {
    const { clock, log, supply, onAvailability } = this.#ports
    const outage: Outage = { cause, error, sinceMs: clock.nowMs(), refused: 0, cuts: [] }
    if (this.#inFlight !== undefined) outage.cuts.push(this.#cutOf(this.#inFlight))
    const { calls, segments } = this.#planner.takeBack(this.#inFlight, this.#durable)
    this.#inFlight = undefined
    this.#outage = outage
    // A segment without a durable frame holds nothing that anybody needs; the one with the last is still read.
    for (const segment of new Set(segments)) if (segment !== this.#segment) supply.discard(segment)
    if (this.#segment !== undefined) supply.retire(this.#segment)
    this.#segment = undefined
    this.refuse(this.#reject(calls, `the trail cannot be written: ${error}`), outage)
    for (const call of calls) if (call.waiter === undefined) this.#planner.admit(call)
    log.error('trail.unavailable', { cause, error })
    onAvailability(outage)
  }

  #abandonProbe(batch: Batch, outage: Outage): void {
    if (outage.cuts.length < MAX_CUTS) outage.cuts.push(this.#cutOf(batch))
    this.#planner.takeBackGap(batch)
    this.#ports.supply.discard(batch.segment)
  }

  #cutOf({ segment }: Batch): Outage['cuts'][number] {
    return { segment: segment.number, offset: segment.offset, firstIndex: this.#durable }
  }
}

function unavailable(why: string): GatewayError {
  return new GatewayError('SP_TRAIL_UNAVAILABLE', why)
}
