/**
 * What of a database's answers reaches the client: rows masked, results withheld, everything else as it is or not at all.
 *
 * A withheld result is an error in its place and nothing more of its batch up to the ReadyForQuery. The server goes on with the batch:
 * what stands behind a withheld result in one string or pipeline runs, unseen, unless the transaction is then made to fail (`responses.ts`).
 */
import { type Bytes, formatRef } from '#base'
import type { Log, Masking } from '#model'
import type { ClientWriter } from './client/writer.ts'
import { MAX_ROW, OversizedRow, WireError } from './codec/index.ts'
import type { Expectation, ExpectExecute, ExpectQuery } from './expectations.ts'
import type { SyncBatch } from './names.ts'
import type { PermittedOperation } from './permitted.ts'
import { type Answer, answerCode, encodeAnswer, encodeNotice, scrubNotice, sqlstateOf } from './refuse.ts'
import { maskingNotice, ResultPass, type Withheld } from './results.ts'

/** What relaying needs. */
export interface RelayContext {
  readonly writer: ClientWriter
  readonly masking: Masking
  readonly log: Log
}

/** An expectation that rows can arrive for. */
export type ExpectResult = ExpectQuery | ExpectExecute

/** The way from one session's answers to its client. */
export class Relay {
  readonly #context: RelayContext
  /** A batch whose client was told that a result is withheld. */
  #withheld: SyncBatch | undefined
  #oversized: OversizedRow | undefined
  #isMuted = false

  constructor(context: RelayContext) {
    this.#context = context
  }

  /** From now on nothing reaches the client. */
  mute(): void {
    this.#isMuted = true
  }

  /** Whether nothing of what belongs to an expectation is passed on. */
  isSilenced(head: Expectation | undefined): boolean {
    if (this.#isMuted) return true
    if (head === undefined) return false
    return this.#withheld === head.batch || head.kind === 'question' || (head.kind === 'query' && head.isOurs === true)
  }

  /** Passes a message of the server on as it is, if its expectation is heard. */
  pass(head: Expectation, buffer: Bytes, start: number, end: number): void {
    if (!this.isSilenced(head)) this.#context.writer.append(buffer, start, end)
  }

  /** Sends a message, whatever is withheld. */
  send(bytes: Bytes): void {
    if (!this.#isMuted) this.#context.writer.send(bytes)
  }

  /** Says an error of ours. */
  sendAnswer(answer: Answer): void {
    this.send(encodeAnswer(answer, this.#context.masking.scrubber))
  }

  /** Passes an error or notice on with card data taken out. */
  sendScrubbed(message: Bytes): void {
    this.send(scrubNotice(message, this.#context.masking.scrubber))
  }

  /** Passes a run of whole rows on, masked in place. */
  rows(head: ExpectResult, buffer: Bytes, run: { start: number; end: number; count: number }): void {
    if (this.#withheld === head.batch) return
    const masked = this.#passOf(head).mask(buffer, run.start, run.end, run.count)
    if (masked.end > run.start && !this.#isMuted) {
      permittedOf(head).received(buffer, run.start, masked.end, masked.rows)
      head.hasRows = true
      this.#context.writer.append(buffer, run.start, masked.end)
    }
    if (masked.withheld !== undefined) this.#withhold(head, masked.withheld)
  }

  /** A row over the limit begins: it is read for the column in which it passes it, and withheld. */
  beginOversized(): void {
    this.#oversized = new OversizedRow(MAX_ROW)
  }

  oversizedPiece(head: ExpectResult, buffer: Bytes, piece: { start: number; end: number; isLast: boolean }): void {
    const row = this.#oversized
    row?.take(buffer, piece.start, piece.end)
    if (!piece.isLast || row === undefined) return
    this.#oversized = undefined
    if (this.#withheld === head.batch) return
    this.#withhold(head, this.#passOf(head).tooLarge(row.found))
  }

  /** Tells the client what was masked, before its result ends. */
  endResult(head: ExpectResult): void {
    const notice = this.isSilenced(head) ? undefined : maskingNotice(head.pass?.summary())
    if (notice !== undefined) this.send(encodeNotice(notice, this.#context.masking.scrubber))
    head.pass = undefined
    head.hasRows = false
  }

  /** A batch was answered; whether something of it was withheld. */
  endBatch(batch: SyncBatch): boolean {
    if (this.#withheld !== batch) return false
    this.#withheld = undefined
    return true
  }

  /** The masking of the result that rows arrive for; a Query's began with its RowDescription. */
  #passOf(head: ExpectResult): ResultPass {
    if (head.pass !== undefined) return head.pass
    const description = head.kind === 'execute' ? head.portal.statement.description : undefined
    if (description?.kind !== 'rows') throw new WireError('SP_WIRE_INVALID', 'rows that were not described')
    return this.beginResult(head, new ResultPass(description.masked, this.#context.masking))
  }

  /** A result begins; its outcome will say what is masked in it. */
  beginResult(head: ExpectResult, pass: ResultPass): ResultPass {
    head.pass = pass
    permittedOf(head).sees(pass)
    return pass
  }

  #withhold(head: ExpectResult, withheld: Withheld): void {
    const permitted = permittedOf(head)
    permitted.withheld(sqlstateOf(withheld.code, 'statement'))
    const about = withheld.column === undefined ? undefined : `column "${withheld.column}"`
    this.sendAnswer(answerCode(withheld.code, about, formatRef(permitted.permit.sequence)))
    head.pass = undefined
    this.#withheld = head.batch
    head.batch.isFailed = true
    this.#context.log.warn('postgres.result.withheld', { code: withheld.code, column: withheld.column ?? '' })
  }
}

/** The operation whose result it is. */
function permittedOf(head: ExpectResult): PermittedOperation {
  const permitted = head.kind === 'query' ? head.permitted[head.index] : head.permitted
  if (permitted === undefined) throw new WireError('SP_WIRE_INVALID', 'rows that nothing waits for')
  return permitted
}
