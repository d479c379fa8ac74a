/**
 * What the names of prepared statements and portals mean on the server, at the time a message that uses one is decided.
 *
 * A permit is for a text, a Bind or Execute says only a name: so the meaning has to be certain before it is decided. Three things are known:
 *
 * - what the server has confirmed (ParseComplete, BindComplete, CloseComplete);
 * - what stands earlier in the same batch up to a Sync: either it succeeded, or the server skips everything up to that Sync, so within one
 *   such batch the latest meaning is certain;
 * - what stands in earlier batches whose ReadyForQuery has not come: there a Parse may have failed and the old meaning (or none) hold.
 *   A name touched there is *uncertain*, and whoever uses it waits.
 *
 * The server never knows a name that is not confirmed here or touched, since only what is forwarded gives names (SQL's PREPARE and
 * DECLARE are refused); it may have forgotten one (DEALLOCATE, a portal whose transaction ended), which makes an error there, never another
 * meaning.
 */
import type { Bytes, Json } from '#base'
import type { ResultColumn } from '#model'
import type { ClassifiedStatement } from './classifier.ts'
import type { ColumnDescription, Format } from './codec/index.ts'

/** A prepared statement. */
export interface PreparedStatement {
  readonly name: string
  readonly text: string
  /** Undefined for an empty text, which has no effect. */
  classified: ClassifiedStatement | undefined
  /** As the client declared them; 0 or missing where open. */
  readonly declaredTypes: readonly number[]
  /** As the client declared them, then as the server described them; 0 or missing where open. */
  parameterTypes: readonly number[]
  /**
   * Its result, once described. PostgreSQL fixes names and types for the statement's life ("cached plan must not change result type"), but not
   * from which table they come.
   */
  description: StatementDescription | undefined
}

/** What a statement gives back: columns, or no rows at all. */
type StatementDescription =
  | { readonly kind: 'rows'; readonly columns: readonly ColumnDescription[]; readonly masked: readonly ResultColumn[] }
  | { readonly kind: 'no-rows' }

/** A portal: a statement bound to parameters. */
export interface Portal {
  readonly statement: PreparedStatement
  readonly parameters: readonly Json[]
  /** The parameters byte for byte, for whoever binds an approval to them. */
  readonly exact: () => Bytes
  readonly resultFormats: readonly Format[]
  /** Roughly what it keeps in memory, in bytes. */
  readonly weight: number
}

/** The messages up to and including one Sync (or one simple Query): they succeed in order, or from one on are skipped. */
export class SyncBatch {
  readonly statements: Map<string, PreparedStatement | undefined> = new Map()
  readonly portals: Map<string, Portal | undefined> = new Map()
  /** The client has been given an error: what follows up to its Sync is skipped. */
  isFailed = false
  /** Something of it went upstream: the resource waits for its Sync. */
  isOpenUpstream = false
  /** Its ReadyForQuery has come. */
  isAnswered = false
}

/** What is known of a name. */
export type Meaning<T> =
  { readonly kind: 'known'; readonly value: T } | { readonly kind: 'none' } | { readonly kind: 'uncertain' }

/** One name space: of statements or of portals. */
export class Names<T> {
  readonly #confirmed = new Map<string, T>()
  /** How many unresolved batches touch a name. */
  readonly #unresolved = new Map<string, number>()
  readonly #weigh: (value: T) => number
  /** Weight of what is confirmed. */
  weight = 0

  constructor(weigh: (value: T) => number) {
    this.#weigh = weigh
  }

  /** What is confirmed. */
  values(): Iterable<T> {
    return this.#confirmed.values()
  }

  get size(): number {
    return this.#confirmed.size
  }

  /** What a name means to the next message of a batch; `touched` is what that batch itself says of names so far. */
  meaning(name: string, touched: ReadonlyMap<string, T | undefined>): Meaning<T> {
    if (touched.has(name)) return meaningOf(touched.get(name))
    if (this.#unresolved.has(name)) return { kind: 'uncertain' }
    return meaningOf(this.#confirmed.get(name))
  }

  /** The server said that the name now means this, or nothing. */
  confirm(name: string, value: T | undefined): void {
    const before = this.#confirmed.get(name)
    if (before !== undefined) this.weight -= this.#weigh(before)
    if (value === undefined) {
      this.#confirmed.delete(name)
      return
    }
    this.weight += this.#weigh(value)
    this.#confirmed.set(name, value)
  }

  /** The server forgot them all (portals, at the end of a transaction). */
  clear(): void {
    this.#confirmed.clear()
    this.weight = 0
  }

  /** A batch was closed by its Sync and is not answered yet. */
  suspend(touched: ReadonlyMap<string, unknown>): void {
    for (const name of touched.keys()) this.#unresolved.set(name, (this.#unresolved.get(name) ?? 0) + 1)
  }

  /** The batch's ReadyForQuery came. */
  resolve(touched: ReadonlyMap<string, unknown>): void {
    for (const name of touched.keys()) {
      const left = (this.#unresolved.get(name) ?? 0) - 1
      if (left > 0) this.#unresolved.set(name, left)
      else this.#unresolved.delete(name)
    }
  }
}

function meaningOf<T>(value: T | undefined): Meaning<T> {
  return value === undefined ? { kind: 'none' } : { kind: 'known', value }
}

/** Statements and portals of one session. */
export class SessionNames {
  readonly statements: Names<PreparedStatement> = new Names((statement) => 2 * statement.text.length + 256)
  readonly portals: Names<Portal> = new Names((portal) => portal.weight)

  /** A batch was closed by its Sync. */
  suspend(batch: SyncBatch): void {
    this.statements.suspend(batch.statements)
    this.portals.suspend(batch.portals)
  }

  /** A batch's ReadyForQuery came. */
  resolve(batch: SyncBatch): void {
    batch.isAnswered = true
    this.statements.resolve(batch.statements)
    this.portals.resolve(batch.portals)
  }
}
