import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatRef, fromUtf8, toUtf8 } from '#base'
import type { Identity, Person } from '#model'
import { alice, answered, bob, client, held, openDesk, person } from './testkit/held.ts'

const never = new AbortController().signal
const statement = (text: string) => held({ operation: { payload: toUtf8(text) } })
const carol = person('carol', ['payments'])
const both = person('dave', ['security', 'payments'])

test('a request is on record before it is there, and named after the record that holds the operation', async () => {
  await using under = await openDesk()
  const { desk, events, store, state } = under
  state.trailWorks = false
  await assert.rejects(desk.ask(held(), 5), { code: 'SP_TRAIL_UNAVAILABLE' })
  assert.deepEqual(await store.requests.list({ limit: 9 }), [])
  state.trailWorks = true
  const pending = await desk.ask(held(), 5)
  assert.equal(pending.ref, formatRef(5))
  assert.equal(pending.status, 'open')
  const [event] = events
  assert.deepEqual([event?.class, event?.activity, event?.actor?.id], ['entity-management', 'request-open', alice.id])
  assert.deepEqual(event?.details?.['entity'], { type: 'request', uid: pending.ref })
  assert.equal(event?.details?.['intent'], 5)
  assert.deepEqual((await store.requests.find(pending.ref))?.records, [100])
})

test('the same asked again, or twice at once, is one request', async () => {
  await using under = await openDesk()
  const { desk, events } = under
  const asked = await Promise.all([desk.ask(held(), 5), desk.ask(held(), 6), desk.ask(held(), 7)])
  assert.deepEqual([...new Set(asked.map(({ ref }) => ref))], [formatRef(5)])
  assert.equal(events.length, 1)
})

test('what a person asks and what each of their agents asks has bounds of its own', async () => {
  await using under = await openDesk({ openEach: 2 })
  const { desk } = under
  const through = (text: string, id?: string) =>
    held({
      identity: id === undefined ? alice : { ...alice, agent: { id, name: id } },
      operation: { payload: toUtf8(text) },
    })
  await desk.ask(through('a', 'cli_one'), 1)
  await desk.ask(through('b', 'cli_one'), 2)
  await assert.rejects(desk.ask(through('c', 'cli_one'), 3), { code: 'SP_BUSY' })
  for (const [index, chain] of [undefined, 'cli_two'].entries()) {
    await desk.ask(through('a', chain), 10 * index + 4)
    await desk.ask(through('b', chain), 10 * index + 5)
    await assert.rejects(desk.ask(through('c', chain), 10 * index + 6), { code: 'SP_BUSY' })
  }
})

test('one person has so many open requests and no more; ended ones do not count', async () => {
  await using under = await openDesk({ openEach: 3, answerWithinMs: 1_000 })
  const { desk, state } = under
  const asking = ['a', 'b', 'c', 'd'].map((text, index) => desk.ask(statement(text), index))
  const outcomes = await Promise.allSettled(asking)
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'fulfilled', 'rejected'],
  )
  await assert.rejects(desk.ask(statement('d'), 9), { code: 'SP_BUSY' })
  assert.equal((await desk.ask(held({ identity: carol }), 10)).status, 'open')
  state.nowMs += 1_000
  assert.equal((await desk.ask(statement('d'), 11)).status, 'open')
})

const agent = { id: 'claude-code', name: 'Claude Code' }
const knowing: readonly (readonly [string, Identity])[] = [
  ['the requester', { ...alice, groups: ['security'] }],
  ['the requester through an agent', { ...alice, groups: ['security'], agent: { id: 'claude', name: 'Claude' } }],
  ['the agent that acts', person('x', ['security'], { id: agent.id })],
]
for (const [name, somebody] of knowing) {
  for (const answer of ['approve', 'deny'] as const) {
    test(`${name} may not ${answer}, and the attempt is on record`, async () => {
      await using under = await openDesk()
      const { desk, events, store } = under
      const { ref } = await desk.ask(held({ identity: { ...alice, agent } }), 5)
      const became = await desk.answer(ref, { identity: somebody, client }, answer, 'because')
      assert.ok(became.kind === 'refused')
      assert.equal(became.code, 'SP_APPROVAL_NOT_YOURS')
      const event = events.at(-1)
      assert.equal(became.record, 100 + events.length - 1)
      assert.deepEqual(
        [event?.activity, event?.status, event?.code, event?.actor?.id],
        [`request-${answer}`, 'failure', 'SP_APPROVAL_NOT_YOURS', somebody.id],
      )
      assert.equal((await store.requests.find(ref))?.status, 'open')
    })
  }
}

