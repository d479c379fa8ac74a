/** The API over a recorded trail, and what alice's agent did there. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { type ApiServices, createApi } from '#api'
import { formatRef } from '#base'
import type { BoundaryAction, Decision, Person } from '#model'
import {
  alice,
  bob,
  calling,
  callSession,
  childSession,
  openRecordedTrail,
  ownSession,
  type RecordedTrail,
  selecting,
} from './recorded-trail.ts'

/** Dana audits. */
export const dana: Person = { ...bob, id: 'usr_dana', name: 'dana@example.com', groups: ['auditors'] }
const NAMES: Readonly<Record<string, string>> = {
  [alice.id]: alice.name,
  [bob.id]: bob.name,
  [dana.id]: dana.name,
}

/** The API over a recorded trail; its caller is the given person and may do what is given. */
export function apiOver(recorded: RecordedTrail, caller: Person, ...allowed: readonly BoundaryAction[]) {
  return apiWith(recorded, caller, allowed)
}

/** The same with services of a test's own; a body is posted. */
export function apiWith(
  { trail, reader }: RecordedTrail,
  caller: Person,
  allowed: readonly BoundaryAction[],
  own: Readonly<Record<string, unknown>> = {},
) {
  const decideBoundary = (_identity: unknown, action: BoundaryAction): Decision =>
    allowed.includes(action)
      ? { outcome: 'allow', policies: ['auditors'], policyHash: 'h' }
      : { outcome: 'deny', policies: [], policyHash: 'h' }
  const login = { kind: 'verified', identity: caller, tokenId: 't', grantId: 'g', grantEndsAtMs: 8e15 }
  const services = {
    clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
    policy: () => ({ decideBoundary }),
    trail,
    reader,
    logins: {
      verify: () => Promise.resolve(login),
      names: (ids: readonly string[]) => Promise.resolve(Object.fromEntries(ids.map((id) => [id, NAMES[id]]))),
      find: () => Promise.resolve(undefined),
      ...(own['logins'] as object | undefined),
    },
    explain: { explain: () => ['explained'] },
    evidence: own['evidence'],
    entitlements: own['entitlements'],
  } as unknown as ApiServices
  const app = createApi(services)
  const environment = { incoming: { socket: { remoteAddress: '127.0.0.1', remotePort: 1 } } }
  const headers = { authorization: 'Bearer good', 'content-type': 'application/json' }
  return async (path: string, body?: unknown): Promise<Response> => {
    const request = body === undefined ? { headers } : { headers, method: 'POST', body: JSON.stringify(body) }
    return await app.request(`/api/v1${path}`, request, environment)
  }
}

/** The body of an answer that must be good. */
export async function json<T>(asked: Promise<Response>): Promise<T> {
  const response = await asked
  assert.equal(response.status, 200)
  return (await response.json()) as T
}

/** Alice's agent looks somebody up, then a refund is held, approved by bob, and runs. */
export async function recordStory(t: TestContext) {
  const recorded = await openRecordedTrail(t)
  const event = { class: 'authorize-session', status: 'success', actor: alice, session: callSession } as const
  await recorded.event({ ...event, activity: 'open' })
  const lookup = await recorded.operation({
    session: callSession,
    decided: calling('lookup_customer'),
    payload: '{"tool":"lookup_customer","arguments":{"id":7}}',
  })
  const masking = { ruleset: '88e4', columns: [{ name: 'pan', rule: 'declared-pan', seen: 1, masked: 1 }] }
  const sql = await recorded.operation({
    session: childSession,
    decided: selecting('customers'),
    via: { server: 'ledger', childId: 'chd_1', tool: 'lookup_customer', cause: 'exact', calls: [lookup] },
    payload: '{"statement":"select id from customers where id = 7"}',
    outcome: { status: 'success', rows: 1, bytes: 9, durationMs: 1, masking },
  })
  const held = await recorded.operation({
    session: callSession,
    decided: calling('refund', { outcome: 'hold', need: 'payments-leads:1' }),
    payload: '{"tool":"refund","arguments":{"amount":250}}',
  })
  const ref = formatRef(held)
  const request = {
    class: 'entity-management',
    client: callSession.client,
    status: 'success',
    details: { entity: { type: 'request', uid: ref }, requester: alice.id, need: 'payments-leads:1' },
  } as const
  const asked = await recorded.event({ ...request, activity: 'request-open', actor: alice, session: callSession })
  const answer = { ...request.details, comment: 'ticket 4711' }
  const approved = await recorded.event({ ...request, activity: 'request-approve', actor: bob, details: answer })
  const ran = await recorded.operation({
    session: callSession,
    decided: calling('refund'),
    approval: { request: ref, records: [asked, approved], approvers: [bob.id], binding: 'b1'.repeat(32) },
    payload: '{"tool":"refund","arguments":{"amount":250}}',
  })
  await recorded.event({ ...event, activity: 'close' })
  await recorded.operation({ session: ownSession, decided: selecting('customers') })
  await recorded.caughtUp()
  return { recorded, lookup, sql, held, ref, asked, approved, ran }
}
