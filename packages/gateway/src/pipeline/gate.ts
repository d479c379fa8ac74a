import type { Clock, Ids } from '#base'
import {
  type Approvals,
  type Credentials,
  type Decision,
  type ErrorCode,
  type Gate,
  GatewayError,
  type Log,
  type OpenRequest,
  type OpenSession,
  type PayloadScrubber,
  type Policy,
  type Receipt,
  type Refusal,
  type RejectedCredential,
  type Revocation,
  type Session,
  type SessionEnd,
  type TrailEvent,
  type TrailOutlet,
  type VerifiedCredential,
} from '#model'
import { denied } from './denials.ts'
import { isTouched, type LiveSession, LiveSessions, type SessionLimits } from './live-sessions.ts'
import { JoinedSessions } from './joined-sessions.ts'
import { refusal } from './refusals.ts'
import { GatedSession, type SessionPorts } from './session.ts'

/** What the gate is made of. */
export interface GateOptions {
  readonly credentials: Credentials
  /** The policy in force now. */
  readonly policy: () => Policy
  readonly trail: TrailOutlet
  readonly scrubber: PayloadScrubber
  readonly approvals: Approvals
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Log
  /** Over all resources. */
  readonly limits: SessionLimits
}

/** The gate with what administrators need of it. */
export interface SessionGate extends Gate {
  list(): readonly LiveSession[]
  /** Ends one session; false when there is none of that id. */
  end(sessionId: string, end: SessionEnd): boolean
  endAll(end: SessionEnd): void
  /** Ends expired and idle sessions; to be called every second. */
  sweep(): void
}

/** All that the gate works with. */
type GatePorts = GateOptions & SessionPorts

/** Creates the gate through which every protocol opens its sessions. */
export function createGate(options: GateOptions): SessionGate {
  const live = new LiveSessions(options.clock, options.limits)
  const ports: GatePorts = { ...options, live }
  const joined = new JoinedSessions()
  options.credentials.onRevoked((revocation) => live.revoke(revocation))
  return {
    open: (request) => open(request, ports),
    join: (request) => open(request, ports, joined),
    list: () => live.list(),
    end: (id, end) => live.end(id, end),
    endAll: (end) => {
      live.endAll(end)
    },
    sweep: () => {
      live.sweep()
    },
  }
}

/** Verifies, and opens; with `joined` only when the token has no open session there, from where it comes. */
async function open(request: OpenRequest, ports: GatePorts, joined?: JoinedSessions): Promise<OpenSession | Refusal> {
  const { resource } = request
  // Not on record: it would be a record for each attempt of a flood. Who joins may have a session already.
  if (joined === undefined && ports.live.isFull) return refusal({ code: 'SP_BUSY', what: 'access', resource })
  const seen = ports.live.watch()
  try {
    const credential = await ports.credentials.verify(request.secret, resource, request.door)
    if (credential.kind === 'rejected') return await rejectCredential(request, credential, ports)
    const begin = (): Promise<OpenSession | Refusal> => beginSession(request, credential, seen, ports)
    return await (joined === undefined
      ? begin()
      : joined.join({ credential, resource: resource.name, client: request.client }, begin))
  } catch (error) {
    // Whatever failed, the answer is no; without a record there is no reference either.
    ports.log.error('session.open_failed', { resource: resource.name, error: String(error) })
    return refusal({ code: faultCode(error), what: 'access', resource })
  } finally {
    ports.live.unwatch(seen)
  }
}

async function beginSession(
  request: OpenRequest,
  credential: VerifiedCredential,
  seen: readonly Revocation[],
  ports: GatePorts,
): Promise<OpenSession | Refusal> {
  const { resource, client } = request
  const { identity, via } = credential
  const decision = ports.policy().decideConnect(identity, resource, ports.clock.nowMs(), client, via)
  if (decision.outcome !== 'allow') return await denyConnect(request, credential, decision, ports)
  if (!ports.live.hasRoomFor(identity.id)) {
    const busy = denied(
      decision,
      'SP_BUSY',
      'as many sessions as may be are open, of yours or of all; end one of yours or wait',
    )
    return await denyConnect(request, credential, busy, ports)
  }
  return await admitSession(request, credential, { decision, seen }, ports)
}

