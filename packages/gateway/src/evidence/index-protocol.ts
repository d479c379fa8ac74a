import type { ErrorCode } from '#model'
import type { PolicyUse, RecordQuery, RecordRow, RecordSpan, UseQuery } from '#model/read'

/** What the index worker is started with. */
export interface IndexWorkerData {
  readonly file: string
  readonly directory: string
  readonly origin: string
  readonly size: number
}

/** What the index can be asked. */
export interface IndexQuestions {
  query(query: RecordQuery): readonly RecordRow[]
  record(sequence: number): RecordRow | undefined
  span(fromMs: number, toMs: number, size: number): RecordSpan | undefined
  uses(query: UseQuery): readonly PolicyUse[]
}

/** A question with what it is asked about. */
type Question<Name extends keyof IndexQuestions> = {
  readonly kind: 'ask'
  readonly id: number
  readonly question: Name
  readonly about: Parameters<IndexQuestions[Name]>
}

/** What the worker is told or asked. */
export type IndexRequest =
  | { readonly kind: 'advance'; readonly size: number }
  | { [Name in keyof IndexQuestions]: Question<Name> }[keyof IndexQuestions]
  | { readonly kind: 'close' }

/** What it says. */
export type IndexAnswer =
  | { readonly kind: 'indexed'; readonly indexed: number }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown; readonly indexed: number }
  | { readonly kind: 'failed'; readonly id: number; readonly code: ErrorCode; readonly reason: string }
