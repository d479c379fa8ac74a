import {
  type Approvals,
  type ErrorCode,
  GatewayError,
  type HeldOperation,
  type Log,
  type PendingRequest,
  type Session,
} from '#model'
import { type Asked, type Asking, decide, heldOf, type Taken } from './asking.ts'

/** What became of asking for an approval: a request, or why there is none. */
export type AskedFor = { readonly pending: PendingRequest } | { readonly code: ErrorCode; readonly reason?: string }

/** The held operations of one session's batches, by their place in the batch. */
export class Holds {
  readonly #approvals: Approvals
  readonly #session: Session
  readonly #log: Log

  constructor(approvals: Approvals, session: Session, log: Log) {
    this.#approvals = approvals
    this.#session = session
    this.#log = log
  }

  /** Those that an approval covers, and that policy allows with it. Nothing is taken yet. */
  async covered(batch: readonly Asked[], asking: Asking): Promise<ReadonlyMap<number, HeldOperation>> {
    const covered = new Map<number, HeldOperation>()
    for (const [index, asked] of batch.entries()) {
      const held = heldOf(asked, this.#session)
      const need = held?.decided.decision.need
      if (held === undefined || need === undefined) continue
      if (decide(asked.operation, asking, need).decided.decision.outcome !== 'allow') continue
      if (await this.#approvals.covers(held)) covered.set(index, held)
    }
    return covered
  }

  /** Takes the approvals of those that are covered; of two operations that are the same, the first has it. Durable when it resolves. */
  async take(covered: ReadonlyMap<number, HeldOperation>): Promise<ReadonlyMap<number, Taken>> {
    const taken = new Map<number, Taken>()
    for (const [index, held] of covered) {
      const link = await this.#approvals.take(held)
      const { need } = held.decided.decision
      if (link !== undefined && need !== undefined) taken.set(index, { link, need })
    }
    return taken
  }

  /** Asks for an approval of one that is on record as held. Never rejects: without a request it stays refused. */
  async ask(held: HeldOperation, sequence: number): Promise<AskedFor> {
    try {
      return { pending: await this.#approvals.ask(held, sequence) }
    } catch (error) {
      this.#log.warn('approvals.not_asked', { record: sequence, error: String(error) })
      if (error instanceof GatewayError && error.code === 'SP_BUSY') return { code: 'SP_BUSY', reason: error.message }
      return { code: error instanceof GatewayError ? error.code : 'SP_APPROVAL_UNAVAILABLE' }
    }
  }
}