async function rejectCredential(
  request: OpenRequest,
  rejected: RejectedCredential,
  options: GateOptions,
): Promise<Refusal> {
  const { resource } = request
  const { code, identity, reason } = rejected
  const facts = { code, what: 'access', resource, ...(identity === undefined ? {} : { identity }), reason }
  if (request.unrecorded === true) return refusal(facts)
  const receipt = await recordEvent(options, {
    class: 'authentication',
    activity: 'token-refused',
    ...(identity === undefined ? {} : { actor: identity }),
    client: request.client,
    resource: resource.name,
    status: 'failure',
    code,
    details: { reason },
  })
  return refusal({ ...facts, sequence: receipt.sequence })
}

async function denyConnect(
  request: OpenRequest,
  credential: VerifiedCredential,
  decision: Decision,
  options: GateOptions,
): Promise<Refusal> {
  const { resource } = request
  const { identity } = credential
  const code = decision.outcome === 'hold' ? 'SP_POLICY_NEEDS_APPROVAL' : (decision.code ?? 'SP_POLICY_DENIED')
  const receipt = await recordEvent(options, {
    class: 'authorize-session',
    activity: 'open',
    actor: identity,
    client: request.client,
    resource: resource.name,
    status: 'failure',
    code,
    details: { ...decisionFacts(decision), token: credential.tokenId, grant: credential.grantId },
  })
  const facts = { code, what: 'access', resource, identity, sequence: receipt.sequence }
  return refusal(decision.reason === undefined ? facts : { ...facts, reason: decision.reason })
}

async function admitSession(
  request: OpenRequest,
  credential: VerifiedCredential,
  { decision, seen }: { readonly decision: Decision; readonly seen: readonly Revocation[] },
  ports: GatePorts,
): Promise<OpenSession> {
  const startedAtMs = Math.round(ports.clock.nowMs())
  const session: Session = {
    id: ports.ids.next(),
    identity: credential.identity,
    resource: request.resource,
    tokenId: credential.tokenId,
    grantId: credential.grantId,
    startedAtMs,
    endsAtMs: credential.grantEndsAtMs,
    client: request.client,
    ...(credential.via === undefined ? {} : { via: credential.via }),
  }
  const entry = {
    session,
    idleLimitMs: credential.idleLimitMs,
    controller: new AbortController(),
    lastActiveMonotonicMs: ports.clock.monotonicMs(),
    operations: 0,
    running: 0,
    holdings: ports.live.holdingsOf(session.identity.id),
  }
  // Listed before the record is written, so that a revocation in between finds it.
  ports.live.add(entry)
  // What was revoked after the credential was verified and before the session was listed.
  const revoked = seen.find((revocation) => isTouched(session, revocation))
  if (revoked !== undefined) {
    ports.live.remove(session.id)
    throw new GatewayError('SP_AUTH_TOKEN_UNKNOWN')
  }
  try {
    await recordEvent(ports, {
      class: 'authorize-session',
      activity: 'open',
      actor: session.identity,
      session,
      client: request.client,
      resource: session.resource.name,
      status: 'success',
      details: { ...decisionFacts(decision), ends: session.endsAtMs },
    })
  } catch (error) {
    ports.live.remove(session.id)
    throw error
  }
  return new GatedSession(entry, ports)
}

function decisionFacts(decision: Decision): { decision: string; policies: readonly string[]; policy_hash: string } {
  return { decision: decision.outcome, policies: decision.policies, policy_hash: decision.policyHash }
}

async function recordEvent(options: GateOptions, event: TrailEvent): Promise<Receipt> {
  const [receipt] = await options.trail.record([{ kind: 'event', timeMs: options.clock.nowMs(), event }])
  if (receipt === undefined) throw new Error('the trail gave no receipt')
  return receipt
}

function faultCode(error: unknown): ErrorCode {
  return error instanceof GatewayError ? error.code : 'SP_AUTH_UNAVAILABLE'
}
