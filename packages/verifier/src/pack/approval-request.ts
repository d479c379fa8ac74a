import type { HeldOperation } from './held-operation.ts'
import type { JsonObject } from './members.ts'

/** An answer to a request, or one that was refused. */
export interface Answer {
  readonly record: number
  readonly answer: 'approve' | 'deny'
  /** The id of who answered. */
  readonly by: string
  /** The groups of the need that they were in. */
  readonly groups: readonly string[]
  readonly leaf: JsonObject
  readonly isRefused: boolean
}

/** A request for approval, as the records of the pack have it. */
export interface Request {
  readonly ref: string
  /** The first record of its opening or of an answer: all of them say what it is bound to. */
  first: JsonObject | undefined
  /** The number and the leaf of the record that it was opened by; absent when that lies before the pack. */
  opened: { readonly record: number; readonly leaf: JsonObject } | undefined
  /** The operation that was held; absent when its record lies before the pack. */
  held: HeldOperation | undefined
  /** What was asked exactly, as far as it is shown; absent unless it is disclosed. */
  statement: string | undefined
  readonly answers: Answer[]
  expired: number | undefined
  withdrawn: number | undefined
  /** The operations that ran under it. */
  readonly uses: number[]
}

/** The answers that say yes and were taken. */
export function approvalsOf({ answers }: Request): readonly Answer[] {
  return answers.filter(({ answer, isRefused }) => answer === 'approve' && !isRefused)
}
