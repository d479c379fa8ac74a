import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatRef, fromUtf8, parseRef, toUtf8 } from '#base'
import { GatewayError, type IntentEntry, type OpenSession, type Operation, type Verdict } from '#model'
import { alice, drop, select } from './testkit/boundary.ts'
import { bob, decideHolding, heldBoundary, type HeldBoundary, remove } from './testkit/held-boundary.ts'

const never = new AbortController().signal
const deletion = (text = 'DELETE FROM t WHERE id = 7'): Operation => ({ shape: remove, payload: toUtf8(text) })
const query: Operation = { shape: select, payload: toUtf8('{}') }

async function admitOne(session: OpenSession, operation = deletion()): Promise<Verdict> {
  const [verdict] = await session.admit([operation])
  assert.ok(verdict !== undefined)
  return verdict
}

/** The reference of a verdict that waits for an approval. */
function refOf(verdict: Verdict | undefined): string {
  assert.ok(verdict?.kind === 'refusal' && verdict.pending !== undefined)
  assert.equal(verdict.refusal.ref, verdict.pending.ref)
  return verdict.pending.ref
}

function intentsOf({ entries }: HeldBoundary): readonly IntentEntry[] {
  return entries.filter((entry) => entry.kind === 'intent')
}

const kindsOf = (verdicts: readonly Verdict[]): readonly string[] => verdicts.map(({ kind }) => kind)

