import { type Bytes, fromUtf8 } from '#base'
import { checkJson, type Span } from './json.ts'
import type { JsonLimits } from './limits.ts'
import { isArray, isObject, membersOf, textOf } from './members.ts'
import { noMessage } from './wire-error.ts'

/** A message of JSON-RPC 2.0 as it lies in its bytes. */
export type Message = RequestMessage | NotificationMessage | ResponseMessage

/** Something that wants an answer. */
export interface RequestMessage {
  readonly kind: 'request'
  /** The id as written, quotes and all: what the answer repeats. */
  readonly id: string
  readonly method: string
  /** Where its object lies. */
  readonly params?: Span
}

/** Something that wants none. */
export interface NotificationMessage {
  readonly kind: 'notification'
  readonly method: string
  readonly params?: Span
}

/** An answer. */
interface ResponseMessage {
  readonly kind: 'result' | 'error'
  /** The id as written; absent when the other side could not tell it. */
  readonly id?: string
  /** Where the result or the error object lies. */
  readonly value: Span
}

/** A longer id is no id: it would be kept while the request runs. */
const MAX_ID_BYTES = 256
const MAX_METHOD_BYTES = 128

/**
 * Reads one message: checks it whole, then finds what JSON-RPC asks for. No batches: 2025-06-18 removed them.
 *
 * @throws {WireError} `SP_WIRE_INVALID`, `SP_WIRE_TOO_LARGE`.
 * @see https://www.jsonrpc.org/specification
 */
export function readMessage(bytes: Bytes, limits: JsonLimits): Message {
  const whole = checkJson(bytes, limits)
  if (isArray(bytes, whole)) throw noMessage('batches are not taken: send one message at a time')
  if (!isObject(bytes, whole)) throw noMessage('a message is a JSON object')
  const members = membersOf(bytes, whole)
  if (textOf(bytes, members.get('jsonrpc')) !== '2.0') throw noMessage('jsonrpc must be "2.0"')
  const methodSpan = members.get('method')
  return methodSpan === undefined ? readResponse(bytes, members) : readCall(bytes, members, methodSpan)
}

function readCall(
  bytes: Bytes,
  members: ReadonlyMap<string, Span>,
  methodSpan: Span,
): RequestMessage | NotificationMessage {
  const method = textOf(bytes, methodSpan)
  if (method === undefined || method === '' || methodSpan.end - methodSpan.start > MAX_METHOD_BYTES) {
    throw noMessage(`method must be a string of at most ${MAX_METHOD_BYTES} bytes`)
  }
  if (members.has('result') || members.has('error')) throw noMessage('a message is a request or an answer, not both')
  const span = members.get('params')
  if (span !== undefined && !isObject(bytes, span)) throw noMessage('params must be an object')
  const params = span === undefined ? {} : { params: span }
  const id = members.get('id')
  if (id === undefined) return { kind: 'notification', method, ...params }
  return { kind: 'request', id: readId(bytes, id), method, ...params }
}

function readResponse(bytes: Bytes, members: ReadonlyMap<string, Span>): ResponseMessage {
  const [result, error, id] = [members.get('result'), members.get('error'), members.get('id')]
  if ((result === undefined) === (error === undefined)) throw noMessage('neither method nor one of result and error')
  // JSON-RPC 2.0, Response object: "If there was an error in detecting the id in the Request object, it MUST be Null."
  const known = id === undefined || bytes[id.start] === 0x6e ? {} : { id: readId(bytes, id) }
  if (result !== undefined) return { kind: 'result', ...known, value: result }
  if (error === undefined || !isObject(bytes, error)) throw noMessage('error must be an object')
  return { kind: 'error', ...known, value: error }
}

/** MCP, Requests: "Requests MUST include a string or integer ID. Unlike base JSON-RPC, the ID MUST NOT be null." */
function readId(bytes: Bytes, { start, end }: Span): string {
  const text = end - start > MAX_ID_BYTES ? '' : fromUtf8(bytes.subarray(start, end))
  if (!/^(?:"|-?\d+$)/.test(text)) throw noMessage(`id must be a string or an integer of at most ${MAX_ID_BYTES} bytes`)
  return text
}
