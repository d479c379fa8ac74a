import { setTimeout as delay } from 'node:timers/promises'
import { type NoteSigner, packNoteText, signNote } from '@sallyport/verifier'
import type { Bytes } from '#base'
import { type EventEntry, GatewayError, type IntentEntry, type Log, type OutcomeEntry, type Receipt } from '#model'
import type { PayloadKeys } from '#model/read'
import type { Board } from './board.ts'
import { dayOf, type DayKeys } from './day-keys.ts'
import type { FolderLock } from './folder-lock.ts'
import type { ItemMaker } from './items.ts'
import { LagMeter, lagShare, mustRefuse, throttleFor } from './lag.ts'
import type { TrailLimits } from './limits.ts'
import type { Availability, CheckpointNews, Trail, TrailOptions, TrailStanding } from './options.ts'
import type { Outage, OutageCause } from './outage.ts'
import type { OwnRecords } from './own-records.ts'
import type { SequencerReport } from './sequencer-loop.ts'
import type { HostListener, SequencerHost } from './sequencer-thread.ts'
import type { Counts, WriteAhead } from './write-ahead.ts'

/** Outcomes wait at most this long for a commit of somebody else's. */
const TICK_MS = 250
/** How long after the last one a checkpoint may be signed, unless the options say otherwise. */
const CHECKPOINT_MS = 1_000
/** An outage is tried to be ended this often. */
const PROBE_MS = 1_000
/** How long closing waits for the disk, and then for the sequencer. */
const CLOSE_TIMEOUT_MS = 10_000
/** How often the log says again that the sequencer is behind. */
const ALARM_MS = 10_000

/** What a trail is made of. */
export interface TrailParts {
  readonly options: TrailOptions
  readonly limits: TrailLimits
  readonly board: Board
  readonly dayKeys: DayKeys
  readonly maker: ItemMaker
  readonly own: OwnRecords
  readonly signer: NoteSigner
  readonly verifierKey: string
  /** The size and the text of the checkpoint that recovery left. */
  readonly published: { readonly size: number }
  readonly lock: FolderLock | undefined
}

/** The trail while it runs: hands calls to the write-ahead, watches the sequencer, and says how both stand. */
export class RunningTrail implements Trail, HostListener {
  readonly #parts: TrailParts
  readonly #log: Log
  readonly #lag = new LagMeter()
  readonly #checkpointListeners = new Set<(news: CheckpointNews) => void>()
  readonly #availabilityListeners = new Set<(availability: Availability) => void>()
  #writeAhead: WriteAhead | undefined
  #host: SequencerHost | undefined
  #timers: readonly NodeJS.Timeout[] = []
  /** An outage of the sequencer's. */
  #suspension: Outage | undefined
  #size: number
  #checkpointTimeMs = 0
  #lagMs = 0
  #alarmedMs = -Infinity
  #beatMs: number
  #probedMs = 0
  #beaten: Counts = { records: 0, intents: 0, outcomes: 0, events: 0, refused: 0 }
  #closing: Promise<void> | undefined

  constructor(parts: TrailParts) {
    this.#parts = parts
    this.#log = parts.options.log
    this.#size = parts.published.size
    this.#beatMs = parts.options.clock.monotonicMs()
  }

