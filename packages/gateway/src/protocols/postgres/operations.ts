/** Which operations the messages ask for: a permit is for each of them, and its payload is what the record keeps. */
import { type Bytes, fromUtf8 } from '#base'
import { MAX_PAYLOAD_BYTES, type Operation } from '#model'
import type { ClassifiedStatement } from './classifier.ts'
import type { BindMessage } from './codec/index.ts'
import type { Portal, PreparedStatement } from './names.ts'
import { exactParameters, isRecordable, statementPayload, unreadablePayload } from './payload.ts'
import type { QueryPart, Slot } from './steps.ts'
import { unreadableShape } from './words.ts'

/** All payloads of one Query together. */
const MAX_QUERY_PAYLOAD = 2 * MAX_PAYLOAD_BYTES

/** Whether all parts of a Query fit into records. */
export function areRecordable(parts: readonly QueryPart[]): boolean {
  const payloads = parts.map(({ slot }) => slot.operation.payload)
  const bytes = payloads.reduce((sum, payload) => sum + payload.length, 0)
  return bytes <= MAX_QUERY_PAYLOAD && payloads.every(isRecordable)
}

/** The only part of a Query that does not fit into records. */
export function tooLarge(text: Bytes): QueryPart {
  const operation = { shape: unreadableShape('QUERY'), payload: unreadablePayload('QUERY', text.length) }
  return { slot: { operation }, end: text.length }
}

/** What asks for a statement with a portal's parameters; undefined for an empty one, which asks for nothing. */
export function slotOf(
  statement: PreparedStatement,
  portal: Pick<Portal, 'parameters' | 'exact'> | undefined,
  mark?: 'prepared' | 'fetch',
): Slot | undefined {
  if (statement.classified === undefined) return undefined
  const payload = statementPayload(statement.text, portal?.parameters, mark)
  const exact = portal?.exact ?? (() => exactParameters(NO_PARAMETERS, statement.declaredTypes))
  return { operation: { shape: statement.classified.shape, payload, exact } }
}

/** What a Parse that nothing binds has of its own. */
const NO_PARAMETERS: BindMessage = {
  kind: 'bind',
  portal: '',
  statement: '',
  parameterFormats: [],
  parameters: [],
  resultFormats: [],
}

/** Splits a string so that each byte is in exactly one part: comments between statements belong to the one behind them. */
export function partsOf(text: Bytes, statements: readonly ClassifiedStatement[]): readonly QueryPart[] {
  let start = 0
  return statements.map((statement, index) => {
    const isLast = index === statements.length - 1
    const own = fromUtf8(text.subarray(start, isLast ? text.length : statement.end))
    start = statement.end
    const payload = statementPayload(index === 0 ? own : own.replace(/^\s*;\s*/, ''))
    return { slot: { operation: { shape: statement.shape, payload } }, end: statement.end }
  })
}

/** A Query whose text cannot be read. */
export function notUtf8(text: Bytes): Operation {
  return { shape: unreadableShape('QUERY'), payload: unreadablePayload('not UTF-8', text.length) }
}
