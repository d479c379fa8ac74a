import { countAt, type JsonObject, textAt, utc, valueAt } from './members.ts'
import type { Table } from './table.ts'

/** One line of the completeness statement. */
export interface Statistic {
  readonly what: string
  readonly value: string | number | null
  readonly explanation: string
}

/** Artifact 4: that nothing is missing, as far as numbers can say it. */
export const COMPLETENESS: Table<Statistic> = {
  name: '4-completeness',
  artifact: 4,
  title: 'Completeness: which numbers there are, which gaps the trail declares, how often it said that it was alive',
  query: 'counted over all records of the pack, from the first to the last',
  columns: [
    { name: 'what', from: 'what is counted', of: ({ what }) => what },
    { name: 'value', from: 'the number', of: ({ value }) => value },
    { name: 'explanation', from: 'what it means', of: ({ explanation }) => explanation },
  ],
}

/** A gap that the trail declares. */
export interface PackGap {
  readonly record: number
  /** The time of the record before, and of this one. */
  readonly from: string | null
  readonly until: string | null
  /** Entries that were refused meanwhile. */
  readonly refused: number
}

/** An end of the gateway that it did not record: a crash, a kill, a loss of power. */
export interface PackCrash {
  /** The record of the start that followed. */
  readonly record: number
  /** The time of the last record before, and of this one. */
  readonly from: string | null
  readonly until: string | null
  /** Records that were durable before, but in no signed head yet. */
  readonly unsigned: number
  /** Operations that were under way. */
  readonly open: number
}

/** Gaps and crashes that are kept to be listed; all are counted. */
const LISTED = 100

/** Records of one commit are stamped apart and clocks are slewed: less than this backwards says nothing. */
const CLOCK_TOLERANCE_MS = 1_000
/** How often a trail says that it is alive, where no heartbeat says otherwise. */
const HEARTBEAT_MS = 60_000

/** Counts what the completeness statement says. */
export class Completeness {
  #first: number | undefined
  #last = -1
  #missing = 0
  readonly #gaps: PackGap[] = []
  readonly #crashes: PackCrash[] = []
  readonly #counts = { intent: 0, outcome: 0, event: 0, start: 0, stop: 0, heartbeat: 0, gap: 0, cut: 0, crash: 0 }
  readonly #atCrashes = { unsigned: 0, unknown: 0, refused: 0 }
  #before: string | null | undefined
  #refusedInGaps = 0
  #lastMs: number | undefined
  #clockSteps = 0
  #largestStepMs = 0
  /** Since when the gateway runs without a break, as far as the records say. */
  #runSinceMs: number | undefined
  #intervalMs = HEARTBEAT_MS
  #expectedHeartbeats = 0
  #longestSilenceMs = 0
  #silenceBefore: number | undefined
  #earlierOutcomes = 0
  #firstMs: number | null = null

  /** The first hundred. */
  get gaps(): readonly PackGap[] {
    return this.#gaps
  }

  /** The first hundred. */
  get crashes(): readonly PackCrash[] {
    return this.#crashes
  }

