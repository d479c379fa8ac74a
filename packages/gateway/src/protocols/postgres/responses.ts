/**
 * The answers of a database, matched with what was asked, in order.
 *
 * Each message that went upstream left an expectation. An answer belongs to the first one; an error ends it and, within a pipeline, all up
 * to its Sync, which the server skips. What the server sends beyond what is expected is not the protocol: the session ends.
 *
 * On the way to the client: rows are masked, errors and notices scrubbed, the error of a stand-in replaced by ours; status bytes are the
 * server's. When a result is withheld, the client gets an error in its place and nothing more up to the ReadyForQuery; if the server is
 * then still in a transaction, a stand-in makes it fail, so that the status the client sees is again the server's own.
 */
import type { Bytes } from '#base'
import type { Masking, Shape } from '#model'
import { Back, decodeBackend, encodeBackend, type TransactionStatus, walkRows, WireError } from './codec/index.ts'
import { type Declarations, resultColumns } from './columns.ts'
import {
  type Expectation,
  type ExpectDescribe,
  ExpectationQueue,
  type ExpectQuery,
  type ExpectQuestion,
  type StandIn,
} from './expectations.ts'
import { type SessionNames, SyncBatch } from './names.ts'
import type { Outbox } from './outbox.ts'
import type { PermittedOperation } from './permitted.ts'
import { withoutRow } from './refuse.ts'
import type { ExpectResult, Relay } from './relay.ts'
import { ResultPass } from './results.ts'
import { ORIGIN_COLUMNS } from './upstream/declared.ts'

/** What answers need. */
export interface ResponsesContext {
  readonly relay: Relay
  readonly outbox: Outbox
  readonly names: SessionNames
  readonly masking: Masking
  /** Where the declared columns lie, as far as is known by now. */
  readonly declarations: () => Declarations
  /** A transaction that changed definitions is over. */
  readonly onSchemaChange: () => void
  /** A setting was reported; true to pass it on. */
  readonly onParameter: (name: string, value: string) => boolean
  /** The server said goodbye and will hang up. */
  readonly onFatal: () => void
}

/** The reading half of one session, from the database to the client. */
export class Responses {
  readonly #context: ResponsesContext
  readonly #queue = new ExpectationQueue()
  #wake: (() => void)[] = []
  /**
   * What ran last of the pipeline at hand. PostgreSQL ends an implicit transaction at the Sync only, and what fails there (a deferred
   * constraint) comes behind the CommandComplete: until then this one has no outcome.
   */
  #ranLast: PermittedOperation | undefined
  /** As of the last ReadyForQuery. */
  status: TransactionStatus = 'I'
  /** Whether the transaction under way has done anything but read. */
  hasWritten = false
  /** Whether it has changed definitions. */
  #hasChangedSchema = false

  constructor(context: ResponsesContext) {
    this.#context = context
  }

  /** How much is awaited. */
  get pending(): number {
    return this.#queue.length
  }

  /** What the server is at: the batch of the first message that is not answered; our own question is nothing to cancel. */
  get running(): SyncBatch | undefined {
    return this.isAsked ? undefined : this.#queue.head?.batch
  }

  /** Whether it is at our own question. */
  get isAsked(): boolean {
    return this.#queue.head?.kind === 'question'
  }

  /** What is kept of statements and parameters until they are answered, in bytes. */
  get pendingBytes(): number {
    return this.#queue.bytes
  }

  /** Notes what was sent and will be answered; `bytes` is what it keeps of statements and parameters until then. */
  expect(expectation: Expectation, bytes = 0): void {
    this.#queue.push(expectation, bytes)
  }

  /** From now on nothing reaches the client; outcomes are still noted. */
  mute(): void {
    this.#context.relay.mute()
    this.wake()
  }

