import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromUtf8, parseRef, Secret, toUtf8 } from '#base'
import { isRefusal, type OpenSession, type Person, type Revocation, type Shape } from '#model'
import { alice, boundary, cards, client, drop, select } from './testkit/boundary.ts'

const statement = (shape: Shape) => ({ shape, payload: toUtf8('{}') })

test('a session is open only after its record', async () => {
  const { gate, state, entries, openSession } = boundary()
  state.trailWorks = false
  const refused = await gate.open({ resource: cards, secret: new Secret('good'), client })
  assert.ok(isRefusal(refused))
  assert.equal(refused.code, 'SP_TRAIL_UNAVAILABLE')
  assert.equal(gate.list().length, 0)
  state.trailWorks = true
  await openSession()
  assert.equal(entries.length, 1)
})

test('a refused token is on record and its reference leads there', async () => {
  const { gate, entries } = boundary()
  const answer = await gate.open({ resource: cards, secret: new Secret('bad'), client })
  assert.ok(isRefusal(answer))
  assert.equal(answer.code, 'SP_AUTH_TOKEN_UNKNOWN')
  assert.equal(parseRef(answer.ref ?? ''), 0)
  assert.ok(answer.message.includes(`[ref ${answer.ref}]`))
  const [entry] = entries
  assert.ok(entry?.kind === 'event' && entry.event.status === 'failure')
})

test('a refused token of a flood is not on record, a good one is let in', async () => {
  const { gate, entries } = boundary()
  const asked = { resource: cards, client, unrecorded: true }
  const answer = await gate.open({ ...asked, secret: new Secret('bad') })
  assert.ok(isRefusal(answer))
  assert.deepEqual([answer.code, answer.ref, entries.length], ['SP_AUTH_TOKEN_UNKNOWN', undefined, 0])
  assert.ok(!isRefusal(await gate.open({ ...asked, secret: new Secret('good') })))
  assert.equal(entries.length, 1)
})

test('a batch has one verdict each, in order; a refusal is recorded and concluded', async () => {
  const { entries, openSession } = boundary()
  const session = await openSession()
  const verdicts = await session.admit([statement(select), statement(drop), statement(select)])
  assert.deepEqual(
    verdicts.map((verdict) => verdict.kind),
    ['permit', 'refusal', 'permit'],
  )
  assert.equal(entries.filter((entry) => entry.kind === 'intent').length, 3)
  const outcomes = entries.filter((entry) => entry.kind === 'outcome')
  assert.deepEqual(
    outcomes.map((entry) => [entry.intent, entry.outcome.status]),
    [[2, 'refused']],
  )
})

test('no record, no permit', async () => {
  const { state, openSession } = boundary()
  const session = await openSession()
  state.trailWorks = false
  await assert.rejects(session.admit([statement(select)]), { code: 'SP_TRAIL_UNAVAILABLE' })
  state.trailWorks = true
  const [verdict] = await session.admit([statement(select)])
  assert.equal(verdict?.kind, 'permit')
})

test('each permit is concluded exactly once, at the latest when the session closes', async () => {
  const { entries, openSession } = boundary()
  const session = await openSession()
  const verdicts = await session.admit([statement(select), statement(select)])
  const [first] = verdicts
  assert.ok(first?.kind === 'permit')
  const outcome = { status: 'success', rows: 1, bytes: 9, durationMs: 1 } as const
  session.complete(first.permit, outcome)
  session.complete(first.permit, outcome)
  await session.close({ kind: 'client' })
  await session.close({ kind: 'client' })
  const outcomes = entries.filter((entry) => entry.kind === 'outcome')
  assert.deepEqual(
    outcomes.map((entry) => [entry.intent, entry.outcome.status]),
    [
      [1, 'success'],
      [2, 'lost'],
    ],
  )
  assert.equal(entries.filter((entry) => entry.kind === 'event' && entry.event.activity === 'close').length, 1)
})

const revocations: readonly [string, Revocation, boolean][] = [
  ['the token', { tokenId: 'tok_1', by: 'bob', reason: 'lost laptop' }, true],
  ['the grant', { grantId: 'grt_1', by: 'bob', reason: 'lost laptop' }, true],
  ['the person', { identityId: 'usr_a', by: 'bob', reason: 'left' }, true],
  ['somebody else', { identityId: 'usr_b', by: 'bob', reason: 'left' }, false],
]
for (const [name, revocation, ends] of revocations) {
  test(`revoking ${name} ${ends ? 'ends' : 'leaves'} the session`, async () => {
    const { state, openSession } = boundary()
    const session = await openSession()
    state.listener(revocation)
    assert.equal(session.ended.aborted, ends)
    if (ends) await assert.rejects(session.admit([statement(select)]), { code: 'SP_SESSION_REVOKED' })
  })
}

