/**
 * Where the declared columns lie, as one session knows it. Results name tables by number, and a table that is made anew (copied and renamed)
 * has a new one, as has a new partition: so the database is asked again from time to time, and when a definition was changed by way of Sallyport.
 *
 * It is asked on the session's own connection, between two transactions and with nothing under way: within one the question would be a statement of
 * the client's transaction, and could take its snapshot before SET TRANSACTION. What a transaction has read nobody can make anew before it
 * ends (PostgreSQL 18, Explicit Locking: DROP TABLE and ALTER TABLE … RENAME wait for ACCESS SHARE).
 */
import type { Clock } from '#base'
import { GatewayError } from '#model'
import type { Declarations } from './columns.ts'
import type { ExpectQuestion } from './expectations.ts'
import { SyncBatch, type SessionNames } from './names.ts'
import type { Outbox } from './outbox.ts'
import { statementWithPartitions } from './partitions.ts'
import type { Responses } from './responses.ts'
import type { PostgresSettings } from './settings.ts'
import { notFound, OriginAnswer } from './upstream/declared.ts'

/** How old the answer may be when a batch begins outside a transaction. */
const MAX_AGE_MS = 30_000
/** A cancellation, meant for what ran before, may hit the question: then it is asked again. */
const MAX_ATTEMPTS = 3
const CANCELLED = '57014'

/** What asking needs. */
export interface Asking {
  readonly outbox: Outbox
  readonly responses: Responses
  readonly names: SessionNames
  /** Whether the session is over: then no answer is waited for. */
  readonly isOver: () => boolean
}

/** What one session knows, and since when. */
export class Whereabouts {
  readonly #settings: PostgresSettings
  readonly #clock: Clock
  #declarations: Declarations
  #askedAtMs: number
  #isDistrusted = false

  /** `declarations` are what was answered just now. */
  constructor(declarations: Declarations, settings: PostgresSettings, clock: Clock) {
    this.#declarations = declarations
    this.#settings = settings
    this.#clock = clock
    this.#askedAtMs = clock.monotonicMs()
  }

  get declarations(): Declarations {
    return this.#declarations
  }

  /** Whether to ask again before anything else is sent. */
  get isOld(): boolean {
    if (this.#settings.declaredColumns.length === 0) return false
    return this.#isDistrusted || this.#clock.monotonicMs() - this.#askedAtMs > MAX_AGE_MS
  }

  /** A definition was changed. */
  distrust(): void {
    this.#isDistrusted = true
  }

  /**
   * Asks again; nothing may be under way.
   *
   * @throws {GatewayError} `SP_UPSTREAM_REFUSED` when the answer is an error, `SP_UPSTREAM_UNREACHABLE` when there is none in the time that
   *   connecting has.
   */
  async renew(asking: Asking): Promise<void> {
    const askedAtMs = this.#clock.monotonicMs()
    this.#isDistrusted = false
    const answer = await this.#ask(asking)
    if (answer === undefined) return
    this.#declarations = answer.declarations
    this.#askedAtMs = askedAtMs
    // PostgreSQL plans a prepared statement anew when its tables have changed: then its columns come from elsewhere.
    for (const statement of asking.names.statements.values()) {
      statement.description = undefined
      statement.classified &&= statementWithPartitions(statement.classified, this.#declarations)
    }
  }

  /** The answer, or undefined when the session ended meanwhile. */
  async #ask({ outbox, responses, isOver }: Asking): Promise<OriginAnswer | undefined> {
    const { declaredColumns, connectTimeoutSeconds } = this.#settings
    const deadline = AbortSignal.timeout(connectTimeoutSeconds * 1000)
    deadline.addEventListener('abort', () => {
      responses.wake()
    })
    for (let attempt = 1; ; attempt += 1) {
      const answer = new OriginAnswer(declaredColumns)
      const question: ExpectQuestion = { kind: 'question', batch: new SyncBatch(), answer }
      outbox.ask(declaredColumns)
      responses.expect(question)
      outbox.flush()
      while (!question.batch.isAnswered && !deadline.aborted && !isOver()) await responses.progress()
      if (isOver()) return undefined
      if (!question.batch.isAnswered) throw new GatewayError('SP_UPSTREAM_UNREACHABLE', 'no answer where columns lie')
      if (question.failed === undefined) return answer
      if (question.failed !== CANCELLED || attempt === MAX_ATTEMPTS) throw notFound(question.failed)
    }
  }
}
