/**
 * Carries out a plan whose slots were decided: what is permitted goes upstream in one write, each message leaving an expectation; what is
 * refused is replaced by a stand-in, so that a refusal has exactly a failure's effect, and status bytes stay the server's.
 *
 * **Refused in a string of statements.** What stands before goes out, then `SELECT "sallyport refused <ref>"`: PostgreSQL runs the first,
 * fails at the second (undefined column, nothing is read), rolls back what it would have rolled back, and skips the rest. Its error is
 * replaced by ours, unless it failed earlier or for another reason (the transaction had failed before): then its own word stands.
 *
 * **Refused in a pipeline.** A Parse of the same invalid text takes the place; everything up to the Sync is dropped here, as the server
 * would drop it. A refused Parse keeps its name (PostgreSQL forgets the unnamed statement even when the new one fails); for a Bind or
 * Execute the name is ours, so that the client's unnamed statement lives on.
 *
 * **The trail cannot be written.** Then no operation of the plan may go out, nor anything new in their place. Outside a transaction the
 * answer is given here: an error and ReadyForQuery with the server's last status, which is what a failing statement would have left. In a
 * transaction a failing statement would have left the status E and doomed it: the client is told E, and the session *owes* the server a
 * failure, which it pays with the stand-in before anything else goes upstream, once the trail is back. So a COMMIT after the outage is
 * answered ROLLBACK by the server itself, and nothing of the transaction stays. Only where the server already holds the first half of a
 * pipeline (recorded and permitted before) does the stand-in go out at once: its Sync would commit that half.
 */
import { type Bytes, formatRef } from '#base'
import type { Permit, Scrubber } from '#model'
import type { ClientWriter } from './client/writer.ts'
import { encodeBackend, encodeFrontend } from './codec/index.ts'
import { asksForBinary, unreadableColumn } from './columns.ts'
import type { Portal, SessionNames, SyncBatch } from './names.ts'
import type { Outbox } from './outbox.ts'
import type { PermittedOperation } from './permitted.ts'
import type { Plan, QueryPart, Slot, Step } from './steps.ts'
import {
  type Answer,
  answerRefusal,
  encodeAnswer,
  FAILED_TRANSACTION_SQLSTATE,
  refusedStatement,
  STAND_IN_SQLSTATE,
} from './refuse.ts'
import type { Responses } from './responses.ts'
import { refusalWords, type Words, words } from './words.ts'

/** What sending needs. */
export interface SenderContext {
  readonly outbox: Outbox
  readonly responses: Responses
  readonly names: SessionNames
  readonly writer: ClientWriter
  /** For what we say ourselves. */
  readonly scrubber: Scrubber
  /** Whether the session is over: then nothing is waited for any more. */
  readonly isOver: () => boolean
}

/** A step of a kind. */
type StepOf<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>

/** Prepared by us in place of a refused Bind or Execute; it never comes into being. */
const STAND_IN_NAME = 'sallyport refused'

/** The writing half of one session, from the client to the database. */
export class Sender {
  readonly #context: SenderContext
  /** The client was told that its transaction failed; the server has yet to fail it. */
  #owesFailure = false

  constructor(context: SenderContext) {
    this.#context = context
  }

  /** Whether the transaction is lost already, whatever is sent next. */
  get isDoomed(): boolean {
    return this.#owesFailure || this.#context.responses.status === 'E'
  }

