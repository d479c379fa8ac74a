/** The reading side over a trail that the writing side wrote. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { hashLeaf, isIncluded } from '@sallyport/verifier'
import { canonicalJson, formatRef } from '#base'
import type { RecordQuery, UseQuery } from '#model/read'
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
} from '../../testkit/recorded-trail.ts'
import { openTrailReader } from './reader.ts'

const client = { address: '10.0.0.1', port: 4_000 }
const way = { server: 'ledger', childId: 'chd_1' }

/** A refund that is held, approved by bob and runs; a look-up whose SQL is recorded; a query at the child's start; alice's own SQL. */
async function story(t: TestContext) {
  const recorded = await openRecordedTrail(t)
  const opened = await recorded.event({
    class: 'authorize-session',
    activity: 'open',
    actor: alice,
    session: childSession,
    status: 'success',
    details: { decision: 'allow', policies: ['tools-connect'] },
  })
  const atStart = await recorded.operation({
    session: childSession,
    decided: selecting('settings'),
    via: { ...way, cause: 'none', calls: [] },
  })
  const lookup = await recorded.operation({ session: callSession, decided: calling('lookup_customer') })
  const sql = await recorded.operation({
    session: childSession,
    decided: selecting('customers'),
    via: { ...way, tool: 'lookup_customer', cause: 'exact', calls: [lookup] },
  })
  const hold = { outcome: 'hold', policies: ['refunds-above-100'], need: 'payments-leads:1' } as const
  const held = await recorded.operation({ session: callSession, decided: calling('refund', hold) })
  const ref = formatRef(held)
  const about = { entity: { type: 'request', uid: ref } }
  const request = { class: 'entity-management', client, status: 'success', details: about } as const
  const asked = await recorded.event({ ...request, activity: 'request-open', actor: alice })
  const approved = await recorded.event({ ...request, activity: 'request-approve', actor: bob })
  const ran = await recorded.operation({
    session: callSession,
    decided: calling('refund'),
    approval: { request: ref, records: [asked, approved], approvers: [bob.id], binding: 'b1'.repeat(32) },
  })
  const both = await recorded.operation({
    session: childSession,
    decided: selecting('customers'),
    via: { ...way, cause: 'one-of', calls: [lookup, ran] },
  })
  const own = await recorded.operation({ session: ownSession, decided: selecting('customers') })
  await recorded.caughtUp()
  return { recorded, ref, opened, atStart, lookup, sql, held, asked, approved, ran, both, own }
}

async function found({ reader }: RecordedTrail, query: Omit<RecordQuery, 'limit'>): Promise<readonly number[]> {
  const { rows } = await reader.query({ after: -1, limit: 100, ...query })
  return rows.map(({ sequence }) => sequence)
}

test('records are found by server, tool, agent, approval and cause', async (t) => {
  const { recorded, ref, ...at } = await story(t)
  const intents = { phase: 'intent' } as const
  const find = (query: Omit<RecordQuery, 'limit'>): Promise<readonly number[]> => found(recorded, query)
  assert.deepEqual(await find({ ...intents, server: 'ledger' }), [
    at.atStart,
    at.lookup,
    at.sql,
    at.held,
    at.ran,
    at.both,
  ])
  assert.deepEqual(await find({ server: 'ledger', phase: 'event' }), [at.opened])
  assert.equal((await find({ server: 'ledger', phase: 'outcome' })).length, 3, 'of the calls')
  assert.deepEqual(await find({ ...intents, tool: 'lookup_customer' }), [at.lookup, at.sql])
  assert.deepEqual(await find({ ...intents, tool: 'refund' }), [at.held, at.ran])
  assert.deepEqual(await find({ ...intents, agent: 'claude-code', resource: 'ledger' }), [at.lookup, at.held, at.ran])
  assert.deepEqual(await find({ ...intents, agent: 'cl_cli' }), [at.own])
  assert.deepEqual(await find({ approval: ref }), [at.asked, at.approved, at.ran])
  assert.deepEqual(await find({ causedBy: at.lookup }), [at.sql, at.both])
  assert.deepEqual(await find({ causedBy: at.ran }), [at.both])
  assert.deepEqual(await find({ causedBySession: callSession.id }), [at.sql, at.both])
  assert.deepEqual(await find({ causedBySession: childSession.id }), [])
})

