/**
 * What a batch of messages asks, before anything is decided: each message becomes a step, and each thing that needs a permit a slot.
 *
 * - Query: one operation for each statement of the string; their payloads together hold every byte of it.
 * - Bind: one operation with the statement and its parameters. It covers the Parse before it and the Execute behind it when they come in
 *   one batch; a Parse that nothing binds there is an operation of its own (`prepared`), and so is an Execute of a portal that was bound
 *   in an earlier batch (`fetch`).
 * - Everything else carries no statement and needs none.
 *
 * What cannot be passed on, whatever policy says (a syntax error, binary columns, several statements in one Parse), has its words here and
 * still gets a slot with an incomplete shape: it is asked for, so it is recorded, as refused.
 *
 * Nothing is planned behind a name whose meaning is uncertain (`names.ts`): the plan ends before it, and the rest waits.
 */
import { type Bytes, fromUtf8, parseUtf8 } from '#base'
import type { Shape } from '#model'
import type { Classification } from './classifier.ts'
import { type BindMessage, type ParseMessage, type Target, WireError } from './codec/index.ts'
import type { Arrival } from './client/connection.ts'
import { asksForBinary, unreadableColumn } from './columns.ts'
import { Draft } from './draft.ts'
import { type Meaning, type Portal, type PreparedStatement, type SessionNames, SyncBatch } from './names.ts'
import { areRecordable, notUtf8, partsOf, slotOf, tooLarge } from './operations.ts'
import {
  describeParameters,
  exactParameters,
  isRecordable,
  isTextRecordable,
  recordable,
  statementPayload,
  unreadablePayload,
} from './payload.ts'
import type { ParseStep, Plan, Slot } from './steps.ts'
import { incompleteShape, refusedWords, unreadableShape, type Words, words } from './words.ts'

/** What a session may keep prepared or bound at a time; more is a leak. */
const MAX_STATEMENTS = 10_000
const MAX_STATEMENT_WEIGHT = 67_108_864
const MAX_PORTALS = 1024
const MAX_PORTAL_WEIGHT = 67_108_864

/**
 * What one plan may take in memory and in one call of the trail, in bytes: a few bytes on the wire can ask for a long statement again. With
 * the largest Query behind it, a plan stays below what the trail takes at once.
 */
const MAX_PLAN_WEIGHT = 4_194_304

/** Makes the plans of one session; knows which batch up to a Sync the client is in. */
export class Planner {
  readonly #names: SessionNames
  #batch = new SyncBatch()
  /** Whether the client has said anything in it. */
  #isBegun = false

  constructor(names: SessionNames) {
    this.#names = names
  }

  /** Whether the client is between two Syncs, and has begun nothing. */
  get isBetween(): boolean {
    return !this.#isBegun
  }

  /**
   * Plans messages; `classifications` has one for each, or undefined.
   *
   * @throws {WireError} `SP_WIRE_INVALID` for a message that has no place where it stands.
   */
  plan(arrivals: readonly Arrival[], classifications: readonly (Classification | undefined)[]): Plan {
    const draft = new Draft()
    let taken = 0
    let isLast = false
    for (const [index, arrival] of arrivals.entries()) {
      if (arrival.message.kind === 'terminate') {
        isLast = true
        taken++
        break
      }
      if (this.#isFull(draft, arrival) || !this.#planOne(draft, arrival, classifications[index])) break
      draft.weigh()
      taken++
    }
    return { steps: draft.steps, slots: draft.slots(), taken, isLast }
  }

  /** Whether a plan has to end before a message, because it would add another operation to one that is heavy already. */
  #isFull(draft: Draft, { message }: Arrival): boolean {
    if (draft.weight < MAX_PLAN_WEIGHT) return false
    if (message.kind !== 'execute')
      return message.kind === 'query' || message.kind === 'parse' || message.kind === 'bind'
    const portal = this.#batch.portals.get(message.portal)
    return portal === undefined || !draft.bound.has(portal)
  }

