import type { ErrorCode } from './errors.ts'

/** A "no", before a protocol says it in its own words. */
export interface Refusal {
  readonly code: ErrorCode
  /** One line of plain text: what on which resource for whom: why [ref …]. */
  readonly message: string
  /** What to do next. */
  readonly hint?: string
  /** The reference, when the refusal is on record. */
  readonly ref?: string
}
