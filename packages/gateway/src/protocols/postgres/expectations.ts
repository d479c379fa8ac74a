import type { Target } from './codec/index.ts'
import type { Portal, PreparedStatement, SyncBatch } from './names.ts'
import type { PermittedOperation } from './permitted.ts'
import type { ResultPass } from './results.ts'
import type { OriginAnswer } from './upstream/declared.ts'
import type { Words } from './words.ts'

/** A refused statement's stand-in went out: its error is to be replaced by these words. */
export interface StandIn {
  readonly words: Words
  readonly ref: string | undefined
}

/** A message that went upstream and is not answered yet. */
export type Expectation =
  | ExpectQuery
  | {
      readonly kind: 'parse'
      readonly batch: SyncBatch
      readonly statement: PreparedStatement
      readonly permitted: PermittedOperation | undefined
    }
  /** A stand-in in a pipeline; `name` is that of the Parse it stands for, if it was one. */
  | {
      readonly kind: 'standIn'
      readonly batch: SyncBatch
      readonly name: string
      readonly standIn: StandIn
    }
  | {
      readonly kind: 'bind'
      readonly batch: SyncBatch
      readonly name: string
      readonly portal: Portal
      readonly permitted: PermittedOperation | undefined
    }
  | ExpectDescribe
  | ExpectExecute
  | { readonly kind: 'close'; readonly batch: SyncBatch; readonly target: Target; readonly name: string }
  | { readonly kind: 'sync'; readonly batch: SyncBatch }
  | ExpectQuestion

/** A simple Query: any number of results, then ReadyForQuery. */
export interface ExpectQuery {
  readonly kind: 'query'
  readonly batch: SyncBatch
  /** One for each statement that went out. */
  readonly permitted: readonly PermittedOperation[]
  /** Which of them is running. */
  index: number
  /** What stands behind them. */
  readonly standIn?: StandIn
  /** Not the client's: a stand-in that only makes the transaction fail. */
  readonly isOurs?: boolean
  /** Whether the client hears the ReadyForQuery of one of ours. */
  readonly isReadyHeard?: boolean
  hasFailed?: boolean
  hasRows?: boolean
  pass?: ResultPass | undefined
}

export interface ExpectDescribe {
  readonly kind: 'describe'
  readonly batch: SyncBatch
  /** What is described, when the name is known. */
  readonly statement: PreparedStatement | undefined
  /** Not the client's: the answer is for masking alone. */
  readonly isOurs: boolean
}

export interface ExpectExecute {
  readonly kind: 'execute'
  readonly batch: SyncBatch
  readonly portal: Portal
  readonly permitted: PermittedOperation | undefined
  hasRows?: boolean
  pass?: ResultPass | undefined
}

/** Our own question where the declared columns lie, up to its ReadyForQuery; nothing of it is the client's. */
export interface ExpectQuestion {
  readonly kind: 'question'
  readonly batch: SyncBatch
  readonly answer: OriginAnswer
  /** All rows of the answer have come. */
  isComplete?: boolean
  /** SQLSTATE of the error that it was answered with. */
  failed?: string
}

/** A queue that forgets its head without moving the rest each time. */
export class ExpectationQueue {
  #items: { readonly expectation: Expectation; readonly bytes: number }[] = []
  #first = 0
  /** What all of them hold of statements and parameters, in bytes. */
  bytes = 0

  get length(): number {
    return this.#items.length - this.#first
  }

  get head(): Expectation | undefined {
    return this.#items[this.#first]?.expectation
  }

  push(expectation: Expectation, bytes: number): void {
    this.#items.push({ expectation, bytes })
    this.bytes += bytes
  }

  shift(): Expectation | undefined {
    const item = this.#items[this.#first]
    if (item === undefined) return undefined
    this.#first++
    this.bytes -= item.bytes
    if (this.#first >= COMPACT_AT || this.#first === this.#items.length) {
      this.#items = this.#items.slice(this.#first)
      this.#first = 0
    }
    return item.expectation
  }
}

const COMPACT_AT = 1024