  /** Sends what is permitted of a decided plan. Waits where it has to know a result's columns first. */
  async send(plan: Plan): Promise<void> {
    const { outbox, responses } = this.#context
    // Without an operation in it nobody has asked the trail: it may still be down.
    if (this.#owesFailure && plan.slots.length === 0) return this.sendNothing(plan, FAILED_TRANSACTION)
    if (this.#owesFailure) {
      this.#owesFailure = false
      responses.failTransaction('nothing')
    }
    for (const [index, step] of plan.steps.entries()) {
      if (step.kind === 'bind') await this.#describeFirst(step)
      if (this.#context.isOver()) break
      if (step.kind === 'sync' && step.batch.isFailed && !step.batch.isOpenUpstream) await this.#readyHere(step.batch)
      else this.#sendStep(step, plan.steps[index + 1])
    }
    outbox.flush()
    for (const { permitted } of plan.slots) permitted?.release()
  }

  /** Answers a plan whose operations could not be recorded; `answer` says so. */
  async sendNothing(plan: Plan, answer: Answer): Promise<void> {
    const unrecorded: Words = { answer: () => answer, replaces: EVERY_STAND_IN_ERROR }
    const doomed = new Set<SyncBatch>()
    for (const step of plan.steps) {
      if ((needsPermit(step) || this.#owesFailure) && !step.batch.isOpenUpstream) doomed.add(step.batch)
    }
    for (const step of plan.steps) {
      if (this.#context.isOver()) return
      if (!doomed.has(step.batch)) this.#sendUnrecorded(step, unrecorded)
      else await this.#answerHere(step, answer)
    }
    this.#context.outbox.flush()
  }

  /** A step of a batch of which the server already holds a part, or that needs no permit. */
  #sendUnrecorded(step: Step, unrecorded: Words): void {
    if (needsPermit(step) && step.kind !== 'query') this.#standIn(step.batch, unrecorded, undefined, STAND_IN_NAME)
    else this.#sendStep(step, undefined)
  }

  /** A step of a batch of which the server knows nothing, and will know nothing. */
  async #answerHere(step: Step, answer: Answer): Promise<void> {
    const { writer, scrubber } = this.#context
    const { batch } = step
    const isMore = this.#owesFailure && step.kind !== 'sync' && step.kind !== 'flush'
    if ((needsPermit(step) || step.kind === 'query' || isMore) && !batch.isFailed) {
      await this.allAnswered()
      batch.isFailed = true
      writer.send(encodeAnswer(answer, scrubber))
      writer.flush()
    }
    if (step.kind === 'query' || step.kind === 'sync') await this.#readyHere(batch)
  }

  /** The ReadyForQuery of a batch that the server knows nothing of. */
  async #readyHere(batch: SyncBatch): Promise<void> {
    const { writer, names, responses } = this.#context
    await this.allAnswered()
    if (responses.status === 'T') this.#owesFailure = true
    writer.send(encodeBackend({ kind: 'readyForQuery', status: this.#owesFailure ? 'E' : responses.status }))
    writer.flush()
    names.resolve(batch)
  }

  /** Answers come in order: what is given here waits for what the server still owes. */
  async allAnswered(): Promise<void> {
    const { responses, isOver, outbox } = this.#context
    outbox.flush()
    while (responses.pending > 0 && !isOver()) await responses.progress()
  }

  #sendStep(step: Step, next: Step | undefined): void {
    const { outbox, responses } = this.#context
    const { batch } = step
    if (step.kind === 'sync') {
      outbox.control({ kind: 'sync' })
      responses.expect({ kind: 'sync', batch })
      return
    }
    if (step.kind === 'flush') {
      outbox.control({ kind: 'flush' })
      return
    }
    // The client has its error: what follows up to the Sync is skipped, as the server skips it.
    if (batch.isFailed) return
    batch.isOpenUpstream = true
    switch (step.kind) {
      case 'query':
        this.#sendQuery(step)
        return
      case 'parse':
        this.#sendParse(step)
        return
      case 'bind':
        this.#sendBind(step, next)
        return
      case 'execute':
        this.#sendExecute(step)
        return
      case 'describe':
        outbox.control({ kind: 'describe', target: step.target, name: step.name })
        responses.expect({ kind: 'describe', batch, statement: step.statement, isOurs: false })
        return
      case 'close':
        outbox.control({ kind: 'close', target: step.target, name: step.name })
        responses.expect({ kind: 'close', batch, target: step.target, name: step.name })
        return
      case 'refused':
        this.#refuse(step, step.slot, step.words, STAND_IN_NAME)
    }
  }

  #sendQuery(step: StepOf<'query'>): void {
    const { outbox, responses } = this.#context
    const { batch, parts } = step
    const refusedAt = step.words === undefined ? parts.findIndex(({ slot }) => slot.permitted === undefined) : 0
    const allowed = refusedAt < 0 ? parts : parts.slice(0, refusedAt)
    const permitted = allowed.flatMap(({ slot }) => slot.permitted ?? [])
    for (const operation of permitted) operation.expect()
    const refused = parts[refusedAt]
    if (refused === undefined) {
      if (parts.length === 0) outbox.control({ kind: 'emptyQuery' })
      else outbox.carry(permitsOf(permitted), step.raw)
      responses.expect({ kind: 'query', batch, permitted, index: 0 }, keptBytes(permitted))
      return
    }
    const ref = refOf(refused.slot)
    if (permitted.length === 0) outbox.control({ kind: 'standInQuery', ref })
    else outbox.carry(permitsOf(permitted), queryBefore(step.text, allowed, refusedStatement(ref)))
    const standIn = { words: wordsOf(refused.slot, step.words), ref }
    responses.expect({ kind: 'query', batch, permitted, index: 0, standIn }, keptBytes(permitted))
  }

  #sendParse(step: StepOf<'parse'>): void {
    const { outbox, responses } = this.#context
    const { batch, statement, slot } = step
    if (isRefused(step)) return this.#refuse(step, slot, step.words, statement.name)
    const permitted = slot?.permitted
    if (permitted === undefined) outbox.control({ kind: 'emptyParse', name: statement.name })
    else this.#carry(permitted, step.raw)
    return responses.expect({ kind: 'parse', batch, statement, permitted }, keptBytes([permitted]))
  }

  #sendBind(step: StepOf<'bind'>, next: Step | undefined): void {
    const { outbox, responses } = this.#context
    const { batch, name, portal, slot } = step
    if (isRefused(step)) return this.#refuse(step, slot, step.words, STAND_IN_NAME)
    const permitted = slot?.permitted
    const { statement } = portal
    if (permitted === undefined) {
      outbox.control({
        kind: 'emptyBind',
        portal: name,
        statement: statement.name,
        parameters: portal.parameters.length,
      })
    } else this.#carry(permitted, step.raw)
    responses.expect({ kind: 'bind', batch, name, portal, permitted }, keptBytes([permitted]))
    // Masking has to know the columns before the first row; most clients ask for them themselves.
    const asksItself = next?.kind === 'describe' && next.statement === statement
    if (statement.description !== undefined || asksItself) return
    outbox.control({ kind: 'describe', target: 'portal', name })
    responses.expect({ kind: 'describe', batch, statement, isOurs: true })
  }

  #sendExecute(step: StepOf<'execute'>): void {
    const { outbox, responses } = this.#context
    const { batch, name, portal, slot } = step
    if (isRefused(step)) return this.#refuse(step, slot, step.words, STAND_IN_NAME)
    const permitted = slot?.permitted
    if (permitted === undefined) outbox.control({ kind: 'emptyExecute', portal: name })
    else this.#carry(permitted, step.raw)
    return responses.expect({ kind: 'execute', batch, portal, permitted }, keptBytes([permitted]))
  }

