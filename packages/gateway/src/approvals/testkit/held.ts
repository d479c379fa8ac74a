import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Secret, toUtf8 } from '#base'
import {
  type ControlStore,
  type EventEntry,
  GatewayError,
  type HeldOperation,
  type IntentEntry,
  type Operation,
  type Person,
  type Session,
  type TrailEvent,
  type ViaFacts,
} from '#model'
import { openStore } from '#storage'
import { createSealer } from '#vault'
import { type ApprovalDesk, type ApprovalLimits, createApprovals } from '../index.ts'

/** Somebody whom the identity provider knows. */
export function person(name: string, groups: readonly string[], more: Partial<Person> = {}): Person {
  const id = `usr_${name}`
  return { kind: 'person', id, issuer: 'https://idp', subject: name, name, groups, mfa: true, ...more }
}

export const alice: Person = person('alice', ['support'])
export const bob: Person = person('bob', ['security'])
export const client = { address: '127.0.0.1', port: 7, tls: true }

const cards = { name: 'cards', kind: 'postgres', zone: 'cde', tables: ['public.customers'] } as const

/** What may differ between two held operations. */
export interface HeldFacts {
  readonly identity?: Session['identity']
  readonly resource?: Session['resource']
  readonly session?: Partial<Session>
  readonly operation?: Partial<Operation>
  readonly via?: ViaFacts
  readonly need?: string
  readonly scrubbed?: string
}

/** A held operation: alice's DELETE unless something else is said. */
export function held(facts: HeldFacts = {}): HeldOperation {
  const session: Session = {
    id: 's1',
    identity: facts.identity ?? alice,
    resource: facts.resource ?? cards,
    tokenId: 'tok_1',
    grantId: 'grt_1',
    startedAtMs: 1,
    endsAtMs: 2,
    client,
    ...facts.session,
  }
  const operation: Operation = {
    shape: { verb: 'DELETE', accesses: [], template: 'DELETE FROM customers WHERE id = ?', fingerprint: 'f1' },
    payload: toUtf8('{"statement":"DELETE FROM customers WHERE id = 7"}'),
    ...facts.operation,
  }
  const decision = {
    outcome: 'hold',
    policies: ['guard-delete'],
    policyHash: 'h'.repeat(64),
    code: 'SP_POLICY_NEEDS_APPROVAL',
    need: facts.need ?? 'security:1',
    reason: 'delete on customers needs an approval',
  } as const
  return {
    session,
    operation,
    scrubbed: facts.scrubbed === undefined ? operation.payload : toUtf8(facts.scrubbed),
    decided: { shape: operation.shape, decision },
    ...(facts.via === undefined ? {} : { via: facts.via }),
  }
}

/** A desk over a real store and a trail that is a list; time stands still until it is moved. */
export interface DeskUnderTest extends AsyncDisposable {
  readonly desk: ApprovalDesk
  readonly store: ControlStore
  readonly events: TrailEvent[]
  readonly state: { nowMs: number; trailWorks: boolean }
  /** Another desk on the same store: another gateway, or the same after a restart. */
  again(): Promise<ApprovalDesk>
}

/** Opens one. */
export async function openDesk(limits: Partial<ApprovalLimits> = {}): Promise<DeskUnderTest> {
  const folder = mkdtempSync(path.join(tmpdir(), 'sallyport-approvals-'))
  const store = await openStore({ file: path.join(folder, 'store.db') })
  const state = { nowMs: 1_000_000, trailWorks: true }
  const events: TrailEvent[] = []
  const record = async (entries: readonly (IntentEntry | EventEntry)[]): Promise<{ sequence: number }[]> => {
    await Promise.resolve()
    if (!state.trailWorks) throw new GatewayError('SP_TRAIL_UNAVAILABLE')
    return entries.map((entry) => {
      if (entry.kind !== 'event') throw new TypeError('requests write events')
      return { sequence: 100 + events.push(entry.event) - 1 }
    })
  }
  const again = (): Promise<ApprovalDesk> =>
    createApprovals({
      store: store.requests,
      keys: store.keys,
      sealer: createSealer(new Secret(new Uint8Array(32))),
      trail: { record, conclude: () => undefined },
      scrubber: {
        scrub: (bytes) => bytes,
        scrubText: (text) => text.replaceAll('4111111111111111', '411111******1111'),
      },
      clock: { nowMs: () => state.nowMs, monotonicMs: () => state.nowMs },
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      limits,
    })
  return {
    desk: await again(),
    store,
    events,
    state,
    again,
    [Symbol.asyncDispose]: async () => {
      await store.close()
      rmSync(folder, { recursive: true })
    },
  }
}

/** What the desk says to an answer of somebody, in a word. */
export async function answered(
  desk: ApprovalDesk,
  ref: string,
  by: Person,
  answer: 'approve' | 'deny' = 'approve',
): Promise<string> {
  const became = await desk.answer(ref, { identity: by, client }, answer, 'ticket 12')
  if (became.kind === 'answered') return became.request.status
  return became.kind === 'refused' ? became.code : became.kind
}
