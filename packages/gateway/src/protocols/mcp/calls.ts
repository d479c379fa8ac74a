import { type Bytes, type Clock, concatBytes, formatRef, fromUtf8, toUtf8 } from '#base'
import { type ErrorCode, GatewayError, isMinted, type Log, type Masking, type Permit, type Verdict } from '#model'
import { toClient } from './answers.ts'
import { CallTime } from './call-time.ts'
import type { CallFacts } from './classify.ts'
import { isObject, membersOf, textOf } from './codec/index.ts'
import type { Exchange, Params } from './exchange.ts'
import { conclude, failureStatus, received, statusOf, toFault } from './outcomes.ts'
import { about, refusalOf, refusedCall, unknownTool, UNREAD_ANSWERS } from './refuse.ts'
import { recordRefused } from './refused-operation.ts'
import { type Answer, errorAnswer, INVALID_PARAMS, REFUSED } from './reply.ts'
import { type MaskedAnswer, maskAnswer } from './results.ts'
import type { CallRequest, ServerAnswer, ToolServerProcess, ToolServers, Turn } from './server-port.ts'

/** What calls work with. */
export interface CallPorts {
  readonly servers: ToolServers
  readonly masking: Masking
  readonly clock: Clock
  readonly log: Log
}

/** Longer names are no names of tools. */
const MAX_TOOL_NAME = 128
const NOT_STARTED = 'its MCP server could not be started'
const NO_TURN = 'it had no turn at the MCP server'
const TOO_LATE = 'the calls before it took so long that its turn did not come within'
const CHANGED = 'its definition is not the one that was reviewed'
const NO_RESULT = 'the MCP server answered with what is no result'

/** Refusals of which somebody from whom policy hides the tool learns no more than that there is no such tool. */
const hiding: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'SP_POLICY_DENIED',
  'SP_POLICY_FORBIDDEN',
  'SP_TOOL_UNKNOWN',
])

/**
 * Answers `tools/call`: it waits for its turn at the caller's server; in it, it is classified, decided and recorded, and then sent with nothing to
 * wait for in between; masked and concluded. Never rejects.
 */
export async function answerCall(exchange: Exchange, params: Params, ports: CallPorts): Promise<Answer> {
  const facts = readCall(params)
  if (typeof facts === 'string') return errorAnswer({ code: INVALID_PARAMS, message: facts, unread: 'params' })
  try {
    return await admitCall(exchange, facts, ports)
  } catch (error) {
    return refusedCall(refusalOf(toFault(error, ports.log), about(exchange)))
  }
}

/** The facts of a call, or what is wrong with its params. */
function readCall({ body, params }: Params): CallFacts | string {
  const members = params === undefined ? undefined : membersOf(body, params)
  const tool = textOf(body, members?.get('name'))
  if (tool === undefined) return 'params.name must be the name of a tool'
  const span = members?.get('arguments')
  if (span === undefined) return { tool, arguments: '{}', names: [] }
  if (!isObject(body, span)) return 'params.arguments must be an object'
  return {
    tool,
    arguments: fromUtf8(body.subarray(span.start, span.end)),
    names: [...membersOf(body, span).keys()],
  }
}

async function admitCall(exchange: Exchange, facts: CallFacts, ports: CallPorts): Promise<Answer> {
  const { open } = exchange
  const { classifier, server } = exchange.served()
  if (facts.tool.length > MAX_TOOL_NAME || classifier.pinned(facts.tool) === undefined) {
    const short = { ...facts, tool: facts.tool.slice(0, MAX_TOOL_NAME) }
    // The name is the client's own text, and may be anything.
    return unknownTool(ports.masking.scrubber.scrubText(short.tool), await recordRefusedCall(exchange, short))
  }
  let process: ToolServerProcess
  try {
    process = await ports.servers.take(open, server)
  } catch (error) {
    const fault = toFault(error, ports.log)
    return refusedCall(refusalOf(fault, about(exchange, await recordRefusedCall(exchange, facts, NOT_STARTED))))
  }
  using time = new CallTime(server.settings.limits.callSeconds, [exchange.signal, open.ended])
  const waited = await turnOf(process, time.signal)
  if ('error' in waited) return await refuseWithoutTurn(exchange, facts, waited.error, ports)
  using turn = waited
  if (!exchange.mayAnswer()) {
    return await refuseWithoutTurn(exchange, facts, new GatewayError('SP_BUSY', UNREAD_ANSWERS), ports)
  }
  const now = exchange.served()
  if (!now.comparison.of(turn.tools).reviewed.has(facts.tool)) return await refuseChanged(exchange, facts)
  const [verdict] = await open.admit([now.classifier.call(facts)])
  return verdict?.kind === 'permit'
    ? await forward(exchange, { turn, permit: verdict.permit, signal: time.signal }, ports)
    : answerRefusal(exchange, facts, verdict)
}

/** A turn, or why there is none. */
async function turnOf(process: ToolServerProcess, signal: AbortSignal): Promise<Turn | { readonly error: unknown }> {
  try {
    return await process.turn(signal)
  } catch (error) {
    return { error }
  }
}