  /**
   * Binary results of types whose binary form is not their text are refused *before* the statement runs. When its columns are not known
   * yet, they are asked for, under the permit that the Bind has, and the answer is waited for.
   */
  async #describeFirst(step: StepOf<'bind'>): Promise<void> {
    const { outbox, responses, isOver } = this.#context
    const { statement, resultFormats } = step.portal
    if (!asksForBinary(resultFormats) || isRefused(step) || step.slot === undefined) return
    if (statement.description === undefined && !step.batch.isFailed) {
      outbox.control({ kind: 'describe', target: 'statement', name: statement.name })
      outbox.control({ kind: 'flush' })
      responses.expect({ kind: 'describe', batch: step.batch, statement, isOurs: true })
      step.batch.isOpenUpstream = true
      outbox.flush()
      while (!isDescribed(step.portal) && !step.batch.isFailed && !isOver()) await responses.progress()
    }
    if (statement.description?.kind !== 'rows') return
    const column = unreadableColumn(statement.description.columns, resultFormats)
    if (column !== undefined) step.words = words.binaryColumn(column.name)
  }

  /** Has the server tell what it has answered so far; a Flush of ours is like one of the client's. */
  askForAnswers(): void {
    const { outbox } = this.#context
    outbox.control({ kind: 'flush' })
    outbox.flush()
  }

  #carry(permitted: PermittedOperation, raw: Bytes): void {
    permitted.expect()
    this.#context.outbox.carry([permitted.permit], raw)
  }

  #refuse(
    step: { readonly batch: SyncBatch },
    slot: Slot | undefined,
    refusedBy: Words | undefined,
    name: string,
  ): void {
    const answered = wordsOf(slot, refusedBy)
    // Permitted by policy, and still not passed on: the outcome says with which error.
    slot?.permitted?.refused(answered.answer(undefined).sqlstate)
    this.#standIn(step.batch, answered, refOf(slot), name)
  }

  #standIn(batch: SyncBatch, answered: Words, ref: string | undefined, name: string): void {
    const { outbox, responses } = this.#context
    if (batch.isFailed) return
    outbox.control({ kind: 'standInParse', name, ref })
    responses.expect({ kind: 'standIn', batch, name, standIn: { words: answered, ref } })
    batch.isFailed = true
  }
}

