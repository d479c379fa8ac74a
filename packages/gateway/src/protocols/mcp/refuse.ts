import type { JsonObject } from '#base'
import { catalogue, type ErrorCode, type GatewayError, type PendingRequest, type Refusal } from '#model'
import type { Exchange } from './exchange.ts'
import { type Answer, errorAnswer, INTERNAL_ERROR, INVALID_PARAMS, REFUSED, resultAnswer } from './reply.ts'

/** The name under which the facts of a refusal lie in `_meta`, for programs. */
const REFUSAL_KEY = 'dev.sallyport/refusal'

/** For whom too much lies ready that they do not read. */
export const UNREAD_ANSWERS =
  'your clients have not read the answers that they have got; read them, or close their connections'

/** Codes for what went wrong rather than for a no. */
const faults: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'SP_TOOL_SERVER_FAILED',
  'SP_TOOL_TIMEOUT',
  'SP_ISOLATION_UNAVAILABLE',
  'SP_UPSTREAM_PROTOCOL',
])

/**
 * A refused tool call: a result that says so, so that the model reads it. Without `structuredContent`: clients check that against the tool's
 * own schema, and throw.
 */
export function refusedCall(refusal: Refusal, pending?: PendingRequest): Answer {
  const text = pending === undefined ? wordsOf(refusal) : heldWords(refusal, pending)
  return resultAnswer({
    // MCP 2026-07-28: "The result MUST include a resultType field"; to clients of before it is one member more.
    resultType: 'complete',
    content: [{ type: 'text', text }],
    isError: true,
    _meta: { [REFUSAL_KEY]: factsOf(refusal, pending) },
  })
}

/** Any other request that is refused. */
export function refusedRequest(refusal: Refusal): Answer {
  const code = faults.has(refusal.code) ? INTERNAL_ERROR : REFUSED
  return errorAnswer({ code, message: wordsOf(refusal), data: factsOf(refusal) })
}

/**
 * A tool that is not there, for this caller: one that does not exist and one that policy hides are not told apart. MCP, Tools, Error
 * Handling: unknown tools are protocol errors, -32602.
 */
export function unknownTool(name: string, ref: string | undefined): Answer {
  const words = `Unknown tool: ${printable(name)}${ref === undefined ? '' : ` [ref ${ref}]`}`
  const { meaning, next } = catalogue.SP_TOOL_UNKNOWN
  const message = `${words}: ${meaning}; ${next}`
  return errorAnswer({
    code: INVALID_PARAMS,
    message,
    data: factsOf({ code: 'SP_TOOL_UNKNOWN', message, ...(ref === undefined ? {} : { ref }) }),
  })
}

/** What a fault is about. */
interface FaultFacts {
  readonly resource?: string
  /** The reference, when what was asked is on record. */
  readonly ref?: string | undefined
}

/** What a fault in an exchange is about. */
export function about({ open }: Exchange, ref?: string): FaultFacts {
  return { resource: open.session.resource.name, ref }
}

/** A fault as a refusal. */
export function refusalOf(error: GatewayError, { resource = '<resource>', ref }: FaultFacts = {}): Refusal {
  const { meaning, next } = catalogue[error.code]
  const words = error.message === meaning ? meaning : `${meaning}: ${error.message}`
  const hint = next.replace('<resource>', resource).replace('<ref>', ref ?? '<ref>')
  return ref === undefined
    ? { code: error.code, message: words, hint }
    : { code: error.code, message: `${words} [ref ${ref}]`, hint, ref }
}

function wordsOf({ code, message, hint }: Refusal): string {
  const again = catalogue[code].retry === 'no' ? '\nDo not repeat it unchanged.' : ''
  return `${message}${hint === undefined ? '' : `\n${hint}`}${again}`
}

/** What a held call is told: what is held, who must say yes, with which command, and what to do then. */
function heldWords({ message }: Refusal, { ref, status, need, expiresAtMs }: PendingRequest): string {
  if (status === 'approved') {
    return `${message}\nIt is approved now: call the tool again with exactly the same arguments, before ${minute(expiresAtMs)}.`
  }
  return [
    message,
    `It waits for a person's approval (${need}). An approver runs: sallyport approve ${ref}`,
    `When it is approved, call the tool again with exactly the same arguments, before ${minute(expiresAtMs)}; until then a repetition only finds the same request.`,
  ].join('\n')
}

function factsOf({ code, ref }: Refusal, pending?: PendingRequest): JsonObject {
  const reference = pending?.ref ?? ref
  return {
    code,
    retry: catalogue[code].retry,
    ...(reference === undefined ? {} : { ref: reference }),
    ...(pending === undefined ? {} : { need: pending.need, expires: minute(pending.expiresAtMs) }),
  }
}

/** `2026-11-21T15:04Z`. */
function minute(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 16)}Z`
}

/** A name that a client gave, short and without what would command a terminal or a model's eye. */
function printable(text: string): string {
  return text.slice(0, 64).replaceAll(/[^ -~]+/g, '?')
}