const unknowing: readonly (readonly [string, Identity])[] = [
  ['an approver through an agent', { ...bob, agent: { id: 'claude', name: 'Claude' } }],
  ['an administrator', person('root', ['administrators', 'admin', 'owners'])],
  ['nobody special', person('eve', [])],
  ['a group with a similar name', person('eve', ['Security', 'security ', 'security:1'])],
  ['a workload', { ...bob, kind: 'workload', mfa: false }],
]
for (const [name, somebody] of unknowing) {
  test(`${name} may not answer, and does not learn that there is something to answer`, async () => {
    await using under = await openDesk()
    const { desk, store } = under
    const { ref } = await desk.ask(held({ identity: { ...alice, agent } }), 5)
    for (const answer of ['approve', 'deny'] as const) {
      const became = await desk.answer(ref, { identity: somebody, client }, answer, 'because')
      assert.deepEqual(became, await desk.answer('NONE', { identity: somebody, client }, answer, 'because'))
      // Who may read all requests learns nothing new.
      const known = await desk.answer(ref, { identity: somebody, client, knowsAll: true }, answer, 'because')
      assert.equal(known.kind, 'refused')
    }
    assert.equal((await store.requests.find(ref))?.status, 'open')
  })
}

test('everybody whom the need names must answer, one person for one place', async () => {
  await using under = await openDesk()
  const { desk } = under
  const { ref } = await desk.ask(held({ need: 'payments:1 and security:1' }), 5)
  assert.equal(await answered(desk, ref, both), 'open')
  assert.equal(await answered(desk, ref, both), 'SP_APPROVAL_OVER')
  assert.equal(await desk.covers(held({ need: 'payments:1 and security:1' })), false)
  assert.equal((await desk.find(ref, alice, false))?.missing.split(' and ').length, 1)
  assert.equal(await answered(desk, ref, carol), 'approved')
  const link = await desk.take(held({ need: 'payments:1 and security:1' }))
  // The same as in the records of the request and its answers.
  const binding = under.events[0]?.details?.['binding']
  assert.deepEqual(link, { request: ref, records: [100, 101, 103], approvers: [both.id, carol.id], binding })
})

test('one denial is enough, also by one who approved before; the same asked again is not asked anew until its time is over', async () => {
  await using under = await openDesk({ answerWithinMs: 1_000 })
  const { desk, state } = under
  const { ref } = await desk.ask(held({ need: 'security:2' }), 5)
  assert.equal(await answered(desk, ref, bob), 'open')
  assert.equal(await answered(desk, ref, bob, 'deny'), 'denied')
  assert.equal(await answered(desk, ref, both), 'SP_APPROVAL_OVER')
  const again = await desk.ask(held({ need: 'security:2' }), 6)
  assert.deepEqual([again.ref, again.status], [ref, 'denied'])
  state.nowMs += 1_000
  assert.equal((await desk.ask(held({ need: 'security:2' }), 7)).status, 'open')
})

test('of two answers at the same time one counts, at one desk and at two on one store', async () => {
  await using under = await openDesk()
  const { desk, events } = under
  const first = await desk.ask(held(), 5)
  const others = [bob, both, person('erin', ['security'])]
  const one = await Promise.all(
    others.map((by, index) => answered(desk, first.ref, by, index === 1 ? 'deny' : 'approve')),
  )
  assert.deepEqual(one.toSorted(), ['SP_APPROVAL_OVER', 'SP_APPROVAL_OVER', 'approved'])
  const second = await desk.ask(statement('b'), 6)
  const desks = [desk, await under.again()]
  const two = await Promise.all(desks.map((each, index) => answered(each, second.ref, others[index] ?? bob)))
  assert.deepEqual(two.toSorted(), ['SP_APPROVAL_OVER', 'approved'])
  const failures = events.filter(({ status, code }) => status === 'failure' && code === 'SP_APPROVAL_OVER')
  assert.equal(failures.length, 3)
})

test('an approval is used once, however many want it at the same time', async () => {
  await using under = await openDesk()
  const { desk } = under
  const { ref } = await desk.ask(held(), 5)
  await answered(desk, ref, bob)
  const desks = [desk, await under.again()]
  const taken = await Promise.all(Array.from({ length: 10 }, (_, index) => (desks[index % 2] ?? desk).take(held())))
  assert.equal(taken.filter((link) => link !== undefined).length, 1)
  assert.equal((await desk.ask(held(), 6)).ref, formatRef(6))
})

