import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Secret } from '#base'
import { type ApprovalDesk, createApprovals } from '#approvals'
import type { AskedFacts, DecidedShape, Identity, Person, Shape, TrailEvent } from '#model'
import { openStore } from '#storage'
import { createSealer } from '#vault'
import { alice, type Boundary, boundary, client } from './boundary.ts'

export const bob: Person = { ...alice, id: 'usr_b', subject: 'b', name: 'bob@example.com', groups: ['security'] }
export const remove: Shape = { verb: 'DELETE', accesses: [], template: 'DELETE FROM t', fingerprint: 'f3' }

/** A boundary whose policy holds every DELETE, with real approvals over a real store. */
export interface HeldBoundary extends Boundary, AsyncDisposable {
  readonly desk: ApprovalDesk
  /** What was recorded of requests. */
  readonly events: TrailEvent[]
  readonly holding: { need: string; trailWorks: boolean; openEach: number }
  approve(ref: string, by?: Identity): Promise<void>
  deny(ref: string, by?: Identity): Promise<void>
}

/** Opens one. */
export async function heldBoundary(openEach = 20): Promise<HeldBoundary> {
  const folder = mkdtempSync(path.join(tmpdir(), 'sallyport-holds-'))
  const store = await openStore({ file: path.join(folder, 'store.db') })
  const holding = { need: 'security:1', trailWorks: true, openEach }
  const events: TrailEvent[] = []
  const time = { nowMs: () => 0 }
  const desk = await createApprovals({
    store: store.requests,
    keys: store.keys,
    sealer: createSealer(new Secret(new Uint8Array(32))),
    trail: {
      record: async (entries) => {
        await Promise.resolve()
        if (!holding.trailWorks) throw new Error('the disk is full')
        return entries.map((entry) => {
          if (entry.kind === 'event') events.push(entry.event)
          return { sequence: 1_000 + events.length }
        })
      },
      conclude: () => undefined,
    },
    scrubber: { scrub: (bytes) => bytes, scrubText: (text) => text },
    clock: { nowMs: () => time.nowMs(), monotonicMs: () => time.nowMs() },
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    limits: { openEach },
  })
  const under = boundary(desk)
  time.nowMs = () => under.state.nowMs
  under.state.decide = (shape, asked) => decideHolding(shape, asked, holding.need)
  const answer = async (ref: string, identity: Identity, word: 'approve' | 'deny'): Promise<void> => {
    assert.equal((await desk.answer(ref, { identity, client }, word, '')).kind, 'answered')
  }
  return {
    ...under,
    desk,
    events,
    holding,
    approve: (ref, by = bob) => answer(ref, by, 'approve'),
    deny: (ref, by = bob) => answer(ref, by, 'deny'),
    [Symbol.asyncDispose]: async () => {
      await store.close()
      rmSync(folder, { recursive: true })
    },
  }
}

/** As policy does it: a hold, unless the very need was met. */
export function decideHolding(shape: Shape, asked: AskedFacts | undefined, need: string): DecidedShape {
  const base = { policies: ['guard'], policyHash: 'h' }
  if (shape.verb === 'DROP TABLE') return { shape, decision: { ...base, outcome: 'deny' } }
  if (shape.verb !== 'DELETE' || asked?.approved === need) return { shape, decision: { ...base, outcome: 'allow' } }
  const reason = `delete needs an approval: ${need}`
  return { shape, decision: { ...base, outcome: 'hold', code: 'SP_POLICY_NEEDS_APPROVAL', need, reason } }
}