async function refuseWithoutTurn(
  exchange: Exchange,
  facts: CallFacts,
  error: unknown,
  { log }: CallPorts,
): Promise<Answer> {
  const ref = await recordRefusedCall(exchange, facts, NO_TURN)
  if (exchange.signal.aborted) return takenBack()
  const fault = toFault(error, log)
  const { callSeconds } = exchange.served().server.settings.limits
  // Nothing was sent, so it can be tried again whatever it does.
  const busy =
    fault.code === 'SP_TOOL_TIMEOUT' ? new GatewayError('SP_BUSY', `${TOO_LATE} ${String(callSeconds)} s`) : fault
  return refusedCall(refusalOf(busy, about(exchange, ref)))
}

/** Records a call that is refused whatever policy says; its reference. */
async function recordRefusedCall(
  { open, served }: Exchange,
  facts: CallFacts,
  problem?: string,
): Promise<string | undefined> {
  return await recordRefused(open, served().classifier.call(facts, problem))
}

async function refuseChanged(exchange: Exchange, facts: CallFacts): Promise<Answer> {
  const ref = await recordRefusedCall(exchange, facts, CHANGED)
  return isListed(exchange, facts.tool)
    ? refusedCall(refusalOf(new GatewayError('SP_TOOL_CHANGED'), about(exchange, ref)))
    : unknownTool(facts.tool, ref)
}

function answerRefusal(exchange: Exchange, facts: CallFacts, verdict: Verdict | undefined): Answer {
  if (verdict?.kind !== 'refusal') throw new GatewayError('SP_TRAIL_UNAVAILABLE', 'a verdict is missing')
  const { refusal, pending } = verdict
  if (hiding.has(refusal.code) && !isListed(exchange, facts.tool)) return unknownTool(facts.tool, refusal.ref)
  return refusedCall(refusal, pending)
}

/** Whether policy shows the tool to the caller. */
function isListed({ open }: Exchange, tool: string): boolean {
  return open.mayList([tool])[0] === true
}

/** A call that may be sent, in the turn that it has. */
interface Permitted {
  readonly turn: Turn
  readonly permit: Permit
  readonly signal: AbortSignal
}

/** Sends what was permitted, exactly that, and answers with what comes back. Completes the permit, once. */
async function forward(exchange: Exchange, { turn, permit, signal }: Permitted, ports: CallPorts): Promise<Answer> {
  let answer: ServerAnswer
  try {
    answer = await turn.call(requestOf(permit), signal)
  } catch (error) {
    return answerFailure(exchange, permit, error, ports)
  }
  const masked = maskAnswer(answer.value, ports.masking)
  if (masked.kind === 'refused') return withhold(exchange, permit, masked, ports)
  const outgoing = toClient(answer, exchange.isModern)
  if (outgoing === undefined) {
    return answerFailure(exchange, permit, new GatewayError('SP_UPSTREAM_PROTOCOL', NO_RESULT), ports)
  }
  conclude(ports.clock, exchange, permit, {
    ...statusOf(answer),
    ...received(exchange, outgoing.value),
    ...(masked.kind === 'masked' ? { masking: masked.masking } : {}),
  })
  return outgoing
}

/** The request for the server, made of what the permit is for and of nothing else: no token, no metadata of the client. */
function requestOf(permit: Permit): CallRequest {
  if (!isMinted(permit)) throw new TypeError('a call needs a permit')
  const [access] = permit.operation.shape.accesses
  const tool = access?.object.kind === 'tool' ? access.object.name : undefined
  if (tool === undefined || permit.operation.arguments === undefined) throw new TypeError('the permit is for no call')
  const args = onOneLine(toUtf8(permit.operation.arguments))
  return {
    method: 'tools/call',
    tool,
    params: concatBytes([toUtf8(`{"name":${JSON.stringify(tool)},"arguments":`), args, toUtf8('}')]),
    sequence: permit.sequence,
  }
}

/** MCP, stdio: "Messages are delimited by newlines, and MUST NOT contain embedded newlines"; in JSON they can only be white space. */
function onOneLine(json: Bytes): Bytes {
  return json.map((byte) => (byte === 0x0a || byte === 0x0d ? 0x20 : byte))
}

/** Nothing came back that could be passed on. */
function answerFailure(exchange: Exchange, permit: Permit, error: unknown, { clock, log }: CallPorts): Answer {
  if (exchange.signal.aborted || exchange.open.ended.aborted) {
    conclude(clock, exchange, permit, { status: 'cancelled' })
    if (!exchange.open.ended.aborted) return takenBack()
    return refusedCall(refusalOf(new GatewayError('SP_SESSION_REVOKED'), about(exchange, formatRef(permit.sequence))))
  }
  const fault = toFault(error, log)
  conclude(clock, exchange, permit, { status: failureStatus(fault.code), errorCode: fault.code })
  return refusedCall(refusalOf(fault, about(exchange, formatRef(permit.sequence))))
}

function takenBack(): Answer {
  return errorAnswer({ code: REFUSED, message: 'the request was cancelled' })
}

/** Something came back that must not leave. */
function withhold(
  exchange: Exchange,
  permit: Permit,
  { code, masking }: Extract<MaskedAnswer, { kind: 'refused' }>,
  { clock }: CallPorts,
): Answer {
  conclude(clock, exchange, permit, {
    status: 'masking-refused',
    errorCode: code,
    ...(masking === undefined ? {} : { masking }),
  })
  return refusedCall(refusalOf(new GatewayError(code), about(exchange, formatRef(permit.sequence))))
}
