import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toUtf8 } from '#base'
import type { AskedFacts, DecidedShape, RunningCall, Shape, ViaLink } from '#model'
import { boundary, select } from './testkit/boundary.ts'
import { wayOf } from './way.ts'

const linkTo = (running: readonly RunningCall[]): ViaLink => ({
  server: 'ledger',
  childId: 'c1',
  tools: ['lookup', 'refund', 'report'],
  running: () => running,
})

const lookup = { tool: 'lookup', sequence: 7 }
const refund = { tool: 'refund', sequence: 9 }
const query = { shape: select, payload: toUtf8('{}') }
const base = { server: 'ledger', childId: 'c1' }

const ways: readonly (readonly [string, readonly RunningCall[], object, readonly object[]])[] = [
  ['no call', [], { ...base, cause: 'none', calls: [] }, [{ server: 'ledger' }]],
  [
    'one call',
    [lookup],
    { ...base, tool: 'lookup', cause: 'exact', calls: [7] },
    [{ server: 'ledger', tool: 'lookup' }],
  ],
  [
    'two calls of one tool',
    [lookup, { ...lookup, sequence: 8 }],
    { ...base, tool: 'lookup', cause: 'one-of', calls: [7, 8] },
    [{ server: 'ledger', tool: 'lookup' }],
  ],
  [
    'two calls of two tools',
    [lookup, refund],
    { ...base, cause: 'one-of', calls: [7, 9] },
    [
      { server: 'ledger', tool: 'lookup' },
      { server: 'ledger', tool: 'refund' },
    ],
  ],
]
for (const [name, running, recorded, candidates] of ways) {
  test(`the way with ${name} under way`, async () => {
    assert.deepEqual(wayOf(linkTo(running)), { recorded, candidates })
    const { state, entries, openSession } = boundary()
    state.via = linkTo(running)
    const asked: (AskedFacts | undefined)[] = []
    state.decide = (shape, facts) => {
      asked.push(facts)
      return { shape, decision: { outcome: 'allow', policies: [], policyHash: 'h' } }
    }
    const session = await openSession()
    assert.equal((await session.admit([query]))[0]?.kind, 'permit')
    assert.deepEqual(
      asked.map((facts) => facts?.via),
      candidates,
    )
    const intent = entries.find((entry) => entry.kind === 'intent')
    assert.deepEqual(intent?.via, recorded)
  })
}

test("somebody's own connection has no way, and policy is asked as before", async () => {
  const { state, entries, openSession } = boundary()
  const asked: (AskedFacts | undefined)[] = []
  state.decide = (shape, facts) => {
    asked.push(facts)
    return { shape, decision: { outcome: 'allow', policies: [], policyHash: 'h' } }
  }
  await (await openSession()).admit([query, { ...query, arguments: '{"a":1}' }])
  assert.deepEqual(asked, [undefined, { arguments: '{"a":1}' }])
  assert.ok(entries.every((entry) => entry.kind !== 'intent' || !('via' in entry)))
})

type Outcome = DecidedShape['decision']['outcome']
const worst: readonly (readonly [Outcome, Outcome, Outcome])[] = [
  ['allow', 'allow', 'allow'],
  ['allow', 'hold', 'hold'],
  ['allow', 'deny', 'deny'],
  ['hold', 'allow', 'hold'],
  ['hold', 'hold', 'hold'],
  ['hold', 'deny', 'deny'],
  ['deny', 'allow', 'deny'],
  ['deny', 'hold', 'deny'],
  ['deny', 'deny', 'deny'],
]
for (const [first, second, result] of worst) {
  test(`one of two tools, ${first} for one and ${second} for the other: ${result}`, async () => {
    const { state, entries, openSession } = boundary()
    state.via = linkTo([lookup, refund])
    state.decide = (shape: Shape, asked): DecidedShape => {
      const outcome = asked?.via?.tool === 'lookup' ? first : second
      return { shape, decision: { outcome, policies: [], policyHash: 'h' } }
    }
    await (await openSession()).admit([query])
    const intent = entries.find((entry) => entry.kind === 'intent')
    assert.equal(intent?.decided.decision.outcome, result)
  })
}

test('the way is that of the moment when it was asked, not of when its payload had been scrubbed', async () => {
  const { state, entries, scrubber, openSession } = boundary()
  const running = [lookup]
  state.via = linkTo(running)
  const scrubbed = Promise.withResolvers<Uint8Array>()
  scrubber.scrub = () => scrubbed.promise
  const session = await openSession()
  const admitting = session.admit([query])
  running[0] = refund
  scrubbed.resolve(toUtf8('{}'))
  await admitting
  const intent = entries.find((entry) => entry.kind === 'intent')
  assert.equal(intent?.via?.tool, 'lookup')
})
