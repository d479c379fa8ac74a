import { type Bytes, concatBytes, type Json, toUtf8 } from '#base'

/** What was wrong with a request that could not be read as one that asks something; such a request has no other record. */
export type Unread = 'body' | 'message' | 'version' | 'headers' | 'session' | 'params'

/** What goes back over HTTP. */
export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Bytes
  readonly contentType?: string
  readonly unread?: Unread
}

/** An answer in the words of JSON-RPC. */
export type Answer =
  | { readonly kind: 'result'; readonly value: Bytes }
  | {
      readonly kind: 'error'
      readonly value: Bytes
      /** The HTTP status, where the protocol wants another than 200. */ readonly status?: number
      readonly unread?: Unread
    }

/** JSON-RPC 2.0, Error object: "Method not found". */
export const METHOD_NOT_FOUND = -32601
/** JSON-RPC 2.0, Error object: "Invalid params". */
export const INVALID_PARAMS = -32602
/** JSON-RPC 2.0, Error object: "Internal error". */
export const INTERNAL_ERROR = -32603
/**
 * Sallyport's own no to a request that is no tool call. MCP 2026-07-28, Error Codes: "New error codes for purposes not defined by this
 * specification SHOULD be allocated outside the JSON-RPC reserved range".
 */
export const REFUSED = -31_000

/** The facts of an error object. */
export interface ErrorFacts {
  readonly code: number
  readonly message: string
  readonly data?: Json
  readonly unread?: Unread
}

/** An answer that is an error. */
export function errorAnswer(facts: ErrorFacts, status?: number): Answer {
  const { code, message, data, unread } = facts
  const value = json(data === undefined ? { code, message } : { code, message, data })
  return {
    kind: 'error',
    value,
    ...(status === undefined ? {} : { status }),
    ...(unread === undefined ? {} : { unread }),
  }
}

/** An answer with a result of our own. */
export function resultAnswer(result: Json): Answer {
  return { kind: 'result', value: json(result) }
}

/** The HTTP reply that carries an answer to a request; its id is repeated as it was written. */
export function replyWith(answer: Answer, id: string | undefined): Reply {
  const status = answer.kind === 'error' ? (answer.status ?? 200) : 200
  // MCP 2026-07-28, Error Responses: the same id "except in error cases where the ID could not be read", where it is left out.
  const head = `{"jsonrpc":"2.0",${id === undefined ? '' : `"id":${id},`}"${answer.kind}":`
  const body = concatBytes([toUtf8(head), answer.value, CLOSE])
  const unread = answer.kind === 'error' && answer.unread !== undefined ? { unread: answer.unread } : {}
  return { status, contentType: 'application/json', body, ...unread }
}

/** The HTTP reply to a request that could not be read as one. */
export function replyError(facts: ErrorFacts, status: number, id?: string): Reply {
  return replyWith(errorAnswer(facts, status), id)
}

export function json(value: Json): Bytes {
  return toUtf8(JSON.stringify(value))
}

const CLOSE = toUtf8('}')