test('what policies were used for is counted, and when last', async (t) => {
  const { recorded, ...at } = await story(t)
  const told = async (query: UseQuery): Promise<readonly (readonly unknown[])[]> =>
    (await recorded.reader.uses(query)).map(({ policy, resource, sequence, uses }) => [
      policy,
      resource,
      sequence,
      uses,
    ])
  const own = ['reads-customers', 'cards', at.own, 3]
  const others = [
    ['agents-call-refund', 'ledger', at.ran, 1],
    ['agents-call-lookup_customer', 'ledger', at.lookup, 1],
    ['reads-settings', 'cards', at.atStart, 1],
    ['tools-connect', 'cards', at.opened, 1],
  ]
  assert.deepEqual(await told({ identity: alice.id }), [own, ...others], 'a hold is no use')
  assert.deepEqual(await told({}), [own, ...others])
  assert.deepEqual(await told({ identity: 'nobody' }), [])
  // What the server asked beside every tool counts for each of them.
  const ofLookup = ['reads-customers', 'cards', at.both, 2]
  assert.deepEqual(await told({ tool: { server: 'ledger', tool: 'lookup_customer' } }), [ofLookup, ...others.slice(1)])
})

test('a period is known by its first and last record', async (t) => {
  const recorded = await openRecordedTrail(t)
  const at = (timeMs: number): Promise<number> =>
    recorded.operation({ session: ownSession, decided: selecting('customers'), timeMs })
  await at(1_000)
  const first = await at(2_000)
  await at(9_000)
  const last = await at(3_000)
  await recorded.caughtUp()
  // Each with its outcome, which follows with the next commit.
  assert.deepEqual(await recorded.reader.span(2_000, 3_000, Infinity), { first, last: last + 1, count: 4 })
  assert.equal((await recorded.reader.span(2_000, 3_000, last))?.last, first + 1)
  assert.equal(await recorded.reader.span(4_000, 5_000, Infinity), undefined)
})

test('records are proven against the signed head', async (t) => {
  const { recorded, lookup, own } = await story(t)
  for (let more = 0; more < 300; more++)
    await recorded.operation({ session: ownSession, decided: selecting('customers') })
  await recorded.caughtUp()
  const { head, proofs } = await recorded.reader.prove([lookup, own, 300, 9_999])
  assert.equal(head.note, readFileSync(join(recorded.folder, 'checkpoint'), 'utf8'))
  assert.equal(proofs[3], undefined)
  for (const proof of proofs.slice(0, 3)) {
    assert.ok(proof !== undefined)
    const row = await recorded.reader.record(proof.sequence)
    assert.equal(proof.leafHash, Buffer.from(hashLeaf(Buffer.from(canonicalJson(row?.leaf ?? {})))).toString('hex'))
    const root = Buffer.from(head.root, 'hex')
    const leafHash = Buffer.from(proof.leafHash, 'hex')
    const path = proof.path.map((hash) => Buffer.from(hash, 'hex'))
    assert.ok(isIncluded({ index: proof.sequence, size: head.size, leafHash, root }, path))
  }
})

test('a record that was changed is not proven', async (t) => {
  const { recorded, lookup } = await story(t)
  const { head } = await recorded.reader.prove([])
  const file = join(recorded.folder, `tile/entries/000.p/${head.size}`)
  const bytes = readFileSync(file)
  const changed = Buffer.from(bytes.toString('latin1').replace('claude-code', 'clAude-code'), 'latin1')
  assert.notEqual(sha256(changed), sha256(bytes))
  writeFileSync(file, changed)
  const proofs = recorded.reader.prove(Array.from({ length: lookup + 1 }, (_, sequence) => sequence))
  await assert.rejects(proofs, { code: 'SP_TRAIL_TAMPERED' })
})

test('a record that was taken out of the index is found again', async (t) => {
  const { recorded, own } = await story(t)
  await recorded.caughtUp()
  const database = new DatabaseSync(join(dirname(recorded.folder), 'index.db'))
  database.exec(`delete from record where sequence = ${own}`)
  database.close()
  const query = { identity: alice.id, phase: 'intent', limit: 100 } as const
  await assert.rejects(recorded.reader.query(query), { code: 'SP_API_UNAVAILABLE', message: /built anew/ })
  await recorded.caughtUp()
  const { rows } = await recorded.reader.query(query)
  assert.ok(rows.some(({ sequence }) => sequence === own))
})

test('a reader is closed while its index cannot be opened', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-reader-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const reader = openTrailReader({
    directory: folder,
    indexFile: join(folder, 'no such folder', 'index.db'),
    origin: 'gw.example/trail/a',
    size: 0,
    keys: { recordKey: () => undefined },
    status: () => assert.fail(),
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  })
  // Whoever waits is told when the worker is gone; another one is started a second later.
  await assert.rejects(reader.span(0, 1, 1), { code: 'SP_API_UNAVAILABLE', message: /restarted/ })
  await reader[Symbol.asyncDispose]()
})

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
