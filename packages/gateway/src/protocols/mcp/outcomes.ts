import { hash } from 'node:crypto'
import type { Bytes, Clock } from '#base'
import { type ErrorCode, GatewayError, type Log, type Outcome, type OutcomeStatus, type Permit } from '#model'
import { isTrue, membersOf } from './codec/index.ts'
import type { Exchange } from './exchange.ts'
import { errorCodeOf } from './answers.ts'
import type { ServerAnswer } from './server-port.ts'

/** What an outcome says besides its times and sizes. */
export type OutcomeFacts = Pick<Outcome, 'status'> & Partial<Outcome>

/** Completes a permit; called once for each. */
export function conclude(clock: Clock, { open }: Exchange, permit: Permit, facts: OutcomeFacts): void {
  const durationMs = Math.round(clock.monotonicMs() - permit.admittedAtMonotonicMs)
  open.complete(permit, { rows: 0, bytes: 0, durationMs, ...facts })
}

/** How an answer of the server ended the call. MCP, Tools, Error Handling: "Tool Execution Errors: Reported in tool results with isError: true". */
export function statusOf({ kind, value }: ServerAnswer): OutcomeFacts {
  if (kind === 'error') return { status: 'error', errorCode: String(errorCodeOf(value)) }
  const isError = isTrue(value, membersOf(value, { start: 0, end: value.length }).get('isError'))
  return { status: isError ? 'error' : 'success' }
}

/** What the client received of a result: nothing, when it was gone. */
export function received(exchange: Exchange, value: Bytes): Pick<Outcome, 'bytes' | 'digest'> {
  if (!exchange.isConnected()) return { bytes: 0 }
  return { bytes: value.length, digest: hash('sha256', value) }
}

/** How a call ended that has no answer. */
export function failureStatus(code: ErrorCode): OutcomeStatus {
  switch (code) {
    case 'SP_BUSY':
      return 'skipped'
    case 'SP_TOOL_CHANGED':
      return 'refused'
    case 'SP_SESSION_REVOKED':
    case 'SP_SHUTDOWN':
      return 'cancelled'
    case 'SP_MASK_TOO_LARGE':
      return 'masking-refused'
    case 'SP_UPSTREAM_PROTOCOL':
      return 'error'
    default:
      return 'lost'
  }
}

/** Whatever was thrown as a fault with a code; what has none is logged and becomes a failure of the server's. */
export function toFault(error: unknown, log: Log): GatewayError {
  if (error instanceof GatewayError) return error
  log.error('mcp.failed', { error: String(error) })
  return new GatewayError('SP_TOOL_SERVER_FAILED', undefined, { cause: error })
}