test('the record of a session that was ended says why, and by no name who did it', async () => {
  const { entries, openSession } = boundary()
  const session = await openSession()
  await session.close({ kind: 'revoked', by: 'bob@example.com', reason: 'lost laptop' })
  const close = entries.find((entry) => entry.kind === 'event' && entry.event.activity === 'close')
  assert.ok(close?.kind === 'event')
  assert.deepEqual(close.event.details, { end: 'revoked', operations: 0, reason: 'lost laptop' })
})

test('a revocation while the record is written leaves no permit', async () => {
  const { state, entries, openSession } = boundary()
  const session = await openSession()
  const admitting = session.admit([statement(select)])
  state.listener({ identityId: 'usr_a', by: 'bob', reason: 'left' })
  await assert.rejects(admitting, { code: 'SP_SESSION_REVOKED' })
  const outcome = entries.find((entry) => entry.kind === 'outcome')
  assert.equal(outcome?.outcome.status, 'refused')
})

test('a revocation between the check of a token and the opening of its session is not missed', async () => {
  const { gate, state } = boundary()
  const opening = gate.open({ resource: cards, secret: new Secret('good'), client })
  state.listener({ tokenId: 'tok_1', by: 'bob', reason: 'lost laptop' })
  const answer = await opening
  assert.ok(isRefusal(answer))
  assert.equal(answer.code, 'SP_AUTH_TOKEN_UNKNOWN')
  assert.equal(gate.list().length, 0)
})

test('an idle session ends, a running operation is no idleness, and time ends every session', async () => {
  const { gate, state, openSession } = boundary()
  const idle = await openSession()
  const busy = await openSession()
  await busy.admit([statement(select)])
  state.nowMs += 900_000
  gate.sweep()
  assert.deepEqual(idle.ended.reason, { kind: 'idle' })
  assert.equal(busy.ended.aborted, false)
  state.nowMs += 3_600_000
  gate.sweep()
  assert.deepEqual(busy.ended.reason, { kind: 'expired' })
})

const person = (id: string): Person => ({ ...alice, id, subject: id, name: `${id}@example.com` })

test('no more sessions than the limit', async () => {
  const { gate, entries, state, openSession } = boundary()
  for (const id of ['a', 'b', 'c', 'd']) {
    state.identity = person(id)
    await openSession()
    await openSession()
  }
  state.identity = person('e')
  const recorded = entries.length
  const answer = await gate.open({ resource: cards, secret: new Secret('good'), client })
  assert.ok(isRefusal(answer))
  assert.equal(answer.code, 'SP_BUSY')
  // Nobody is asked who they are, so nothing is recorded either.
  assert.equal(entries.length, recorded)
})

test('no more sessions of one identity than a quarter of the limit, however they come', async () => {
  const { gate, entries, state, openSession } = boundary()
  const request = { resource: cards, secret: new Secret('good'), client }
  const answers = await Promise.all(Array.from({ length: 5 }, () => gate.open(request)))
  const refused = answers.filter((answer) => isRefusal(answer))
  assert.deepEqual(
    refused.map(({ code }) => code),
    ['SP_BUSY', 'SP_BUSY', 'SP_BUSY'],
  )
  const onRecord = entries[parseRef(refused[0]?.ref ?? '') ?? -1]
  assert.ok(onRecord?.kind === 'event' && onRecord.event.status === 'failure' && onRecord.event.code === 'SP_BUSY')
  state.identity = person('b')
  await openSession()
  state.identity = alice
  const open = answers.find((answer): answer is OpenSession => !isRefusal(answer))
  await open?.close({ kind: 'client' })
  await openSession()
})