  take(record: number, leaf: JsonObject): void {
    if (this.#first === undefined) this.#first = record
    else this.#missing += record - this.#last - 1
    this.#last = record
    const timeMs = countAt(leaf, 'time')
    const lifecycle = textAt(leaf, 'unmapped', 'lifecycle')
    const isCut = valueAt(leaf, 'unmapped', 'cut') !== undefined
    if ((lifecycle === 'gap' || isCut) && this.#gaps.length < LISTED) {
      const refused = countAt(leaf, 'unmapped', 'details', 'refused') ?? 0
      this.#gaps.push({ record, from: utc(this.#lastMs ?? null), until: utc(timeMs), refused })
    }
    if (lifecycle === 'start' && this.#before !== undefined && this.#before !== 'stop')
      this.#takeCrash(record, leaf, timeMs)
    this.#before = lifecycle
    if (timeMs !== null) this.#takeTime(record, timeMs, lifecycle)
    const phase = textAt(leaf, 'unmapped', 'phase')
    if (phase === 'intent' || phase === 'outcome') this.#counts[phase] += 1
    else this.#counts.event += 1
    if (phase === 'outcome' && valueAt(leaf, 'unmapped', 'recovered') === true)
      this.#atCrashes[textAt(leaf, 'unmapped', 'status') === 'unknown' ? 'unknown' : 'refused'] += 1
    if (lifecycle !== null) this.#takeLifecycle(lifecycle, leaf, timeMs)
    if (isCut) this.#counts.cut += 1
  }

  /** A start behind anything but a stop. What was signed when the gateway ended, the start says itself. */
  #takeCrash(record: number, leaf: JsonObject, timeMs: number | null): void {
    const unsigned = countAt(leaf, 'unmapped', 'details', 'recovered') ?? 0
    const open = countAt(leaf, 'unmapped', 'details', 'open') ?? 0
    this.#counts.crash += 1
    this.#atCrashes.unsigned += unsigned
    if (this.#crashes.length < LISTED)
      this.#crashes.push({ record, from: utc(this.#lastMs ?? null), until: utc(timeMs), unsigned, open })
  }

  /** An outcome of an operation that was asked before the first record. */
  noteEarlier(): void {
    this.#earlierOutcomes += 1
  }

  #takeTime(record: number, timeMs: number, lifecycle: string | null): void {
    this.#firstMs ??= timeMs
    this.#runSinceMs ??= timeMs
    const since = this.#lastMs
    this.#lastMs = timeMs
    if (since === undefined) return
    if (since - timeMs > CLOCK_TOLERANCE_MS) {
      this.#clockSteps += 1
      this.#largestStepMs = Math.max(this.#largestStepMs, since - timeMs)
    }
    // Before a start nobody was there to be heard.
    if (lifecycle !== 'start' && timeMs - since > this.#longestSilenceMs) {
      this.#longestSilenceMs = timeMs - since
      this.#silenceBefore = record
    }
    if (lifecycle === 'start') this.#endRun(since)
  }

  #endRun(untilMs: number): void {
    if (this.#runSinceMs !== undefined)
      this.#expectedHeartbeats += Math.max(0, Math.floor((untilMs - this.#runSinceMs) / this.#intervalMs))
    this.#runSinceMs = undefined
  }

  #takeLifecycle(lifecycle: string, leaf: JsonObject, timeMs: number | null): void {
    if (lifecycle === 'start' || lifecycle === 'stop' || lifecycle === 'heartbeat' || lifecycle === 'gap')
      this.#counts[lifecycle] += 1
    if (lifecycle === 'start') this.#runSinceMs = timeMs ?? undefined
    if (lifecycle === 'gap') this.#refusedInGaps += countAt(leaf, 'unmapped', 'details', 'refused') ?? 0
    if (lifecycle === 'heartbeat')
      this.#intervalMs = Math.max(1, countAt(leaf, 'unmapped', 'details', 'expected_ms') ?? this.#intervalMs)
  }

  /** The statement; `unended`: operations that had not ended with the last record. */
  statement(unended: number): readonly Statistic[] {
    if (this.#lastMs !== undefined) this.#endRun(this.#lastMs)
    const { intent, outcome, event, start, stop, heartbeat, gap, cut, crash } = this.#counts
    const { unsigned, unknown, refused } = this.#atCrashes
    const line = (what: string, value: Statistic['value'], explanation: string): Statistic => ({
      what,
      value,
      explanation,
    })
    return [
      line('first record', this.#first ?? null, 'its number; the log numbers from 0'),
      line('last record', this.#last, 'its number'),
      line('records', intent + outcome + event, 'how many there are'),
      line('missing numbers', this.#missing, 'between the first and the last; must be 0'),
      line('first time', utc(this.#firstMs), 'of the first record, by the clock of the gateway'),
      line('last time', utc(this.#lastMs ?? null), 'of the last record'),
      line('operations asked', intent, 'records of intents'),
      line('operations ended', outcome, 'records of outcomes'),
      line('ended, asked before the first record', this.#earlierOutcomes, 'their intents are in the time before'),
      line('asked, not ended with the last record', unended, 'their outcomes are in the time after, or they still ran'),
      line('other records', event, 'events and what the trail says of itself'),
      line('heartbeats seen', heartbeat, 'the trail says that it is alive'),
      line(
        'heartbeats expected',
        this.#expectedHeartbeats,
        `one for each ${this.#intervalMs} ms between a start and the last record before the next start`,
      ),
      line(
        'longest silence (ms)',
        this.#longestSilenceMs,
        `between two records while the gateway ran${this.#silenceBefore === undefined ? '' : `, before record ${this.#silenceBefore}`}`,
      ),
      line('starts', start, 'of the gateway'),
      line('stops', stop, 'in order: the last record before the gateway ended'),
      line(
        'crashes',
        crash,
        'starts whose record before, in this pack, is no stop: the gateway had ended without saying so (crash, kill, loss of power)',
      ),
      line(
        'records unsigned at a crash',
        unsigned,
        'they were durable when the gateway ended, but in no signed head yet; the start behind them had them signed (its details: previous, recovered)',
      ),
      line(
        'operations of unknown end',
        unknown,
        'they were let through before a crash, and no outcome is on record: whether they ran, and what they gave out, is not known (outcome unknown)',
      ),
      line(
        'operations refused, said after a crash',
        refused,
        'they were not let through; a crash came before their outcome',
      ),
      line('gaps declared', gap, 'times in which records were refused, and nothing was let through'),
      line('refused in gaps', this.#refusedInGaps, 'entries that were refused in them'),
      line('cuts declared', cut, 'records that say that a torn tail was cut: nothing of it had been acknowledged'),
      line(
        'clock went back',
        this.#clockSteps,
        `times by more than ${CLOCK_TOLERANCE_MS} ms; at most by ${this.#largestStepMs} ms`,
      ),
    ]
  }
}
