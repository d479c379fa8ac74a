import { z } from 'zod'
import type { InclusionProof, SignedHead } from '#model/read'
import type { API_VERSION, RecordView } from './contract.ts'

/** Paging of `GET /sessions/ID/transcript`. */
export const transcriptPaging: z.ZodType<TranscriptPaging> = z.strictObject({
  after: z.coerce.number().int().min(-1).default(-1),
  limit: z.coerce.number().int().min(1).max(500).default(200),
})

/** Records with a number above this one; at most this many. */
export interface TranscriptPaging {
  readonly after: number
  readonly limit: number
}

/** `GET /sessions/ID/transcript`: what happened in a session, in order, a page of it. */
export interface Transcript {
  readonly apiVersion: typeof API_VERSION
  readonly kind: 'Transcript'
  readonly session: string
  readonly entries: readonly TranscriptEntry[]
  /** Names of the persons in the records, by stable id, as far as the roster still has them. */
  readonly names: Readonly<Record<string, string>>
  /** Whether the reader may see payloads. */
  readonly payloads: 'opened' | 'not-permitted'
  /** The signed head that the proofs lead to. */
  readonly head: SignedHead
  /** The record of this reading. */
  readonly ref: string
  /** `after` of the next page; absent when this is the last. */
  readonly next?: number
}

/** One record of a session: an operation with its outcome, or an event. */
export interface TranscriptEntry extends RecordView {
  /** The exact statement or arguments, card data replaced, as JSON text; absent when it is not shown or its key was erased. */
  readonly payload?: string
  /** The inclusion proof of the record; absent when the head does not cover it yet. */
  readonly proof?: InclusionProof
  /** That of its outcome. */
  readonly outcomeProof?: InclusionProof
  /** The records of the request for approval that it was held for or ran under, in order. */
  readonly request?: readonly RecordView[]
  /** Of a tool call: what the MCP server sent because of it, in whatever session, in order. */
  readonly caused?: readonly TranscriptEntry[]
  /** How many more there are than are shown. */
  readonly moreCaused?: boolean
}