test('a held operation is on record as held and refused, and its request is named after that record', async () => {
  await using under = await heldBoundary()
  const verdict = await admitOne(await under.openSession())
  const ref = refOf(verdict)
  assert.ok(verdict.kind === 'refusal')
  assert.equal(verdict.refusal.code, 'SP_POLICY_NEEDS_APPROVAL')
  assert.match(verdict.refusal.message, /delete needs an approval: security:1 \[ref /)
  assert.equal(verdict.refusal.hint, `have it approved with: sallyport approve ${ref}; then do exactly the same again`)
  const held = under.entries[parseRef(ref) ?? -1]
  assert.ok(held?.kind === 'intent' && held.decided.decision.outcome === 'hold' && held.approval === undefined)
  const [outcome] = under.entries.filter((entry) => entry.kind === 'outcome')
  assert.deepEqual([outcome?.intent, outcome?.outcome.status], [parseRef(ref), 'refused'])
})

test('approved, the same runs once, in any session of the same person, and its record names the approval', async () => {
  await using under = await heldBoundary()
  const ref = refOf(await admitOne(await under.openSession()))
  await under.approve(ref)
  const other = await under.openSession()
  assert.equal((await admitOne(other)).kind, 'permit')
  const ran = intentsOf(under).at(-1)
  assert.equal(ran?.decided.decision.outcome, 'allow')
  const { binding = '', ...approval } = ran?.approval ?? {}
  assert.deepEqual(approval, { request: ref, records: [1_001, 1_002], approvers: [bob.id] })
  assert.match(binding, /^[0-9a-f]{64}$/)
  const next = refOf(await admitOne(other))
  assert.notEqual(next, ref)
})

test('asked again before the answer, it is the same request; its own record is another', async () => {
  await using under = await heldBoundary()
  const session = await under.openSession()
  const [first, second] = [refOf(await admitOne(session)), refOf(await admitOne(session))]
  assert.equal(first, second)
  assert.equal(intentsOf(under).length, 2)
})

test('whoever waits hears of the answer, and what was denied stays denied', async () => {
  await using under = await heldBoundary()
  const session = await under.openSession()
  const verdict = await admitOne(session)
  assert.ok(verdict.kind === 'refusal')
  const waiting = verdict.pending?.answered(60_000, never)
  await under.deny(refOf(verdict))
  assert.equal(await waiting, 'denied')
  const again = await admitOne(session)
  assert.ok(again.kind === 'refusal' && again.pending === undefined)
  assert.deepEqual([again.refusal.code, again.refusal.ref], ['SP_APPROVAL_DENIED', refOf(verdict)])
})

const others: readonly (readonly [string, (under: HeldBoundary) => Promise<Verdict>])[] = [
  [
    'another statement',
    async (under) => await admitOne(await under.openSession(), deletion('DELETE FROM t WHERE id = 8')),
  ],
  [
    'other whitespace in it',
    async (under) => await admitOne(await under.openSession(), deletion('DELETE FROM t WHERE  id = 7')),
  ],
  [
    'other parameters of the same payload',
    async (under) => await admitOne(await under.openSession(), { ...deletion(), exact: () => toUtf8('x') }),
  ],
  [
    'another definition',
    async (under) =>
      await admitOne(await under.openSession(), { ...deletion(), shape: { ...remove, definition: 'd' } }),
  ],
  ['other arguments', async (under) => await admitOne(await under.openSession(), { ...deletion(), arguments: '{}' })],
  [
    'another database',
    async (under) => await admitOne(await under.openSession({ name: 'hr', kind: 'postgres', tables: [] })),
  ],
  [
    'another person',
    async (under) => {
      under.state.identity = { ...alice, id: 'usr_c' }
      return await admitOne(await under.openSession())
    },
  ],
  [
    'another client',
    async (under) => {
      under.state.identity = { ...alice, agent: { id: 'claude', name: 'Claude' } }
      return await admitOne(await under.openSession())
    },
  ],
  [
    'through a tool',
    async (under) => {
      const running = () => [{ tool: 'refund', sequence: 3 }]
      under.state.via = { server: 'ledger', childId: 'c1', tools: ['refund'], running }
      return await admitOne(await under.openSession())
    },
  ],
  [
    'when its time is over',
    async (under) => {
      under.state.nowMs += 15 * 60_000
      return await admitOne(await under.openSession())
    },
  ],
  [
    'when policy wants others meanwhile',
    async (under) => {
      under.holding.need = 'security:1 and payments:1'
      return await admitOne(await under.openSession())
    },
  ],
  [
    'when policy forbids it meanwhile',
    async (under) => {
      under.state.decide = (shape) => ({ shape, decision: { outcome: 'deny', policies: [], policyHash: 'h2' } })
      return await admitOne(await under.openSession())
    },
  ],
]
for (const [name, run] of others) {
  test(`approved, and not run: ${name}`, async () => {
    await using under = await heldBoundary()
    const ref = refOf(await admitOne(await under.openSession()))
    await under.approve(ref)
    const verdict = await run(under)
    assert.equal(verdict.kind, 'refusal')
    assert.ok(intentsOf(under).every(({ approval }) => approval === undefined))
  })
}

test('the end of a held operation says which request it waits for, also when the same was asked before', async () => {
  await using under = await heldBoundary(1)
  const session = await under.openSession()
  const ref = refOf(await admitOne(session))
  assert.equal(refOf(await admitOne(session)), ref)
  await admitOne(session, deletion('beyond the bound'))
  const ends = under.entries.filter((entry) => entry.kind === 'outcome')
  assert.deepEqual(
    ends.map(({ outcome }) => outcome.request),
    [ref, ref, undefined],
  )
})

test('one approval, the same twice at once: one runs', async () => {
  await using under = await heldBoundary()
  const sessions = [await under.openSession(), await under.openSession()]
  const [first] = sessions
  assert.ok(first !== undefined)
  await under.approve(refOf(await admitOne(first)))
  const verdicts = await Promise.all(sessions.map((session) => admitOne(session)))
  assert.deepEqual(kindsOf(verdicts).toSorted(), ['permit', 'refusal'])
})

test('a batch keeps its order: what is held is refused in its place, the rest as policy says', async () => {
  await using under = await heldBoundary()
  const session = await under.openSession()
  const verdicts = await session.admit([query, deletion('a'), { ...query, shape: drop }, deletion('b')])
  assert.deepEqual(kindsOf(verdicts), ['permit', 'refusal', 'refusal', 'refusal'])
  assert.deepEqual([refOf(verdicts[1]), refOf(verdicts[3])], [formatRef(2), formatRef(4)])
  const outcomes = under.entries.filter((entry) => entry.kind === 'outcome').map(({ intent }) => intent)
  assert.deepEqual(
    outcomes.toSorted((a, b) => a - b),
    [2, 3, 4],
  )
})

test('an approval is not used up beside something that is refused', async () => {
  await using under = await heldBoundary()
  const session = await under.openSession()
  await under.approve(refOf(await admitOne(session)))
  const beside = await session.admit([deletion(), { ...query, shape: drop }])
  assert.deepEqual(kindsOf(beside), ['refusal', 'refusal'])
  assert.ok(beside[0]?.kind === 'refusal')
  assert.match(beside[0].refusal.message, /its approval was not used/)
  const besideHeld = await session.admit([deletion(), deletion('other')])
  assert.deepEqual(kindsOf(besideHeld), ['refusal', 'refusal'])
  assert.deepEqual(kindsOf(await session.admit([query, deletion()])), ['permit', 'permit'])
})

test('no approval is taken when there is no room to run it', async () => {
  await using under = await heldBoundary()
  const session = await under.openSession()
  await under.approve(refOf(await admitOne(session)))
  const full = await session.admit([query, query, query, query])
  assert.equal((await admitOne(session)).kind, 'refusal')
  for (const verdict of full) {
    if (verdict.kind === 'permit')
      session.complete(verdict.permit, { status: 'success', rows: 0, bytes: 0, durationMs: 0 })
  }
  assert.equal((await admitOne(session)).kind, 'permit')
})

test('the approval is taken for good before the record: when that cannot be written, it is used up and nothing runs', async () => {
  await using under = await heldBoundary()
  const session = await under.openSession()
  const ref = refOf(await admitOne(session))
  await under.approve(ref)
  under.state.trailWorks = false
  await assert.rejects(session.admit([deletion()]), { code: 'SP_TRAIL_UNAVAILABLE' })
  under.state.trailWorks = true
  assert.equal((await under.desk.find(ref, alice, true))?.status, 'used')
  assert.notEqual(refOf(await admitOne(session)), ref)
})

test('policy is asked again when the approval has been taken: a change in between counts', async () => {
  await using under = await heldBoundary()
  const session = await under.openSession()
  await under.approve(refOf(await admitOne(session)))
  let asked = 0
  under.state.decide = (shape, facts) => {
    // The first two questions are whether it is held, and whether it would be allowed; then the policy changes.
    asked++
    const need = asked <= 2 ? 'security:1' : 'security:2'
    return decideHolding(shape, facts, need)
  }
  const verdict = await admitOne(session)
  assert.equal(verdict.kind, 'refusal')
  assert.equal(asked, 3)
  assert.ok(intentsOf(under).every(({ approval }) => approval === undefined))
})

test('a session that ends while its approval is looked for, taken or asked for gets no permit', async () => {
  for (const approved of [true, false]) {
    await using under = await heldBoundary()
    const session = await under.openSession()
    const ref = refOf(await admitOne(session))
    if (approved) await under.approve(ref)
    const before = intentsOf(under).length
    const admitting = session.admit([deletion(approved ? undefined : 'new')])
    under.state.listener({ identityId: alice.id, by: 'bob', reason: 'left' })
    await assert.rejects(admitting, { code: 'SP_SESSION_REVOKED' })
    assert.equal(intentsOf(under).length, before)
  }
})

test('a session that ends while its request is being opened: everything of the batch is concluded as refused', async () => {
  await using under = await heldBoundary()
  const session = await under.openSession()
  const { ask } = under.desk
  under.desk.ask = async (held, sequence) => {
    under.state.listener({ identityId: alice.id, by: 'bob', reason: 'left' })
    return await ask.call(under.desk, held, sequence)
  }
  await assert.rejects(session.admit([query, deletion()]), { code: 'SP_SESSION_REVOKED' })
  const outcomes = under.entries.filter((entry) => entry.kind === 'outcome').map((entry) => entry.outcome.status)
  assert.deepEqual(outcomes, ['refused', 'refused'])
})

test('without a request it stays refused, in words that do not send anybody to an approver', async () => {
  await using under = await heldBoundary(1)
  const session = await under.openSession()
  refOf(await admitOne(session))
  const busy = await admitOne(session, deletion('other'))
  assert.ok(busy.kind === 'refusal' && busy.pending === undefined)
  assert.equal(busy.refusal.code, 'SP_BUSY')
  assert.match(busy.refusal.message, /too many requests are open/)
  under.holding.trailWorks = false
  under.state.identity = { ...alice, id: 'usr_c' }
  const failed = await admitOne(await under.openSession())
  assert.ok(failed.kind === 'refusal' && failed.pending === undefined)
  assert.equal(failed.refusal.code, 'SP_APPROVAL_UNAVAILABLE')
})

test('what could not be scrubbed is denied, not held: nobody could read what they approve', async () => {
  await using under = await heldBoundary()
  under.scrubber.scrub = () => undefined
  const verdict = await admitOne(await under.openSession())
  assert.ok(verdict.kind === 'refusal' && verdict.refusal.code === 'SP_SCRUB_UNAVAILABLE')
  assert.equal(under.events.length, 0)
})

test('the approver reads what is recorded, not what was asked', async () => {
  await using under = await heldBoundary()
  under.scrubber.scrub = () => toUtf8('DELETE … 411111******1111')
  const ref = refOf(await admitOne(await under.openSession()))
  assert.equal(fromUtf8((await under.desk.payload(ref)) ?? toUtf8('')), 'DELETE … 411111******1111')
})

test('an error of approvals is a refusal with its own code', async () => {
  await using under = await heldBoundary()
  under.desk.ask = () => Promise.reject(new GatewayError('SP_TRAIL_UNAVAILABLE'))
  const verdict = await admitOne(await under.openSession())
  assert.ok(verdict.kind === 'refusal' && verdict.refusal.code === 'SP_TRAIL_UNAVAILABLE')
})
