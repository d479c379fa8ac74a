import type { PackStatement, PackTable } from '@sallyport/verifier'
import type { RecordSpan } from '#model/read'
import type { PackHead } from './log-copy.ts'
import type { PackOrder, PolicyInForce } from './sources.ts'

/** What the papers of a pack say about it. */
export interface PackFacts {
  readonly order: PackOrder
  readonly span: RecordSpan
  readonly head: PackHead
  readonly tables: readonly PackTable[]
  readonly policy: PolicyInForce | undefined
  /** What was counted over all records. */
  readonly statement: PackStatement
  /** Payloads that could not be disclosed, because the key of their day was erased. */
  readonly erased: number
}

/** A time for readers. */
export function time(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ')
}

export function number(value: number): string {
  return value.toLocaleString('en-US')
}
