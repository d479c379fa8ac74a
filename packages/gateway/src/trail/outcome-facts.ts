import { canonicalJson, formatRef, type JsonObject, parseRef } from '#base'
import type { MaskingSummary, Outcome, OutcomeStatus, Scrubber } from '#model'
import { capList, capText, LEAF_BOUNDS } from './bounds.ts'
import { OUTCOME_STATUSES } from './entry.ts'
import type { OutcomeExtra } from './leaf.ts'

/** An outcome as its entry holds it. */
export interface OutcomeFacts {
  readonly status: OutcomeStatus
  readonly rows: number
  readonly bytes: number
  readonly durationMs: number
  readonly digest?: Buffer
  readonly extra: Buffer
}

const NOTHING = Buffer.alloc(0)
const HEX_DIGEST = /^[0-9a-f]{64}$/
const MAX_ERROR_CODE_BYTES = 128

/**
 * What an outcome contributes to its record. An outcome is handed over when everything has happened, so it is never refused: what has no form in
 * a record (a negative count, half a character) is brought into one.
 */
export function outcomeFacts(outcome: Outcome, scrubber: Scrubber): OutcomeFacts {
  const extra = extraFacts(outcome, scrubber)
  const { digest } = outcome
  return {
    // A status that this version does not know is one whose meaning is not known.
    status: OUTCOME_STATUSES.includes(outcome.status) ? outcome.status : 'lost',
    rows: countOf(outcome.rows),
    bytes: countOf(outcome.bytes),
    durationMs: countOf(outcome.durationMs),
    ...(digest !== undefined && HEX_DIGEST.test(digest) ? { digest: Buffer.from(digest, 'hex') } : {}),
    extra: Object.keys(extra).length === 0 ? NOTHING : Buffer.from(canonicalJson(extra)),
  }
}

function extraFacts({ errorCode, masking, request }: Outcome, scrubber: Scrubber): OutcomeExtra {
  const asked = request === undefined ? undefined : parseRef(request)
  return {
    ...(errorCode === undefined ? {} : { error_code: capText(textOf(errorCode, scrubber), MAX_ERROR_CODE_BYTES) }),
    ...(asked === undefined ? {} : { request: formatRef(asked) }),
    ...(masking === undefined ? {} : maskingFacts(masking, scrubber)),
  }
}

function maskingFacts(masking: MaskingSummary, scrubber: Scrubber): OutcomeExtra {
  const columns = masking.columns.map(({ name, rule, seen, masked }): JsonObject => ({
    masked: countOf(masked),
    name: textOf(name, scrubber),
    rule: textOf(rule, scrubber),
    seen: countOf(seen),
  }))
  const kept = capList(columns, LEAF_BOUNDS.masking)
  const ruleset = capText(masking.ruleset.toWellFormed(), LEAF_BOUNDS.reason)
  return { masking: { columns: kept, ruleset }, ...(kept.length < columns.length ? { truncated: ['masking'] } : {}) }
}

function textOf(text: string, scrubber: Scrubber): string {
  return scrubber.scrubText(text.toWellFormed())
}

function countOf(value: number): number {
  const count = Math.round(value)
  return Number.isSafeInteger(count) && count > 0 ? count : 0
}
