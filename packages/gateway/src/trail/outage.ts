import type { JsonObject } from '#base'
import type { Cut } from './lifecycle-facts.ts'

/** Why records are refused for a while. */
export type OutageCause = 'write-failed' | 'write-timeout' | 'no-segment' | 'sequencer-died' | 'behind'

/** A while in which records are refused; it is declared by a `gap` record when it is over. */
export interface Outage {
  readonly cause: OutageCause
  /** The system's code or the kind of error. */
  readonly error: string
  readonly sinceMs: number
  /** Entries that were refused. */
  refused: number
  /** Writes of unknown fate that were left behind. */
  readonly cuts: Cut[]
}

/** The details of a gap record. */
export function gapDetails(outage: Outage, untilMs: number, segment: number): JsonObject {
  return {
    cause: outage.cause,
    error: outage.error,
    from_ms: Math.floor(outage.sinceMs),
    refused: outage.refused,
    segment,
    until_ms: Math.floor(untilMs),
  }
}
