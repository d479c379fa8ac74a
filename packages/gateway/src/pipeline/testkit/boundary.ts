import assert from 'node:assert/strict'
import { Secret } from '#base'
import {
  type Approvals,
  type AskedFacts,
  type Credentials,
  type DecidedShape,
  type EventEntry,
  GatewayError,
  type Identity,
  type IntentEntry,
  isRefusal,
  type OpenSession,
  type OutcomeEntry,
  type PayloadScrubber,
  type Person,
  type Policy,
  type Resource,
  type Revocation,
  type Session,
  type Shape,
  type TrailOutlet,
  type ViaLink,
} from '#model'
import { createGate, type SessionGate } from '../index.ts'

export const alice: Person = {
  kind: 'person',
  id: 'usr_a',
  issuer: 'https://idp',
  subject: 'a',
  name: 'alice@example.com',
  groups: ['support'],
  mfa: true,
}
export const cards: Resource = { name: 'cards', kind: 'postgres', zone: 'cde', tables: ['public.customers'] }
export const select: Shape = { verb: 'SELECT', accesses: [], template: 'SELECT ?', fingerprint: 'f1' }
export const drop: Shape = { verb: 'DROP TABLE', accesses: [], template: 'DROP TABLE x', fingerprint: 'f2' }
export const client = { address: '127.0.0.1', port: 1, tls: false }

/** Approvals that nobody ever gives and that nobody can ask for. */
const noApprovals: Approvals = {
  covers: () => Promise.resolve(false),
  take: () => Promise.resolve(undefined),
  ask: () => Promise.reject(new Error('nothing is ever held here')),
}

/** What a test may move. */
interface BoundaryState {
  nowMs: number
  identity: Identity
  tokenId: string
  via: ViaLink | undefined
  trailWorks: boolean
  listener: (revocation: Revocation) => void
  /** What policy says of a shape: SELECT may be done, nothing else. */
  decide: (shape: Shape, asked: AskedFacts | undefined, session: Session) => DecidedShape
}

/** A boundary under test. */
export interface Boundary {
  readonly gate: SessionGate
  readonly entries: (IntentEntry | EventEntry | OutcomeEntry)[]
  readonly trail: TrailOutlet
  readonly state: BoundaryState
  readonly scrubber: { scrub: PayloadScrubber['scrub'] }
  openSession(resource?: Resource): Promise<OpenSession>
}

/** What policy says by itself. */
function decideByShape(shape: Shape): DecidedShape {
  return { shape, decision: { outcome: shape === select ? 'allow' : 'deny', policies: [], policyHash: 'h' } }
}

/** A boundary over in-memory ports: the trail is a list, time stands still until it is moved. */
export function boundary(approvals: Approvals = noApprovals): Boundary {
  const state: BoundaryState = {
    nowMs: 1_000_000,
    identity: alice,
    tokenId: 'tok_1',
    via: undefined,
    trailWorks: true,
    listener: () => undefined,
    decide: decideByShape,
  }
  const entries: Boundary['entries'] = []
  const trail: TrailOutlet = {
    async record(batch) {
      await Promise.resolve()
      if (!state.trailWorks) throw new GatewayError('SP_TRAIL_UNAVAILABLE')
      return batch.map((entry) => ({ sequence: entries.push(entry) - 1 }))
    },
    conclude: (entry) => entries.push(entry),
  }
  const policy: Policy = {
    hash: 'h',
    decideConnect: () => ({ outcome: 'allow', policies: ['connect'], policyHash: 'h' }),
    decide: (session, shape, _nowMs, asked) => state.decide(shape, asked, session),
    decideList: (_session, tools) => tools.map(() => true),
    decideBoundary: () => ({ outcome: 'deny', policies: [], policyHash: 'h' }),
  }
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const clock = { nowMs: () => state.nowMs, monotonicMs: () => state.nowMs }
  const scrubber: Boundary['scrubber'] = { scrub: (payload) => payload }
  let ids = 0
  const gate = createGate({
    credentials: credentials(state),
    policy: () => policy,
    trail,
    scrubber,
    approvals,
    clock,
    ids: { next: () => `s${ids++}` },
    log,
    limits: { sessions: 8, operations: 16 },
  })
  const openSession = async (resource = cards): Promise<OpenSession> => {
    const answer = await gate.open({ resource, secret: new Secret('good'), client })
    assert.ok(!isRefusal(answer))
    return answer
  }
  return { gate, entries, trail, state, scrubber, openSession }
}

/** One secret is good, and it is whoever's the test says. */
function credentials(state: BoundaryState): Credentials {
  return {
    async verify(secret) {
      await Promise.resolve()
      if (secret.expose() !== 'good')
        return { kind: 'rejected', code: 'SP_AUTH_TOKEN_UNKNOWN', reason: 'not one of ours' }
      return {
        kind: 'verified',
        identity: state.identity,
        tokenId: state.tokenId,
        grantId: 'grt_1',
        grantEndsAtMs: state.nowMs + 3_600_000,
        idleLimitMs: 900_000,
        ...(state.via === undefined ? {} : { via: state.via }),
      }
    },
    onRevoked(listener) {
      state.listener = listener
      return () => undefined
    },
  }
}
