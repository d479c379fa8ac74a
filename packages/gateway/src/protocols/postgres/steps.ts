import type { Bytes } from '#base'
import type { Operation, Refusal } from '#model'
import type { Target } from './codec/index.ts'
import type { Portal, PreparedStatement, SyncBatch } from './names.ts'
import type { PermittedOperation } from './permitted.ts'
import type { Words } from './words.ts'

/** One operation of a plan, and what became of it. */
export interface Slot {
  readonly operation: Operation
  permitted?: PermittedOperation
  refusal?: Refusal
}

/** One statement of a Query: `end` lies behind its last byte in the text. */
export interface QueryPart {
  readonly slot: Slot
  readonly end: number
}

/** One message, understood. `words` refuse it whatever policy says. */
export type Step =
  | {
      readonly kind: 'query'
      readonly batch: SyncBatch
      readonly raw: Bytes
      readonly text: Bytes
      readonly parts: readonly QueryPart[]
      words?: Words
    }
  | ParseStep
  | {
      readonly kind: 'bind'
      readonly batch: SyncBatch
      readonly raw: Bytes
      readonly name: string
      readonly portal: Portal
      readonly slot: Slot | undefined
      words?: Words
    }
  | {
      readonly kind: 'execute'
      readonly batch: SyncBatch
      readonly raw: Bytes
      readonly name: string
      readonly portal: Portal
      readonly slot: Slot | undefined
      words?: Words
    }
  | {
      readonly kind: 'describe'
      readonly batch: SyncBatch
      readonly target: Target
      readonly name: string
      readonly statement: PreparedStatement | undefined
    }
  | { readonly kind: 'close'; readonly batch: SyncBatch; readonly target: Target; readonly name: string }
  /** A message that is not passed on at all. */
  | { readonly kind: 'refused'; readonly batch: SyncBatch; readonly words: Words; readonly slot: Slot | undefined }
  | { readonly kind: 'flush' | 'sync'; readonly batch: SyncBatch }

/** A Parse; its slot is that of the Bind that follows, or its own. */
export interface ParseStep {
  readonly kind: 'parse'
  readonly batch: SyncBatch
  readonly raw: Bytes
  readonly statement: PreparedStatement
  slot: Slot | undefined
  words?: Words
}

/** A batch of messages, understood as far as names are certain. */
export interface Plan {
  readonly steps: readonly Step[]
  /** What needs a permit, in the order of the steps. */
  readonly slots: readonly Slot[]
  /** How many messages it covers. */
  readonly taken: number
  /** Whether the client said goodbye: it is the last message taken. */
  readonly isLast: boolean
}