  /** Resolves when something was settled (a description, an error, a ReadyForQuery), or the session is over. */
  progress(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve))
  }

  /** Lets everybody who waits look again. */
  wake(): void {
    const waiting = this.#wake
    this.#wake = []
    for (const resolve of waiting) resolve()
  }

  /**
   * Takes one message that is not a row.
   *
   * @throws {WireError} for one that nothing here waits for.
   */
  frame(type: number, buffer: Bytes, start: number, end: number): void {
    switch (type) {
      case Back.parameterStatus:
        this.#parameter(buffer, start, end)
        return
      case Back.notice:
        if (!this.#context.relay.isSilenced(this.#queue.head)) {
          this.#context.relay.sendScrubbed(buffer.subarray(start, end))
        }
        return
      case Back.notification:
        // LISTEN is refused: nobody asked for it.
        return
      case Back.error:
        this.#error(buffer, start, end)
        return
      case Back.readyForQuery:
        this.#ready(buffer, start, end)
        return
      default:
        this.#answer(type, buffer, start, end)
    }
  }

  /** Takes a run of whole rows. */
  rows(buffer: Bytes, start: number, end: number, count: number): void {
    const { head } = this.#queue
    if (head?.kind === 'question') takeOrigins(head, buffer, start, end)
    else this.#context.relay.rows(this.#resultHead(), buffer, { start, end, count })
  }

  oversizedRow(): void {
    this.#resultHead()
    this.#context.relay.beginOversized()
  }

  oversizedRowPiece(buffer: Bytes, start: number, end: number, isLast: boolean): void {
    this.#context.relay.oversizedPiece(this.#resultHead(), buffer, { start, end, isLast })
  }

  #answer(type: number, buffer: Bytes, start: number, end: number): void {
    const head = this.#queue.head
    if (head?.kind === 'question' && answersToQuestion.has(type)) {
      head.isComplete ||= type === Back.commandComplete
      return
    }
    switch (type) {
      case Back.parseComplete:
        if (head?.kind !== 'parse') throw unexpected()
        this.#context.names.statements.confirm(head.statement.name, head.statement)
        this.#done(head.permitted)
        break
      case Back.bindComplete:
        if (head?.kind !== 'bind') throw unexpected()
        this.#context.names.portals.confirm(head.name, head.portal)
        this.#done(head.permitted)
        break
      case Back.closeComplete:
        if (head?.kind !== 'close') throw unexpected()
        if (head.target === 'statement') this.#context.names.statements.confirm(head.name, undefined)
        else this.#context.names.portals.confirm(head.name, undefined)
        this.#done(undefined)
        break
      case Back.parameterDescription:
      case Back.rowDescription:
      case Back.noData:
        this.#description(type, buffer, start, end)
        return
      case Back.commandComplete:
      case Back.portalSuspended:
      case Back.emptyQuery:
        this.#resultEnd(type, buffer, start, end)
        return
      default:
        // COPY is refused, so is FunctionCall; start-up is over.
        throw unexpected()
    }
    this.#context.relay.pass(head, buffer, start, end)
  }

  #done(permitted: PermittedOperation | undefined): void {
    permitted?.answered()
    this.#queue.shift()
  }

  #description(type: number, buffer: Bytes, start: number, end: number): void {
    const head = this.#queue.head
    if (head?.kind === 'query' && type === Back.rowDescription) {
      const message = decodeBackend(buffer, start, end)
      if (message.kind !== 'rowDescription' || head.permitted[head.index] === undefined) throw unexpected()
      const { declarations, masking, relay } = this.#context
      relay.beginResult(head, new ResultPass(resultColumns(message.columns, declarations()), masking))
      this.#context.relay.pass(head, buffer, start, end)
      return
    }
    if (head?.kind !== 'describe') throw unexpected()
    this.#describe(head, buffer, start, end)
    if (!head.isOurs) this.#context.relay.pass(head, buffer, start, end)
    // A statement's description is two messages, its parameters and its columns.
    if (type === Back.parameterDescription) return
    this.#queue.shift()
    this.wake()
  }

  #describe(head: ExpectDescribe, buffer: Bytes, start: number, end: number): void {
    const message = decodeBackend(buffer, start, end)
    const { statement } = head
    if (statement === undefined) return
    if (message.kind === 'parameterDescription') statement.parameterTypes = message.types
    else if (message.kind === 'noData') statement.description = { kind: 'no-rows' }
    else if (message.kind === 'rowDescription') {
      const masked = resultColumns(message.columns, this.#context.declarations())
      statement.description = { kind: 'rows', columns: message.columns, masked }
    }
  }

  #resultEnd(type: number, buffer: Bytes, start: number, end: number): void {
    const head = this.#resultHead()
    const permitted = head.kind === 'query' ? head.permitted[head.index] : head.permitted
    // Only an Execute is cut off at a number of rows; a Query ends each statement, or has none.
    if (
      head.kind === 'query' &&
      (type === Back.portalSuspended || (type === Back.commandComplete) !== (permitted !== undefined))
    ) {
      throw unexpected()
    }
    if (type === Back.commandComplete && head.hasRows !== true) permitted?.changed(changedRows(buffer, start, end))
    if (permitted !== undefined) this.#noteEffects(permitted.permit.operation.shape)
    this.#context.relay.endResult(head)
    if (head.kind === 'query') permitted?.answered()
    else this.#settleLast(permitted)
    this.#context.relay.pass(head, buffer, start, end)
    if (head.kind === 'query') head.index++
    else this.#queue.shift()
  }

  #noteEffects({ accesses }: Shape): void {
    // What only selects or sets, BEGIN, SAVEPOINT leaves nothing behind that others might wait for.
    if (!accesses.every(({ effect }) => effect === 'select' || effect === 'setSetting')) this.hasWritten = true
    if (accesses.some(({ effect }) => effect === 'ddl')) this.#hasChangedSchema = true
  }

  /** What ran last has its outcome; `next` ran after it. */
  #settleLast(next?: PermittedOperation): void {
    this.#ranLast?.answered()
    this.#ranLast = next
  }

  #error(buffer: Bytes, start: number, end: number): void {
    const message = decodeBackend(buffer, start, end)
    if (message.kind !== 'error') throw unexpected()
    const fields = new Map(message.fields)
    const sqlstate = fields.get('C') ?? 'XX000'
    const head = this.#queue.head
    const severity = fields.get('V') ?? fields.get('S')
    const isFatal = severity === 'FATAL' || severity === 'PANIC'
    if (isFatal) this.#context.onFatal()
    if (head?.kind === 'question') {
      head.failed = sqlstate
      // Only the server's last word is the client's too.
      if (isFatal) this.#context.relay.sendScrubbed(buffer.subarray(start, end))
      return
    }
    const status = sqlstate === '57014' ? 'cancelled' : 'error'
    if (!this.#context.relay.isSilenced(head)) {
      const shown = withoutRow(message.fields, this.#context.declarations())
      const isWhole = shown === message.fields
      this.#sayError(
        head,
        sqlstate,
        isWhole ? buffer.subarray(start, end) : encodeBackend({ ...message, fields: shown }),
      )
    }
    if (head === undefined) return
    if (head.kind === 'query') {
      head.permitted[head.index]?.failed(status, sqlstate)
      head.hasFailed = true
      head.batch.isFailed = true
    } else if (head.kind === 'sync') {
      this.#ranLast?.failed(status, sqlstate)
      this.#ranLast = undefined
    } else this.#failPipeline(head, status, sqlstate)
    this.wake()
  }

  #sayError(head: Expectation | undefined, sqlstate: string, message: Bytes): void {
    const standIn = standInOf(head)
    if (standIn === undefined || !standIn.words.replaces.has(sqlstate)) this.#context.relay.sendScrubbed(message)
    else this.#context.relay.sendAnswer(standIn.words.answer(standIn.ref))
  }

  /** PostgreSQL 18, Extended Query: "if an error is detected … the backend … reads and discards messages until a Sync". */
  #failPipeline(failed: Expectation, status: 'error' | 'cancelled', sqlstate: string): void {
    const { batch } = failed
    batch.isFailed = true
    const parsed = failed.kind === 'parse' ? failed.statement.name : failed.kind === 'standIn' ? failed.name : undefined
    // The unnamed statement is dropped before the new text is looked at.
    if (parsed === '') this.#context.names.statements.confirm('', undefined)
    if ('permitted' in failed && failed.kind !== 'query') failed.permitted?.failed(status, sqlstate)
    this.#queue.shift()
    for (let head = this.#queue.head; head?.batch === batch && head.kind !== 'sync'; head = this.#queue.head) {
      if ('permitted' in head && head.kind !== 'query') head.permitted?.skipped()
      this.#queue.shift()
    }
  }

  #ready(buffer: Bytes, start: number, end: number): void {
    const message = decodeBackend(buffer, start, end)
    const head = this.#queue.shift()
    if (message.kind !== 'readyForQuery' || head === undefined) throw unexpected()
    this.#settleLast()
    if (head.kind === 'query') this.#endQuery(head)
    else if (head.kind === 'question' ? !isSettled(head) : head.kind !== 'sync') throw unexpected()
    const { names } = this.#context
    this.status = message.status
    if (message.status === 'I') {
      // Portals live until the end of their transaction.
      names.portals.clear()
      this.hasWritten = false
      if (this.#hasChangedSchema) this.#context.onSchemaChange()
      this.#hasChangedSchema = false
    }
    names.resolve(head.batch)
    const isHeld = this.#context.relay.endBatch(head.batch) && this.#failWithheld()
    if (!isHeld && !isSilent(head)) this.#context.relay.send(encodeBackend(message))
    this.wake()
  }

  #endQuery(head: ExpectQuery): void {
    const { names } = this.#context
    names.statements.confirm('', undefined)
    names.portals.confirm('', undefined)
    const mustFail = head.isOurs === true || head.standIn !== undefined || head.index < head.permitted.length
    if (mustFail && head.hasFailed !== true) throw unexpected()
    for (const permitted of head.permitted.slice(head.index + 1)) permitted.skipped()
  }

  /**
   * The batch of a withheld result is over. In a transaction the server is made to fail as well; returns whether its ReadyForQuery is to
   * be held back until it has (not possible when the client has already sent more: then the next one tells).
   */
  #failWithheld(): boolean {
    if (this.status !== 'T') return false
    const isAlone = this.#queue.length === 0
    this.failTransaction(isAlone ? 'ready-only' : 'nothing')
    this.#context.outbox.flush()
    return isAlone
  }

  /** Makes the server's transaction fail, which the client has been told of already; it hears of this its ReadyForQuery or nothing. */
  failTransaction(heard: 'nothing' | 'ready-only'): void {
    this.#context.outbox.control({ kind: 'standInQuery', ref: undefined })
    const batch = new SyncBatch()
    batch.statements.set('', undefined)
    batch.portals.set('', undefined)
    this.#context.names.suspend(batch)
    this.expect({ kind: 'query', batch, permitted: [], index: 0, isOurs: true, isReadyHeard: heard === 'ready-only' })
  }

  #parameter(buffer: Bytes, start: number, end: number): void {
    const message = decodeBackend(buffer, start, end)
    if (message.kind !== 'parameterStatus') throw unexpected()
    if (this.#context.onParameter(message.name, message.value)) this.#context.relay.send(buffer.subarray(start, end))
  }

  #resultHead(): ExpectResult {
    const head = this.#queue.head
    if (head?.kind === 'query' || head?.kind === 'execute') return head
    throw unexpected()
  }
}

