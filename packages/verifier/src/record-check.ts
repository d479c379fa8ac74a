import { VerifierError } from './errors.ts'
import { OpenIntents } from './open-intents.ts'
import { parseRecord, type PayloadCommitment, type RecordFacts } from './record.ts'
import type { ClockSteps, DeclaredGap } from './verification.ts'

/** What is wrong with one record, seen from that record alone and those before it. */
export type RecordProblem =
  | { readonly kind: 'malformed'; readonly reason: string }
  | { readonly kind: 'sequence'; readonly claimed: number | undefined }
  | { readonly kind: 'log-name'; readonly name: string }
  | { readonly kind: 'intent'; readonly intent: number }

/** One record, checked. */
export interface CheckedRecord {
  readonly problem: RecordProblem | undefined
  readonly payload: PayloadCommitment | undefined
}

/** How many gaps are kept to be listed; all are counted. */
const LISTED_GAPS = 100

/** Clocks are slewed and records of one commit stamped apart: less than this backwards says nothing. */
const CLOCK_TOLERANCE_MS = 1000

/** Checks the records of a log one after the other, from the first. */
export class RecordCheck {
  readonly #origin: string
  readonly #open = new OpenIntents()
  readonly #gaps: DeclaredGap[] = []
  #gapCount = 0
  #outcomes = 0
  #lastMs: number | undefined
  #clockSteps: ClockSteps | undefined

  constructor(origin: string) {
    this.#origin = origin
  }

  get openIntents(): number {
    return this.#open.count
  }

  get outcomes(): number {
    return this.#outcomes
  }

  get gaps(): readonly DeclaredGap[] {
    return this.#gaps
  }

  get gapCount(): number {
    return this.#gapCount
  }

  get clockSteps(): ClockSteps | undefined {
    return this.#clockSteps
  }

  /** Checks the record at `index`; the one after a problem is not to be asked for, as its meaning hangs on this one. */
  check(index: number, entry: Uint8Array): CheckedRecord {
    const facts = factsOrReason(entry)
    if (typeof facts === 'string') return { problem: { kind: 'malformed', reason: facts }, payload: undefined }
    const problem = this.#problemOf(index, facts)
    if (problem === undefined) this.#note(index, facts)
    return { problem, payload: facts.payload }
  }

  #problemOf(index: number, facts: RecordFacts): RecordProblem | undefined {
    if (facts.sequence !== index) return { kind: 'sequence', claimed: facts.sequence }
    if (facts.logName !== undefined && facts.logName !== this.#origin) return { kind: 'log-name', name: facts.logName }
    if (facts.phase === 'intent') this.#open.add(index)
    if (facts.intent !== undefined) {
      if (!this.#open.take(facts.intent)) return { kind: 'intent', intent: facts.intent }
      this.#outcomes += 1
    }
    return undefined
  }

  #note(index: number, { lifecycle, cuts, timeMs }: RecordFacts): void {
    if (cuts.length > 0 || lifecycle === 'gap') {
      this.#gapCount += 1
      if (this.#gaps.length < LISTED_GAPS)
        this.#gaps.push({ record: index, fromMs: this.#lastMs, untilMs: timeMs, cuts })
    }
    if (timeMs === undefined) return
    const backMs = (this.#lastMs ?? timeMs) - timeMs
    if (backMs > CLOCK_TOLERANCE_MS) {
      const { count = 0, firstRecord = index, largestMs = 0 } = this.#clockSteps ?? {}
      this.#clockSteps = { count: count + 1, firstRecord, largestMs: Math.max(largestMs, backMs) }
    }
    this.#lastMs = timeMs
  }
}

function factsOrReason(entry: Uint8Array): RecordFacts | string {
  try {
    return parseRecord(entry)
  } catch (cause) {
    if (cause instanceof VerifierError) return cause.message
    throw cause
  }
}