test('an approval that is not used in time is over; so is a request that nobody answers', async () => {
  await using under = await openDesk({ answerWithinMs: 1_000, useWithinMs: 500 })
  const { desk, events, state, store } = under
  const first = await desk.ask(held(), 5)
  await answered(desk, first.ref, bob)
  state.nowMs += 499
  assert.equal(await desk.covers(held()), true)
  const second = await desk.ask(statement('b'), 6)
  state.nowMs += 1
  assert.deepEqual([await desk.covers(held()), await desk.take(held())], [false, undefined])
  state.nowMs += 1_000
  assert.equal(await answered(desk, second.ref, bob), 'SP_APPROVAL_OVER')
  assert.equal((await desk.find(second.ref, alice, false))?.status, 'expired')
  await desk.sweep()
  await desk.sweep()
  const expired = events.filter(({ activity }) => activity === 'request-expire')
  assert.deepEqual(
    expired.map(({ details }) => [details?.['intent'], details?.['was']]),
    [
      [5, 'approved'],
      [6, 'open'],
    ],
  )
  assert.equal((await store.requests.find(second.ref))?.sealed.length, 0)
})

test('requests and approvals of somebody whose access is revoked are over, those of others are not', async () => {
  await using under = await openDesk()
  const { desk, events, state } = under
  const approved = await desk.ask(statement('a'), 5)
  await answered(desk, approved.ref, bob)
  const open = await desk.ask(statement('b'), 6)
  const used = await desk.ask(statement('c'), 7)
  await answered(desk, used.ref, bob)
  await desk.take(statement('c'))
  const another = await desk.ask(held({ identity: carol, operation: { payload: toUtf8('a') } }), 8)
  state.trailWorks = false
  await desk.withdraw(alice.id)
  assert.equal(await desk.covers(statement('a')), false)
  state.trailWorks = true
  await desk.sweep()
  const statusOf = async (ref: string) => (await desk.find(ref, bob, true))?.status
  assert.deepEqual(await Promise.all([approved, open, used, another].map(({ ref }) => statusOf(ref))), [
    'expired',
    'expired',
    'used',
    'open',
  ])
  const ends = events.filter(({ activity }) => activity === 'request-withdraw')
  assert.deepEqual(
    ends.map(({ details }) => details?.['was']),
    ['open', 'approved'],
  )
  assert.equal(await desk.take(statement('a')), undefined)
  assert.equal(await answered(desk, open.ref, bob), 'SP_APPROVAL_OVER')
  // Whoever is let in again begins anew.
  const anew = await desk.ask(statement('a'), 9)
  await answered(desk, anew.ref, bob)
  assert.equal(await desk.covers(statement('a')), true)
})

test('what somebody approved whose access is revoked does not run any more, what others approved does', async () => {
  await using under = await openDesk()
  const { desk, events, state } = under
  const byBob = await desk.ask(statement('a'), 5)
  await answered(desk, byBob.ref, bob)
  const byDave = await desk.ask(statement('b'), 6)
  await answered(desk, byDave.ref, both)
  state.trailWorks = false
  await desk.withdraw(bob.id)
  assert.equal(await desk.take(statement('a')), undefined)
  state.trailWorks = true
  await desk.sweep()
  assert.equal(await desk.covers(statement('a')), false)
  assert.equal((await desk.take(statement('b')))?.request, byDave.ref)
  const ends = events.filter(({ activity }) => activity === 'request-withdraw')
  assert.deepEqual(
    ends.map(({ details }) => [details?.['requester'], details?.['revoked'], details?.['reason']]),
    [[alice.id, bob.id, 'the access of somebody who had approved was revoked']],
  )
})

test('what ended is forgotten after a month, what is not on record as ended is not', async () => {
  await using under = await openDesk({ answerWithinMs: 1_000, useWithinMs: 1_000 })
  const { desk, state, store } = under
  const [denied, used, open] = [formatRef(5), formatRef(6), formatRef(7)]
  for (const [index, text] of ['denied', 'used', 'open'].entries()) await desk.ask(statement(text), 5 + index)
  await answered(desk, denied, bob, 'deny')
  await answered(desk, used, bob)
  await desk.take(statement('used'))
  const statuses = async () =>
    await Promise.all([denied, used, open].map(async (ref) => (await store.requests.find(ref))?.status))
  state.nowMs += 30 * 24 * 3_600_000
  await desk.sweep()
  assert.deepEqual(await statuses(), ['denied', 'used', 'expired'])
  await desk.ask(statement('later'), 8)
  state.nowMs += 1_000
  await desk.sweep()
  assert.deepEqual(await statuses(), [undefined, undefined, undefined])
  assert.equal(await answered(desk, denied, bob), 'unknown')
  assert.equal((await store.requests.find(formatRef(8)))?.status, 'expired')
  await desk.ask(statement('not on record as ended'), 9)
  state.trailWorks = false
  state.nowMs += 31 * 24 * 3_600_000
  await desk.sweep()
  assert.equal((await store.requests.find(formatRef(9)))?.status, 'open')
})

