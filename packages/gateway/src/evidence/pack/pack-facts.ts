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

/** What is beside the first and the last record: the ends of the log, or a record of another time, which is in the pack too. */
export function edgesOf({ order, span, head }: Pick<PackFacts, 'order' | 'span' | 'head'>): {
  readonly begins: 'log' | 'record'
  readonly ends: 'record' | 'early' | 'log'
} {
  const isNewest = span.last === head.size - 1
  return {
    begins: span.first === 0 ? 'log' : 'record',
    ends: isNewest ? (order.atMs < order.toMs ? 'early' : 'log') : 'record',
  }
}

/** A count of the completeness statement. */
export function counted(completeness: PackStatement['completeness'], what: string): number {
  const value = completeness.find((entry) => entry.what === what)?.value
  return typeof value === 'number' ? value : 0
}
