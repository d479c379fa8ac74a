/**
 * A gate in memory for the tests of protocols: it permits by a predicate, keeps what it admitted and how each ended, and its trail can be
 * switched off. It demands what the pipeline demands: one completion per permit.
 */
import { type Clock, formatRef, fromUtf8, type Secret } from '#base'
import {
  catalogue,
  type ErrorCode,
  type Gate,
  GatewayError,
  isRefusal,
  type OpenRequest,
  type OpenSession,
  type Operation,
  type Outcome,
  type PendingRequest,
  type Permit,
  type Refusal,
  type Session,
  type SessionEnd,
  type Verdict,
  type ViaLink,
} from '#model'
import { mint } from '#model/mint'

/** A clock of this process. */
export const processClock: Clock = {
  nowMs: () => performance.timeOrigin + performance.now(),
  monotonicMs: () => performance.now(),
}

/** One admitted (or refused) operation, and how it ended. */
interface Admission {
  readonly sequence: number
  readonly verb: string
  readonly payload: Readonly<Record<string, unknown>>
  readonly kind: Verdict['kind']
  readonly operation: Operation
  outcome?: Outcome
}

/** What a test gate is made of. */
export interface TestGateOptions {
  /** Who a token belongs to; undefined refuses it as unknown. Without it the token `let me in` is alice's. */
  readonly identify?: (token: string) => string | undefined
  /** Whether an operation may run: true, or the code of the refusal. Without it what is complete may. */
  readonly permits?: (operation: Operation) => true | ErrorCode
  /** Whether a tool of an MCP server is shown. Without it all are. */
  readonly lists?: (tool: string) => boolean
  /** The request for an operation that is held. */
  readonly pending?: (operation: Operation) => PendingRequest
  /** The MCP server through which everybody comes. */
  readonly via?: ViaLink
  readonly clock?: Clock
}

/** The gate with what it saw. */
export interface TestGate extends Gate {
  /** Everything admitted or refused, in order, over all sessions. */
  readonly admissions: Admission[]
  /** How many operations each call of `admit` had. */
  readonly batches: number[]
  readonly opened: Session[]
  readonly closed: SessionEnd[]
  /** While true, the trail cannot be written. */
  trailDown: boolean
  /** While set, admissions wait for it. */
  hold: Promise<void> | undefined
  /** Ends every open session. */
  endAll(end: SessionEnd): void
  /** How many permits are not completed yet. */
  unsettled(): number
}

/** Makes a gate in memory. */
export function createTestGate(options: TestGateOptions = {}): TestGate {
  const clock = options.clock ?? processClock
  const identify = options.identify ?? ((token: string) => (token === 'let me in' ? 'alice' : undefined))
  const permits =
    options.permits ??
    ((operation: Operation) => (operation.shape.incomplete === undefined ? true : 'SP_OPERATION_INCOMPLETE'))
  const controllers = new Set<AbortController>()
  const joined = new Map<string, OpenSession>()
  const gate: TestGate = {
    admissions: [],
    batches: [],
    opened: [],
    closed: [],
    trailDown: false,
    hold: undefined,
    endAll: (end) => {
      for (const controller of controllers) controller.abort(end)
    },
    unsettled: () => gate.admissions.filter((one) => one.kind === 'permit' && one.outcome === undefined).length,
    join: async (request) => {
      const key = `${exposed(request.secret)}\n${request.resource.name}`
      const known = joined.get(key)
      if (known?.ended.aborted === false) return known
      const opened = await gate.open(request)
      if (!isRefusal(opened)) joined.set(key, opened)
      return opened
    },
    open: async (request) => {
      await Promise.resolve()
      if (gate.trailDown) return refusal('SP_TRAIL_UNAVAILABLE')
      const name = identify(exposed(request.secret))
      if (name === undefined) return refusal('SP_AUTH_TOKEN_UNKNOWN')
      if (name in catalogue) return refusal(name as ErrorCode)
      return openSession(gate, request, name, { ...options, clock, permits, controllers })
    },
  }
  return gate
}

interface Context extends TestGateOptions {
  readonly clock: Clock
  readonly permits: (operation: Operation) => true | ErrorCode
  readonly controllers: Set<AbortController>
}

function openSession(gate: TestGate, request: OpenRequest, name: string, context: Context): OpenSession {
  const controller = new AbortController()
  context.controllers.add(controller)
  const session: Session = {
    id: `session-${String(gate.opened.length + 1)}`,
    identity: { kind: 'person', id: `person-${name}`, issuer: 'test', subject: name, name, groups: [], mfa: true },
    resource: request.resource,
    tokenId: 'token-1',
    grantId: 'grant-1',
    startedAtMs: context.clock.nowMs(),
    endsAtMs: context.clock.nowMs() + 3_600_000,
    client: request.client,
    ...(context.via === undefined ? {} : { via: context.via }),
  }
  gate.opened.push(session)
  let isClosed = false
  const own = new Set<Admission>()
  return {
    session,
    ended: controller.signal,
    admit: async (batch) => {
      await (gate.hold ?? Promise.resolve())
      if (controller.signal.aborted) throw new GatewayError('SP_SESSION_REVOKED', 'the session has ended')
      gate.batches.push(batch.length)
      if (gate.trailDown) throw new GatewayError('SP_TRAIL_UNAVAILABLE')
      const verdicts = batch.map((operation) => admitOne(gate, operation, context))
      for (const admission of gate.admissions.slice(-batch.length)) own.add(admission)
      return verdicts
    },
    complete: (permit: Permit, outcome: Outcome) => {
      const admission = gate.admissions[permit.sequence]
      if (admission === undefined) throw new Error(`permit ${String(permit.sequence)} was never given`)
      // As in the pipeline: what its session's end left behind has an outcome already.
      if (isClosed && admission.outcome?.status === 'lost') return
      if (admission.outcome !== undefined) throw new Error(`permit ${String(permit.sequence)} was completed twice`)
      admission.outcome = outcome
    },
    touch: () => undefined,
    mayList: (tools) => tools.map((tool) => context.lists?.(tool) ?? true),
    close: async (end) => {
      if (isClosed) return
      isClosed = true
      for (const admission of own) {
        if (admission.kind === 'permit') admission.outcome ??= { status: 'lost', rows: 0, bytes: 0, durationMs: 0 }
      }
      await Promise.resolve()
      context.controllers.delete(controller)
      if (!controller.signal.aborted) controller.abort(end)
      gate.closed.push(end)
    },
  }
}

function admitOne(gate: TestGate, operation: Operation, context: Context): Verdict {
  const sequence = gate.admissions.length
  const answer = context.permits(operation)
  const payload = JSON.parse(fromUtf8(operation.payload)) as Record<string, unknown>
  const kind = answer === true ? 'permit' : 'refusal'
  gate.admissions.push({ sequence, verb: operation.shape.verb, payload, kind, operation })
  if (answer === true) return { kind: 'permit', permit: mint(operation, sequence, context.clock.monotonicMs()) }
  const pending = answer === 'SP_POLICY_NEEDS_APPROVAL' ? context.pending?.(operation) : undefined
  const ref = pending?.ref ?? formatRef(sequence)
  const message = `${operation.shape.verb} denied: ${catalogue[answer].meaning} [ref ${ref}]`
  const refusal: Refusal = { code: answer, message, hint: catalogue[answer].next, ref }
  return { kind: 'refusal', refusal, ...(pending === undefined ? {} : { pending }) }
}

function refusal(code: ErrorCode): Refusal {
  return { code, message: catalogue[code].meaning, hint: catalogue[code].next }
}

function exposed(secret: Secret<string>): string {
  return secret.expose()
}