  /** Begins its work; the write-ahead has its first records. */
  run(writeAhead: WriteAhead, host: SequencerHost): void {
    this.#writeAhead = writeAhead
    this.#host = host
    const { board, options } = this.#parts
    this.#timers = [
      setInterval(() => this.#tick(), TICK_MS),
      setInterval(() => board.callForCheckpoint(), options.checkpointMs ?? CHECKPOINT_MS),
    ]
    // Not a reason to keep a process alive that has nothing else to do.
    for (const timer of this.#timers) timer.unref()
  }

  get payloadKeys(): PayloadKeys {
    return this.#parts.dayKeys
  }

  async record(entries: readonly (IntentEntry | EventEntry)[]): Promise<readonly Receipt[]> {
    const writeAhead = this.#writeAhead
    if (this.#closing !== undefined || writeAhead === undefined) throw unavailable('the trail is closed')
    if (this.#suspension !== undefined) {
      writeAhead.refuse(entries.length, this.#suspension)
      throw unavailable(`the trail is paused: ${this.#suspension.cause}`)
    }
    if (entries.length === 0) return []
    return writeAhead.record(this.#items(entries))
  }

  conclude(entry: OutcomeEntry): void {
    this.#writeAhead?.conclude(entry)
  }

  status(): TrailStanding {
    const { options, verifierKey } = this.#parts
    const outage = this.#writeAhead?.outage ?? this.#suspension
    return {
      origin: options.origin,
      durable: this.#durable,
      size: this.#size,
      checkpointTimeMs: this.#checkpointTimeMs,
      lagMs: this.#measureLag(),
      lagRecords: this.#lagRecords,
      writable: outage === undefined && this.#closing === undefined,
      ...(outage === undefined ? {} : { outage: outage.cause }),
      verifierKey,
    }
  }

  signPack(manifestSha256: string): Bytes {
    const { options, signer } = this.#parts
    return signNote(packNoteText(options.origin, manifestSha256), [signer])
  }

  onCheckpoint(listener: (news: CheckpointNews) => void): () => void {
    this.#checkpointListeners.add(listener)
    return () => this.#checkpointListeners.delete(listener)
  }

  onAvailability(listener: (availability: Availability) => void): () => void {
    this.#availabilityListeners.add(listener)
    return () => this.#availabilityListeners.delete(listener)
  }

  async eraseDay(day: string): Promise<readonly string[]> {
    const { board, dayKeys, options } = this.#parts
    if (day >= dayOf(options.clock.nowMs())) throw new RangeError('a day that is not over cannot be erased')
    // The segment that is being written and the one that is ready are of yesterday until a moment after midnight.
    const isInUse = this.#writeAhead?.keyIds.some((id) => id.startsWith(day)) ?? false
    if (isInUse || board.position.segment !== board.segment) throw new RangeError('records of that day still wait')
    const erased = await dayKeys.erase(day)
    for (const id of erased) this.#host?.dropDayKey(id)
    return erased
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** The write-ahead is durable up to a position. */
  durable(position: Board['position']): void {
    this.#parts.board.position = position
    this.#watchLag()
  }

  /** The write-ahead's outage began or ended. */
  availability(outage: Outage | undefined): void {
    this.#announce(outage ?? this.#suspension)
  }

  /** What the sequencer says. */
  report(report: SequencerReport): void {
    switch (report.kind) {
      case 'checkpoint': {
        this.#size = report.size
        this.#checkpointTimeMs = this.#parts.options.clock.nowMs()
        const news = { size: report.size, text: report.text, timeMs: this.#checkpointTimeMs }
        this.#tell(this.#checkpointListeners, news)
        return
      }
      case 'ready':
        if (this.#suspension?.cause === 'sequencer-died') this.#resume()
        return
      case 'trouble':
        this.#log.error('trail.sequencer_trouble', { error: report.error })
        return
      case 'refused':
        this.#log.error('trail.sequencer_refused', { error: report.message })
        this.#suspend('sequencer-died', 'SP_TRAIL_TAMPERED')
        return
      case 'stopped':
        return
      default:
        report satisfies never
    }
  }

  /** The sequencer's thread is gone, and nobody asked it to go. */
  died(error: string): void {
    this.#log.error('trail.sequencer_died', { error })
    this.#suspend('sequencer-died', 'ERR_WORKER')
  }

  #items(entries: readonly (IntentEntry | EventEntry)[]): ReturnType<ItemMaker['record']>[] {
    try {
      return entries.map((entry) => this.#parts.maker.record(entry))
    } catch (error) {
      this.#log.error('trail.record_refused', { error: error instanceof Error ? error.message : String(error) })
      throw error
    }
  }

  get #durable(): number {
    return this.#writeAhead?.durable ?? this.#size
  }

  get #lagRecords(): number {
    return Math.max(0, this.#durable - this.#parts.board.integrated)
  }

  #measureLag(): number {
    const { board, options } = this.#parts
    this.#lagMs = Math.round(this.#lag.measure(this.#durable, board.integrated, options.clock.monotonicMs()))
    return this.#lagMs
  }

  /** Slows writers down when the sequencer is behind, and refuses them at the limit. */
  #watchLag(): void {
    const { board, limits } = this.#parts
    const segments = board.position.segment - board.segment
    const share = lagShare({ records: this.#lagRecords, segments }, limits)
    if (this.#writeAhead !== undefined) this.#writeAhead.throttleMs = throttleFor(share)
    const isRefusing = this.#suspension?.cause === 'behind'
    if (mustRefuse(share, isRefusing) === isRefusing) return
    if (isRefusing) this.#resume()
    else this.#suspend('behind', `${this.#lagRecords} records`)
  }

  #suspend(cause: OutageCause, error: string): void {
    if (this.#suspension !== undefined && this.#suspension.cause !== 'behind') return
    const begun = this.#suspension
    this.#suspension = {
      cause,
      error,
      sinceMs: begun?.sinceMs ?? this.#parts.options.clock.nowMs(),
      refused: begun?.refused ?? 0,
      cuts: [],
    }
    this.#log.error('trail.unavailable', { cause, error })
    this.#announce(this.#suspension)
  }

  #resume(): void {
    const suspension = this.#suspension
    if (suspension === undefined) return
    this.#suspension = undefined
    this.#writeAhead?.note(this.#parts.own.gap(suspension, this.#parts.board.position.segment))
    this.#log.info('trail.available', { refused: suspension.refused })
    this.#announce(this.#writeAhead?.outage)
  }

  #announce(outage: Outage | undefined): void {
    const availability: Availability =
      outage === undefined ? { writable: true } : { writable: false, cause: outage.cause }
    this.#tell(this.#availabilityListeners, availability)
  }

  /** What listeners do with the news is not the trail's: one that throws must not stop a commit. */
  #tell<News>(listeners: Iterable<(news: News) => void>, news: News): void {
    for (const listener of listeners) {
      try {
        listener(news)
      } catch (error) {
        this.#log.error('trail.listener_failed', { error: error instanceof Error ? error.message : String(error) })
      }
    }
  }

  #tick(): void {
    const writeAhead = this.#writeAhead
    if (writeAhead === undefined) return
    const now = this.#parts.options.clock.monotonicMs()
    writeAhead.tick()
    if (writeAhead.outage !== undefined && now - this.#probedMs >= PROBE_MS) {
      this.#probedMs = now
      void writeAhead.probe()
    }
    this.#watchLag()
    if (this.#measureLag() > this.#parts.limits.lagAlarmMs && now - this.#alarmedMs >= ALARM_MS) {
      this.#alarmedMs = now
      this.#log.warn('trail.sequencer_behind', { lagMs: this.#lagMs, records: this.#lagRecords })
    }
    if (writeAhead.outage === undefined && now - this.#beatMs >= (this.#parts.options.heartbeatMs ?? 60_000))
      this.#beat(writeAhead, now)
  }

  #beat(writeAhead: WriteAhead, nowMs: number): void {
    const { counts } = writeAhead
    const former = this.#beaten
    const details = {
      checkpoint: this.#size,
      events: counts.events - former.events,
      expected_ms: this.#parts.options.heartbeatMs ?? 60_000,
      intents: counts.intents - former.intents,
      lag_ms: this.#lagMs,
      monotonic_ms: Math.floor(nowMs),
      outcomes: counts.outcomes - former.outcomes,
      records: counts.records - former.records,
      refused: counts.refused - former.refused,
    }
    this.#beaten = { ...counts }
    this.#beatMs = nowMs
    writeAhead.note(this.#parts.own.heartbeat(details))
  }

  async #close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    const writeAhead = this.#writeAhead
    try {
      if (writeAhead !== undefined && writeAhead.outage === undefined) {
        await Promise.race([this.#drain(writeAhead), delay(CLOSE_TIMEOUT_MS, undefined, { ref: false })])
      }
      await this.#host?.stop(CLOSE_TIMEOUT_MS)
      await writeAhead?.close()
    } finally {
      this.#parts.lock?.[Symbol.dispose]()
    }
  }

  async #drain(writeAhead: WriteAhead): Promise<void> {
    try {
      // The outcomes that wait are part of the same or an earlier commit.
      await writeAhead.record([this.#parts.own.stop(writeAhead.counts)])
    } catch (error) {
      this.#log.warn('trail.stop_not_recorded', { error: error instanceof Error ? error.message : String(error) })
    }
  }
}

function unavailable(why: string): GatewayError {
  return new GatewayError('SP_TRAIL_UNAVAILABLE', why)
}
