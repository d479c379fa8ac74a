import { type Bytes, concatBytes, fromUtf8, toUtf8 } from '#base'
import { isObject, membersOf, type Span, textOf } from './codec/index.ts'
import { type Answer, INTERNAL_ERROR } from './reply.ts'
import type { ServerAnswer } from './server-port.ts'

const COMPLETE = toUtf8('{"resultType":"complete"')
const CLOSE_BRACE = 0x7d

/** Codes of earlier revisions that 2026-07-28 says must not be emitted. */
const retiredCodes: ReadonlySet<number> = new Set([-32_002, -32_042])

/**
 * An answer of the server for its client: as it is, but for what 2026-07-28 says differently from 2025-11-25, which the server speaks. Undefined
 * when it is none of MCP.
 */
export function toClient(answer: ServerAnswer, isModern: boolean): Answer | undefined {
  const { kind, value } = answer
  const whole: Span = { start: 0, end: value.length }
  if (!isObject(value, whole)) return undefined
  if (kind === 'error')
    return isError(value, whole) ? { kind, value: isModern ? withoutReservedCode(value) : value } : undefined
  if (!isModern) return { kind, value }
  const typed = typeResult(value)
  return typed === undefined ? undefined : { kind, value: typed }
}

/** The code of an error object that was checked. */
export function errorCodeOf(value: Bytes): number {
  const code = membersOf(value, { start: 0, end: value.length }).get('code')
  return code === undefined ? Number.NaN : Number(fromUtf8(value.subarray(code.start, code.end)))
}

function isError(value: Bytes, whole: Span): boolean {
  return Number.isSafeInteger(errorCodeOf(value)) && textOf(value, membersOf(value, whole).get('message')) !== undefined
}

/** MCP 2026-07-28, Result Responses: "The result MUST include a resultType field". A server of before knows only complete ones. */
function typeResult(value: Bytes): Bytes | undefined {
  const members = membersOf(value, { start: 0, end: value.length })
  const type = members.get('resultType')
  if (type !== undefined) return textOf(value, type) === 'complete' ? value : undefined
  const rest = value.subarray(1)
  return members.size === 0
    ? concatBytes([COMPLETE, Uint8Array.of(CLOSE_BRACE)])
    : concatBytes([COMPLETE, Uint8Array.of(0x2c), rest])
}

/** MCP 2026-07-28, Error Codes: reserved codes only "with their specified meanings", retired ones not at all. */
function withoutReservedCode(value: Bytes): Bytes {
  const code = errorCodeOf(value)
  if (!retiredCodes.has(code) && (code > -32_020 || code < -32_099)) return value
  const span = membersOf(value, { start: 0, end: value.length }).get('code')
  if (span === undefined) return value
  return concatBytes([value.subarray(0, span.start), toUtf8(String(INTERNAL_ERROR)), value.subarray(span.end)])
}