test('without the trail nothing changes: no answer, no end', async () => {
  await using under = await openDesk({ answerWithinMs: 1_000 })
  const { desk, state, store } = under
  const { ref } = await desk.ask(held(), 5)
  state.trailWorks = false
  await assert.rejects(desk.answer(ref, { identity: bob, client }, 'approve', ''), { code: 'SP_TRAIL_UNAVAILABLE' })
  state.nowMs += 1_000
  await desk.sweep()
  const { status, answers } = (await store.requests.find(ref)) ?? {}
  assert.deepEqual([status, answers], ['open', []])
})

test('who waits is told at once of an answer; of an end too; and leaves when told to', async () => {
  await using under = await openDesk({ answerWithinMs: 60_000 })
  const { desk, state } = under
  const approved = await desk.ask(held(), 5)
  const waiting = [approved.answered(60_000, never), approved.answered(60_000, never)]
  await answered(desk, approved.ref, bob)
  assert.deepEqual(await Promise.all(waiting), ['approved', 'approved'])
  assert.equal(await approved.answered(60_000, never), 'approved')
  const denied = await desk.ask(statement('b'), 6)
  const waitingForNo = denied.answered(60_000, never)
  await answered(desk, denied.ref, bob, 'deny')
  assert.equal(await waitingForNo, 'denied')
  const left = new AbortController()
  const leaving = (await desk.ask(statement('c'), 7)).answered(60_000, left.signal)
  left.abort()
  assert.equal(await leaving, 'open')
  assert.equal(await (await desk.ask(statement('c'), 8)).answered(1, never), 'open')
  const over = (await desk.ask(statement('c'), 9)).answered(60_000, never)
  state.nowMs += 60_000
  await desk.sweep()
  assert.equal(await over, 'expired')
})

test('requests are seen by who asked, who may answer or has answered, and who may see all', async () => {
  await using under = await openDesk()
  const { desk } = under
  const { ref } = await desk.ask(held(), 5)
  const hers = await desk.ask(held({ identity: bob, need: 'payments:1' }), 6)
  const refsOf = async (reader: Person, all = false) =>
    (await desk.list(reader, { limit: 10 }, all)).map((request) => request.ref)
  assert.deepEqual(await refsOf(alice), [ref])
  assert.deepEqual((await refsOf(bob)).toSorted(), [ref, hers.ref].toSorted())
  assert.deepEqual(await refsOf(carol), [hers.ref])
  assert.deepEqual(await refsOf(person('eve', [])), [])
  assert.equal((await refsOf(person('eve', []), true)).length, 2)
  assert.equal(await desk.find(ref, carol, false), undefined)
  assert.deepEqual(
    (await desk.list(bob, { mine: true, limit: 10 }, true)).map((request) => request.ref),
    [hers.ref],
  )
  const [seen] = await desk.list(bob, { status: 'open', limit: 1 }, false)
  assert.ok(seen !== undefined && !('sealed' in seen) && !('digest' in seen))
  assert.deepEqual(
    [(await desk.find(ref, bob, false))?.mayAnswer, (await desk.find(ref, alice, false))?.mayAnswer],
    [true, false],
  )
  await answered(desk, ref, bob)
  assert.equal((await desk.find(ref, { ...bob, groups: [] }, false))?.status, 'approved')
})

test('whoever answers reads the scrubbed payload while there is something to answer or use', async () => {
  await using under = await openDesk()
  const { desk, store } = under
  const pan = toUtf8('{"statement":"DELETE … 4111111111111111"}')
  const operation = held({ operation: { payload: pan }, scrubbed: '{"statement":"DELETE … 411111******1111"}' })
  const { ref } = await desk.ask(operation, 5)
  assert.equal(fromUtf8((await desk.payload(ref)) ?? new Uint8Array()), '{"statement":"DELETE … 411111******1111"}')
  assert.ok(!fromUtf8((await store.requests.find(ref))?.sealed ?? pan).includes('411111'))
  await desk.answer(ref, { identity: bob, client }, 'approve', 'card 4111111111111111')
  assert.equal((await desk.find(ref, bob, false))?.answers[0]?.reason, 'card 411111******1111')
  assert.ok((await desk.payload(ref)) !== undefined)
  await desk.take(operation)
  assert.equal(await desk.payload(ref), undefined)
  assert.equal(await desk.payload('none'), undefined)
})

test('an unknown reference is unknown, and not on record', async () => {
  await using under = await openDesk()
  assert.equal(await answered(under.desk, 'NONE', bob), 'unknown')
  assert.equal(under.events.length, 0)
})
