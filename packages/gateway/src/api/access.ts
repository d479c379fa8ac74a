import { type FailedAttempts, formatRef, type JsonObject, Secret } from '#base'
import {
  type BoundaryAction,
  catalogue,
  type ClientAddress,
  type Decision,
  type ErrorCode,
  GatewayError,
  type Identity,
  type Revocation,
  type TrailEvent,
} from '#model'
import type { ApiLogin, ApiServices } from './services.ts'

/** Who calls, proven by the bearer token. */
export interface Caller {
  readonly identity: Identity
  readonly client: ClientAddress
  readonly login: Pick<ApiLogin, 'tokenId' | 'grantId' | 'grantEndsAtMs'>
}

/** A "no" of the API, with the reference under which it is on record. */
export class ApiRefusal extends Error {
  readonly code: ErrorCode
  readonly ref: string | undefined
  /** The reference of what was asked for, where that has one of its own: what to look at next. */
  readonly about: string | undefined

  constructor(code: ErrorCode, detail?: string, ref?: string, about?: string) {
    super(detail ?? code)
    this.code = code
    this.ref = ref
    this.about = about
  }
}

/**
 * RFC 6750 §2.1: `Authorization: Bearer b64token`; nothing else is read for a token. A token that is refused is on record (PCI DSS 10.2.1.4
 * asks for every invalid access attempt), unless too many of its address were just now.
 *
 * @throws {ApiRefusal} when there is none, or none that is good. @throws {GatewayError} `SP_TRAIL_UNAVAILABLE` when that cannot be recorded.
 */
export async function authenticate(
  services: ApiServices,
  refused: FailedAttempts,
  authorization: string | undefined,
  client: Caller['client'],
): Promise<Caller> {
  const token = /^Bearer ([A-Za-z0-9._~+/-]{1,8192}=*)$/i.exec(authorization ?? '')?.[1]
  if (token === undefined) throw new ApiRefusal('SP_API_UNAUTHENTICATED')
  const login = await services.logins.verify(new Secret(token))
  if (login.kind === 'verified') return { identity: login.identity, client, login }
  if (refused.isBlocked(client.address)) throw new ApiRefusal('SP_AUTH_FAILED_ATTEMPTS')
  refused.note(client.address)
  // What was wrong is for the record; whoever tries a token is only told that it is not good.
  const ref = await record(services, {
    class: 'authentication',
    activity: 'token-refused',
    ...(login.identity === undefined ? {} : { actor: login.identity }),
    client,
    status: 'failure',
    code: login.code,
    details: { reason: login.reason },
  })
  throw new ApiRefusal('SP_API_UNAUTHENTICATED', catalogue.SP_API_UNAUTHENTICATED.meaning, ref)
}

/** Whether a revocation ends what a caller has begun. */
export function isTouched({ identity, login }: Caller, revocation: Revocation): boolean {
  return (
    revocation.tokenId === login.tokenId ||
    revocation.grantId === login.grantId ||
    revocation.identityId === identity.id
  )
}

/** What is about to be done, for its record. */
export interface Deed {
  readonly action: BoundaryAction
  /** Closed list in `docs/spec/record.md`. */
  readonly activity: string
  readonly details?: JsonObject
}

/**
 * Decides whether the caller may do a deed and records the answer, before it is done: PCI DSS 10.2.1.3 asks for every access to the trail.
 *
 * Answers the reference of that record.
 *
 * @throws {ApiRefusal} when policy says no. @throws {GatewayError} `SP_TRAIL_UNAVAILABLE` when it cannot be recorded.
 */
export async function authorize(services: ApiServices, caller: Caller, deed: Deed): Promise<string> {
  const decision = services.policy().decideBoundary(caller.identity, deed.action, services.clock.nowMs(), caller.client)
  const allowed = decision.outcome === 'allow'
  const ref = await record(services, deedEvent(caller, deed, decision))
  if (!allowed) throw new ApiRefusal(decision.code ?? 'SP_POLICY_DENIED', decision.reason, ref)
  return ref
}

/** Whether policy would let the caller do this; records nothing. */
export function may(services: ApiServices, caller: Caller, action: BoundaryAction): boolean {
  return (
    services.policy().decideBoundary(caller.identity, action, services.clock.nowMs(), caller.client).outcome === 'allow'
  )
}

/** Records a deed that needs no permit of its own (reading what one did oneself), or has it; answers the reference of the record. */
export async function recordOwn(
  services: ApiServices,
  caller: Caller,
  activity: string,
  details: JsonObject,
): Promise<string> {
  const { identity: actor, client } = caller
  return await record(services, { class: 'api-activity', activity, actor, client, status: 'success', details })
}

/** Records an attempt on something that is not there for the caller, and perhaps for nobody; answers the reference of the record. */
export async function recordNotFound(
  services: ApiServices,
  caller: Caller,
  activity: string,
  details: JsonObject,
): Promise<string> {
  const { identity: actor, client } = caller
  const code = 'SP_API_NOT_FOUND'
  return await record(services, { class: 'api-activity', activity, actor, client, status: 'failure', code, details })
}

function deedEvent(caller: Caller, deed: Deed, decision: Decision): TrailEvent {
  const { identity: actor, client } = caller
  const facts = { decision: decision.outcome, policies: decision.policies, policy_hash: decision.policyHash }
  const base = {
    class: 'api-activity',
    activity: deed.activity,
    actor,
    client,
    details: { action: deed.action, ...facts, ...deed.details },
  } as const
  return decision.outcome === 'allow'
    ? { ...base, status: 'success' }
    : { ...base, status: 'failure', code: decision.code ?? 'SP_POLICY_DENIED' }
}

async function record(services: ApiServices, event: TrailEvent): Promise<string> {
  const [receipt] = await services.trail.record([{ kind: 'event', timeMs: services.clock.nowMs(), event }])
  if (receipt === undefined) throw new GatewayError('SP_TRAIL_UNAVAILABLE')
  return formatRef(receipt.sequence)
}
