import type { Checkpoint } from './checkpoint.ts'
import type { Cut } from './record.ts'
import type { VerifierKey } from './verifier-key.ts'

/** What the check found, as a whole. `undecided`: what was given does not suffice to tell. */
export type Verdict = 'intact' | 'altered' | 'incomplete' | 'undecided'

/** What is wrong; callers switch on it, so codes are added and never renamed. */
export type FindingCode =
  | 'key-missing'
  | 'key-unknown'
  | 'key-malformed'
  | 'checkpoint-missing'
  | 'checkpoint-changed'
  | 'known-checkpoint-unusable'
  | 'rolled-back'
  | 'forked'
  | 'log-short'
  | 'bundle-missing'
  | 'bundle-changed'
  | 'record-changed'
  | 'record-copied'
  | 'record-moved'
  | 'record-missing'
  | 'record-of-another-log'
  | 'outcome-without-intent'
  | 'outcome-repeated'
  | 'payload-missing'
  | 'payload-changed'
  | 'payload-unexpected'
  | 'tile-missing'
  | 'tile-changed'
  | 'root-changed'
  | 'file-unreadable'
  | 'pack-changed'
  | 'pack-file-missing'
  | 'pack-file-unexpected'
  | 'pack-file-changed'
  | 'pack-inconsistent'
  | 'period-incomplete'
  | 'table-changed'
  | 'policy-changed'
  | 'check-unfinished'

/** The first thing that is wrong. */
export interface Finding {
  readonly code: FindingCode
  readonly verdict: Exclude<Verdict, 'intact'>
  /** One sentence that names the record and what happened to it. */
  readonly message: string
  /** The record where it begins. */
  readonly record?: number
  /** The record where it ends, when it is not known more exactly. */
  readonly lastRecord?: number
  /** The file in which it was seen, relative to the trail's folder. */
  readonly file?: string
  /** All records below this one were shown to be those that were signed. */
  readonly intactBefore?: number
}

/** A gap that the log itself declares. */
export interface DeclaredGap {
  readonly record: number
  /** The time of the record before, and of this one. */
  readonly fromMs: number | undefined
  readonly untilMs: number | undefined
  readonly cuts: readonly Cut[]
}

/** Time that runs backwards from one record to the next by more than the tolerance. */
export interface ClockSteps {
  readonly count: number
  readonly firstRecord: number
  readonly largestMs: number
}

/** What was counted on the way. */
export interface VerificationCounts {
  readonly records: number
  readonly tiles: number
  readonly payloads: number
  readonly outcomes: number
  /** Intents without an outcome: refused, or in flight when the log ends. */
  readonly openIntents: number
}

/** Where the key came from that the signatures were checked with. */
export type KeyOrigin = 'given' | 'folder'

/** How the check against the checkpoint that the caller holds went. */
export interface KnownCheckpointCheck {
  readonly size: number
  readonly isConsistent: boolean
}

/** The result of checking a trail. */
export interface Verification {
  readonly verdict: Verdict
  readonly finding: Finding | undefined
  readonly checkpoint: Checkpoint | undefined
  readonly key: VerifierKey | undefined
  readonly keyOrigin: KeyOrigin | undefined
  /** Absent when none was given: then nothing shows that this is the newest state. */
  readonly known: KnownCheckpointCheck | undefined
  readonly counts: VerificationCounts
  /** At most the first 100. */
  readonly gaps: readonly DeclaredGap[]
  readonly gapCount: number
  readonly clockSteps: ClockSteps | undefined
}