  /** Adds the steps of one message; false when it has to wait. */
  #planOne(draft: Draft, arrival: Arrival, classification: Classification | undefined): boolean {
    const { message, raw } = arrival
    switch (message.kind) {
      case 'query':
        return this.#planQuery(draft, raw, message.text, classification)
      case 'functionCall':
        return this.#planRefusedQuery(draft, 'FUNCTION CALL', message.body.length, words.functionCall)
      case 'oversized':
        if (message.type === OVERSIZED_QUERY) {
          return this.#planRefusedQuery(draft, 'QUERY', message.length, words.tooLarge)
        }
        return this.#planOversized(draft, message.length)
      case 'sync':
        draft.steps.push({ kind: 'sync', batch: this.#batch })
        this.#names.suspend(this.#batch)
        this.#batch = new SyncBatch()
        this.#isBegun = false
        return true
      case 'copyData':
      case 'copyDone':
      case 'copyFail':
        // PostgreSQL 18, postgres.c: "Accept but ignore these messages, per protocol spec" outside COPY, which is never begun here.
        return true
      case 'password':
        throw new WireError('SP_WIRE_INVALID', 'a password where none was asked for')
      case 'terminate':
        return true
      case 'flush':
        // Begins nothing: drivers send it behind a Sync, too.
        draft.steps.push({ kind: 'flush', batch: this.#batch })
        return true
      default:
        this.#isBegun = true
        return this.#planExtended(draft, arrival, classification)
    }
  }

  #planExtended(draft: Draft, { message, raw }: Arrival, classification: Classification | undefined): boolean {
    const batch = this.#batch
    // What follows an error up to the Sync is skipped by the server too, unread.
    if (batch.isFailed || draft.doomed.has(batch)) return true
    switch (message.kind) {
      case 'parse':
        return this.#planParse(draft, message, raw, classification)
      case 'bind':
        return this.#planBind(draft, message, raw)
      case 'execute':
        return this.#planExecute(draft, message.portal, raw)
      case 'describe':
        return this.#planDescribe(draft, message.target, message.name)
      case 'close':
        draft.steps.push({ ...message, batch })
        if (message.target === 'statement') batch.statements.set(message.name, undefined)
        else batch.portals.set(message.name, undefined)
        return true
      default:
        throw new WireError('SP_WIRE_INVALID', `${message.kind} in the middle of a pipeline`)
    }
  }

  #planQuery(draft: Draft, raw: Bytes, text: Bytes, classification: Classification | undefined): boolean {
    const batch = this.#singleBatch()
    if (classification === undefined) {
      const slot = { operation: notUtf8(text) }
      draft.steps.push({ kind: 'query', batch, raw, text, parts: [{ slot, end: text.length }], words: words.notUtf8 })
    } else if (classification.kind === 'statements') {
      const parts = partsOf(text, classification.statements)
      if (areRecordable(parts)) draft.steps.push({ kind: 'query', batch, raw, text, parts })
      else draft.steps.push({ kind: 'query', batch, raw, text, parts: [tooLarge(text)], words: words.tooLarge })
    } else {
      const payload = recordable(statementPayload(fromUtf8(text)), 'QUERY')
      const operation = { shape: classification.shape, payload }
      const parts = [{ slot: { operation }, end: text.length }]
      draft.steps.push({ kind: 'query', batch, raw, text, parts, words: refusedWords(classification) })
    }
    return true
  }

  /** What stands alone like a Query and is never passed on. */
  #planRefusedQuery(draft: Draft, verb: string, bytes: number, refusedBy: Words): boolean {
    const slot = { operation: { shape: unreadableShape(verb), payload: unreadablePayload(verb, bytes) } }
    const parts = [{ slot, end: 0 }]
    draft.steps.push({
      kind: 'query',
      batch: this.#singleBatch(),
      raw: NOTHING,
      text: NOTHING,
      parts,
      words: refusedBy,
    })
    return true
  }

  /**
   * The batch of a message that is its own Sync. In the middle of a pipeline its place would be ambiguous: would an error before it skip
   * it? PostgreSQL's documentation does not say, so nobody relies on it.
   */
  #singleBatch(): SyncBatch {
    if (this.#isBegun) throw new WireError('SP_WIRE_INVALID', 'a simple query in the middle of a pipeline')
    const batch = new SyncBatch()
    // PostgreSQL 18, Simple Query: "the unnamed prepared statement … [is] destroyed", and so is the unnamed portal.
    batch.statements.set('', undefined)
    batch.portals.set('', undefined)
    this.#names.suspend(batch)
    return batch
  }