function standInOf(head: Expectation | undefined): StandIn | undefined {
  if (head?.kind === 'standIn') return head.standIn
  // Within a string it stands behind what was permitted: only then is the error its own.
  if (head?.kind === 'query' && head.index === head.permitted.length) return head.standIn
  return undefined
}

/** What our own question is answered with, besides rows; errors and ReadyForQuery have cases of their own. */
const answersToQuestion: ReadonlySet<number> = new Set([
  Back.parseComplete,
  Back.bindComplete,
  Back.commandComplete,
  Back.closeComplete,
])

function takeOrigins({ answer }: ExpectQuestion, buffer: Bytes, start: number, end: number): void {
  let row: Bytes[] = []
  walkRows(buffer, start, end, ORIGIN_COLUMNS, (column, from, to) => {
    if (column === 0) row = []
    row[column] = buffer.slice(from, to)
    if (column === ORIGIN_COLUMNS - 1) answer.take(row)
    return true
  })
}

function isSettled({ isComplete, failed }: ExpectQuestion): boolean {
  return isComplete === true || failed !== undefined
}

function isSilent(head: Expectation): boolean {
  if (head.kind === 'question') return true
  return head.kind === 'query' && head.isOurs === true && head.isReadyHeard !== true
}

/** The count in `UPDATE 3`, `INSERT 0 5`; 0 for what changes no rows. */
function changedRows(buffer: Bytes, start: number, end: number): number {
  const message = decodeBackend(buffer, start, end)
  const tag = message.kind === 'commandComplete' ? message.tag : ''
  return Number(/^(?:INSERT 0|UPDATE|DELETE|MERGE) ([0-9]{1,15})$/.exec(tag)?.[1] ?? 0)
}

function unexpected(): WireError {
  return new WireError('SP_WIRE_INVALID', 'an answer that nothing waits for')
}