/** `PostgreSQL 18, postgres.c: exec_simple_query` */
const FAILED_TRANSACTION: Answer = {
  sqlstate: FAILED_TRANSACTION_SQLSTATE,
  message: 'current transaction is aborted, commands ignored until end of transaction block',
}

/** Undefined column in a sound transaction, failed transaction otherwise. */
const EVERY_STAND_IN_ERROR: ReadonlySet<string> = new Set([STAND_IN_SQLSTATE, FAILED_TRANSACTION_SQLSTATE])

/** Whether a step is an operation, or would have been refused as one. */
function needsPermit(step: Step): boolean {
  switch (step.kind) {
    case 'query':
      return step.parts.length > 0
    case 'parse':
    case 'bind':
    case 'execute':
      return step.slot !== undefined
    case 'refused':
      return true
    default:
      return false
  }
}

function isRefused(step: { readonly slot: Slot | undefined; readonly words?: Words }): boolean {
  return step.words !== undefined || step.slot?.refusal !== undefined
}

function wordsOf(slot: Slot | undefined, refusedBy: Words | undefined): Words {
  if (refusedBy !== undefined) return refusedBy
  if (slot?.refusal === undefined) throw new TypeError('a refusal without a reason')
  return refusalWords(answerRefusal(slot.refusal, 'statement'))
}

/** The reference of the record of an operation, permitted or not. */
function refOf(slot: Slot | undefined): string | undefined {
  if (slot?.permitted !== undefined) return formatRef(slot.permitted.permit.sequence)
  return slot?.refusal?.ref
}

function isDescribed(portal: Portal): boolean {
  return portal.statement.description !== undefined
}

/** What operations keep in memory until they are answered: the payload, and about as much again in names and portals. */
function keptBytes(permitted: readonly (PermittedOperation | undefined)[]): number {
  return permitted.reduce((sum, operation) => sum + 2 * (operation?.permit.operation.payload.length ?? 0), 0)
}

function permitsOf(permitted: readonly PermittedOperation[]): readonly Permit[] {
  return permitted.map(({ permit }) => permit)
}

function queryBefore(text: Bytes, allowed: readonly QueryPart[], standIn: Bytes): Bytes {
  return truncatedQuery(text, allowed.at(-1)?.end ?? 0, standIn)
}

/** A Query of the first statements of a string, with the stand-in of a refused one behind them. */
function truncatedQuery(text: Bytes, end: number, standIn: Bytes): Bytes {
  // A line break first, since what is before may end in a comment.
  const separator = Uint8Array.of(0x0a, 0x3b, 0x0a)
  const joined = new Uint8Array(end + separator.length + standIn.length)
  joined.set(text.subarray(0, end))
  joined.set(separator, end)
  joined.set(standIn, end + separator.length)
  return encodeFrontend({ kind: 'query', text: joined })
}