test('no more operations of one identity under way than a quarter of the limit, over all its sessions', async () => {
  const { entries, state, openSession } = boundary()
  const sessions = [await openSession(), await openSession()] as const
  const verdicts = await Promise.all(sessions.map((session) => session.admit([statement(select), statement(select)])))
  assert.ok(verdicts.flat().every(({ kind }) => kind === 'permit'))
  const [refused, denied] = await sessions[0].admit([statement(select), statement(drop)])
  assert.ok(refused?.kind === 'refusal' && refused.refusal.code === 'SP_BUSY')
  assert.ok(denied?.kind === 'refusal' && denied.refusal.code === 'SP_POLICY_DENIED')
  const intent = entries[parseRef(refused.refusal.ref ?? '') ?? -1]
  assert.ok(intent?.kind === 'intent' && intent.decided.decision.code === 'SP_BUSY')
  state.identity = person('b')
  const other = await openSession()
  assert.equal((await other.admit([statement(select)]))[0]?.kind, 'permit')
  for (const verdict of verdicts.flat()) {
    if (verdict.kind === 'permit')
      sessions[0].complete(verdict.permit, { status: 'success', rows: 0, bytes: 0, durationMs: 1 })
  }
  await sessions[1].close({ kind: 'client' })
  const again = await sessions[0].admit([statement(select), statement(select), statement(select), statement(select)])
  assert.ok(again.every(({ kind }) => kind === 'permit'))
})

test('operations that are being recorded count, and those that could not be do not', async () => {
  const { state, openSession } = boundary()
  const session = await openSession()
  const three = [statement(select), statement(select), statement(select)]
  const [first, second] = await Promise.all([session.admit(three), session.admit(three)])
  assert.ok(first.every(({ kind }) => kind === 'permit') && second.every(({ kind }) => kind === 'refusal'))
  await session.close({ kind: 'client' })
  const another = await openSession()
  state.trailWorks = false
  for (let round = 0; round < 3; round++) await assert.rejects(another.admit(three), { code: 'SP_TRAIL_UNAVAILABLE' })
  state.trailWorks = true
  assert.ok((await another.admit(three)).every(({ kind }) => kind === 'permit'))
})

test('payloads are recorded as scrubbed, in order, also those that take longer', async () => {
  const { entries, scrubber, openSession } = boundary()
  scrubber.scrub = (payload) => (fromUtf8(payload) === 'long' ? Promise.resolve(toUtf8('l***')) : toUtf8('s'))
  const session = await openSession()
  await session.admit(['short', 'long', 'short'].map((text) => ({ shape: select, payload: toUtf8(text) })))
  const payloads = entries.filter((entry) => entry.kind === 'intent').map(({ payload }) => fromUtf8(payload))
  assert.deepEqual(payloads, ['s', 'l***', 's'])
})

test('with each payload goes how much of its batch lies ahead of it', async () => {
  const { scrubber, openSession } = boundary()
  const heard: unknown[] = []
  scrubber.scrub = (payload, ahead) => {
    heard.push(ahead)
    return payload
  }
  const session = await openSession()
  await session.admit(['one', 'two and', 'three'].map((text) => ({ shape: select, payload: toUtf8(text) })))
  assert.deepEqual(heard, [0, 3, 10])
})

test('what could not be scrubbed is refused, and on record without its payload', async () => {
  const { entries, scrubber, openSession } = boundary()
  scrubber.scrub = (payload) => (payload.length === 4 ? Promise.resolve(undefined) : payload)
  const session = await openSession()
  const batch = [select, select, drop].map((shape, index) => ({
    shape,
    payload: toUtf8(index === 0 ? 'short' : 'long'),
  }))
  const verdicts = await session.admit(batch)
  assert.deepEqual(
    verdicts.map((verdict) => (verdict.kind === 'refusal' ? verdict.refusal.code : verdict.kind)),
    ['permit', 'SP_SCRUB_UNAVAILABLE', 'SP_POLICY_DENIED'],
  )
  const payloads = entries.filter((entry) => entry.kind === 'intent').map(({ payload }) => fromUtf8(payload))
  assert.deepEqual(payloads, ['short', '{"unscrubbed":4}', '{"unscrubbed":4}'])
  assert.equal((await session.admit([{ shape: select, payload: toUtf8('short') }]))[0]?.kind, 'permit')
})

test('a session that ends while a payload is being scrubbed records and permits nothing more', async () => {
  const { entries, scrubber, state, openSession } = boundary()
  const scrubbed = Promise.withResolvers<Uint8Array>()
  scrubber.scrub = () => scrubbed.promise
  const session = await openSession()
  const admitting = session.admit([statement(select)])
  state.listener({ identityId: 'usr_a', by: 'bob', reason: 'left' })
  scrubbed.resolve(toUtf8('{}'))
  await assert.rejects(admitting, { code: 'SP_SESSION_REVOKED' })
  assert.equal(entries.filter((entry) => entry.kind === 'intent').length, 0)
})
