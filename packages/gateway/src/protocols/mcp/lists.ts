import { type Bytes, concatBytes, formatRef, type Json, toUtf8 } from '#base'
import { GatewayError, type Permit } from '#model'
import type { CallPorts } from './calls.ts'
import { isObject, membersOf, type Span } from './codec/index.ts'
import type { Exchange } from './exchange.ts'
import { conclude, received, toFault } from './outcomes.ts'
import { about, refusalOf, refusedRequest, UNREAD_ANSWERS } from './refuse.ts'
import { recordRefused } from './refused-operation.ts'
import { type Answer, errorAnswer, json, METHOD_NOT_FOUND } from './reply.ts'
import { maskAnswer } from './results.ts'
import type { LiveTool, ToolServerProcess } from './server-port.ts'

/** How long a client may keep a list. MCP 2026-07-28, Caching. */
const LIST_TTL_MS = 60_000

/** Answers `tools/list`, and says no to methods that are not passed on. */
export class Lists {
  readonly #ports: CallPorts

  constructor(ports: CallPorts) {
    this.#ports = ports
  }

  /**
   * Answers with the tools that were reviewed, that are still what was reviewed, and that policy shows to the caller: their definitions as the
   * server wrote them. Never rejects.
   */
  async list(exchange: Exchange): Promise<Answer> {
    try {
      return await this.#list(exchange)
    } catch (error) {
      return refusedRequest(refusalOf(toFault(error, this.#ports.log), about(exchange)))
    }
  }

  /** Says no to a method, which is recorded. */
  async refuseMethod(exchange: Exchange, method: string): Promise<Answer> {
    const { open, served, isModern } = exchange
    try {
      const ref = await recordRefused(open, served().classifier.method(method))
      const message = `Method not found: Sallyport passes on tools/list and tools/call only${ref === undefined ? '' : ` [ref ${ref}]`}`
      // MCP 2026-07-28, Protocol Version Header: 404 with -32601 for a method that is not implemented.
      return errorAnswer({ code: METHOD_NOT_FOUND, message }, isModern ? 404 : 200)
    } catch (error) {
      return refusedRequest(refusalOf(toFault(error, this.#ports.log), about(exchange)))
    }
  }

  async #list(exchange: Exchange): Promise<Answer> {
    const { open } = exchange
    const { tools } = await this.#ports.servers.take(open, exchange.served().server)
    if (!exchange.mayAnswer()) throw new GatewayError('SP_BUSY', UNREAD_ANSWERS)
    const served = exchange.served()
    const [verdict] = await open.admit([served.classifier.list()])
    if (verdict === undefined) throw new GatewayError('SP_TRAIL_UNAVAILABLE', 'a verdict is missing')
    if (verdict.kind === 'refusal') return refusedRequest(verdict.refusal)
    return this.#answer(exchange, verdict.permit, [...served.comparison.of(tools).reviewed.values()])
  }

  #answer(exchange: Exchange, permit: Permit, reviewed: readonly LiveTool[]): Answer {
    const { clock, masking } = this.#ports
    const { open, isModern } = exchange
    const shown = open.mayList(reviewed.map(({ name }) => name))
    const value = listOf(
      reviewed.filter((_, index) => shown[index] === true),
      isModern,
    )
    const masked = maskAnswer(value, masking)
    const summary = 'masking' in masked && masked.masking !== undefined ? { masking: masked.masking } : {}
    if (masked.kind === 'refused') {
      conclude(clock, exchange, permit, { status: 'masking-refused', errorCode: masked.code, ...summary })
      return refusedRequest(refusalOf(new GatewayError(masked.code), about(exchange, formatRef(permit.sequence))))
    }
    conclude(clock, exchange, permit, { status: 'success', ...received(exchange, value), ...summary })
    return { kind: 'result', value }
  }
}

function listOf(tools: readonly LiveTool[], isModern: boolean): Bytes {
  // A list differs from caller to caller. MCP 2026-07-28, Caching: private caches "MUST NOT be shared across authorization contexts".
  const modern = `"resultType":"complete","ttlMs":${String(LIST_TTL_MS)},"cacheScope":"private",`
  const parts: Bytes[] = [toUtf8(`{${isModern ? modern : ''}"tools":[`)]
  for (const [index, { definition }] of tools.entries()) parts.push(...(index === 0 ? [] : [COMMA]), definition)
  parts.push(toUtf8(']}'))
  return concatBytes(parts)
}

const COMMA = toUtf8(',')

/** What a client is told of the server: its name and version, card data taken out; of what else it says of itself, nothing. */
export function serverInfo({ initialize }: ToolServerProcess, resource: string, ports: CallPorts): Bytes {
  const whole: Span = { start: 0, end: initialize.length }
  const span = isObject(initialize, whole) ? membersOf(initialize, whole).get('serverInfo') : undefined
  const info = span === undefined || !isObject(initialize, span) ? undefined : initialize.slice(span.start, span.end)
  const isUsable = info !== undefined && maskAnswer(info, ports.masking).kind !== 'refused'
  return isUsable ? info : json({ name: resource, version: '0' } satisfies Json)
}