  #planOversized(draft: Draft, bytes: number): boolean {
    const batch = this.#batch
    this.#isBegun = true
    if (batch.isFailed || draft.doomed.has(batch)) return true
    const operation = { shape: unreadableShape('EXTENDED QUERY'), payload: unreadablePayload('Parse or Bind', bytes) }
    return draft.refuse(batch, words.tooLarge, { operation })
  }

  #planParse(draft: Draft, message: ParseMessage, raw: Bytes, classification: Classification | undefined): boolean {
    const batch = this.#batch
    const text = fromUtf8(message.text)
    const statement = prepared(message, text, classification)
    const step: ParseStep = { kind: 'parse', batch, raw, statement, slot: undefined }
    const refusal = this.#parseRefusal(message, text, classification)
    if (refusal !== undefined) {
      const payload = recordable(statementPayload(text, undefined, 'prepared'), 'PARSE')
      step.slot = { operation: { shape: refusal.shape, payload } }
      step.words = refusal.words
      draft.doomed.add(batch)
    }
    draft.steps.push(step)
    draft.parses.set(statement, step)
    batch.statements.set(message.name, statement)
    return true
  }

  #parseRefusal(
    message: ParseMessage,
    text: string,
    classification: Classification | undefined,
  ): ShapedWords | undefined {
    if (classification === undefined) return { shape: unreadableShape('PARSE'), words: words.notUtf8 }
    if (classification.kind !== 'statements')
      return { shape: classification.shape, words: refusedWords(classification) }
    const [first, second] = classification.statements
    if (first !== undefined && second !== undefined) {
      return { shape: incompleteShape(first.shape, 'several statements in one Parse'), words: words.severalStatements }
    }
    if (!isTextRecordable(text)) {
      return { shape: incompleteShape(first?.shape ?? unreadableShape('PARSE'), TOO_LARGE), words: words.tooLarge }
    }
    const { statements } = this.#names
    if (statements.size >= MAX_STATEMENTS || statements.weight + message.text.length > MAX_STATEMENT_WEIGHT) {
      const shape = first?.shape ?? unreadableShape('PARSE')
      return { shape: incompleteShape(shape, 'too many prepared statements'), words: words.tooManyStatements }
    }
    return undefined
  }

  #planBind(draft: Draft, message: BindMessage, raw: Bytes): boolean {
    const batch = this.#batch
    const meaning = this.#names.statements.meaning(message.statement, batch.statements)
    if (meaning.kind === 'uncertain') return false
    if (meaning.kind === 'none') return draft.refuse(batch, words.noStatement(message.statement))
    const statement = meaning.value
    const parameters = describeParameters(message, statement.parameterTypes)
    const exact = (): Bytes => exactParameters(message, statement.declaredTypes)
    const { resultFormats } = message
    const portal: Portal = { statement, parameters, exact, resultFormats, weight: 2 * raw.length + 256 }
    const slot = slotOf(statement, portal)
    const refusal = this.#bindRefusal(statement, portal, slot)
    if (refusal !== undefined && slot !== undefined) {
      const shape = incompleteShape(slot.operation.shape, refusal.reason)
      const payload = recordable(slot.operation.payload, 'Bind')
      return draft.refuse(batch, refusal.words, { operation: { shape, payload } })
    }
    draft.steps.push({ kind: 'bind', batch, raw, name: message.portal, portal, slot })
    batch.portals.set(message.portal, portal)
    const parse = draft.parses.get(statement)
    if (parse?.slot === undefined && parse !== undefined) parse.slot = slot
    draft.bound.set(portal, slot)
    return true
  }

  #bindRefusal(
    statement: PreparedStatement,
    portal: Portal,
    slot: Slot | undefined,
  ): { reason: string; words: Words } | undefined {
    if (slot !== undefined && !isRecordable(slot.operation.payload)) {
      return { reason: TOO_LARGE, words: words.tooLarge }
    }
    const { portals } = this.#names
    if (portals.size >= MAX_PORTALS || portals.weight + portal.weight > MAX_PORTAL_WEIGHT) {
      return { reason: 'too many portals', words: words.tooManyPortals }
    }
    if (statement.description?.kind !== 'rows' || !asksForBinary(portal.resultFormats)) return undefined
    const column = unreadableColumn(statement.description.columns, portal.resultFormats)
    if (column === undefined) return undefined
    return { reason: `binary result of type ${String(column.typeId)}`, words: words.binaryColumn(column.name) }
  }

  #planExecute(draft: Draft, name: string, raw: Bytes): boolean {
    const batch = this.#batch
    const meaning = this.#names.portals.meaning(name, batch.portals)
    if (meaning.kind === 'uncertain') return false
    if (meaning.kind === 'none') return draft.refuse(batch, words.noPortal(name))
    const portal = meaning.value
    const slot = draft.bound.has(portal) ? draft.bound.get(portal) : slotOf(portal.statement, portal, 'fetch')
    draft.steps.push({ kind: 'execute', batch, raw, name, portal, slot })
    return true
  }

  #planDescribe(draft: Draft, target: Target, name: string): boolean {
    const batch = this.#batch
    const meaning: Meaning<PreparedStatement | Portal> =
      target === 'statement'
        ? this.#names.statements.meaning(name, batch.statements)
        : this.#names.portals.meaning(name, batch.portals)
    if (meaning.kind === 'uncertain') return false
    // An unknown name is asked for all the same: nothing runs, and the server says that it does not exist.
    const known = meaning.kind === 'known' ? meaning.value : undefined
    const statement = known !== undefined && 'statement' in known ? known.statement : known
    draft.steps.push({ kind: 'describe', batch, target, name, statement })
    return true
  }
}

const TOO_LARGE = 'too large for a record'
/** Type byte of Query. */
const OVERSIZED_QUERY = 0x51
const NOTHING = new Uint8Array()

interface ShapedWords {
  readonly shape: Shape
  readonly words: Words
}

function prepared(message: ParseMessage, text: string, classification: Classification | undefined): PreparedStatement {
  const classified = classification?.kind === 'statements' ? classification.statements[0] : undefined
  const { name, parameterTypes } = message
  return { name, text, classified, declaredTypes: parameterTypes, parameterTypes, description: undefined }
}

/** The text of a message that has one and is UTF-8: what has to be classified before it is planned. */
export function textOf(arrival: Arrival): string | undefined {
  const { message } = arrival
  return message.kind === 'query' || message.kind === 'parse' ? parseUtf8(message.text) : undefined
}
