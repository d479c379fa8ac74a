import assert from 'node:assert/strict'
import { toUtf8 } from '#base'
import type { ControlStore, RequestAnswer, RequestStore, StoredAnswer, StoredRequest } from '#model'

type Check = (
  title: string,
  body: (store: ControlStore, under: { reopen(): Promise<ControlStore> }) => Promise<void>,
) => void

const request = (ref: string, more: Partial<StoredRequest> = {}): StoredRequest => ({
  ref,
  digest: 'd1',
  identityId: 'usr_a',
  resource: 'cards',
  verb: 'DELETE',
  template: 'DELETE FROM customers WHERE id = ?',
  need: 'security:1',
  reason: 'delete on customers needs an approval',
  policies: ['guard-delete', 'dba-tables'],
  policyHash: 'h',
  sealed: toUtf8(`sealed ${ref}`),
  openedAtMs: 100,
  expiresAtMs: 1_000,
  status: 'open',
  records: [7],
  answers: [],
  ...more,
})

const answer = (more: Partial<StoredAnswer> = {}): StoredAnswer => ({
  identityId: 'usr_b',
  answer: 'approve',
  groups: ['security'],
  reason: 'ticket 12',
  atMs: 200,
  ...more,
})

const change = (more: Partial<RequestAnswer> = {}): RequestAnswer => ({
  answer: answer(),
  record: 8,
  status: 'approved',
  ...more,
})

const refsOf = (requests: readonly StoredRequest[]): readonly string[] => requests.map(({ ref }) => ref)

/** What every implementation of the store of requests must do. */
export function requestCases(check: Check): void {
  check('a request comes back as it was written, also after a restart', async ({ requests }, under) => {
    const full = request('A', {
      agentId: 'claude',
      agentName: 'Claude Code',
      server: 'ledger',
      tool: 'refund',
      answers: [answer()],
      usedAtMs: 5,
      status: 'used',
    })
    await requests.create(full)
    await requests.create(request('B'))
    assert.deepEqual(await requests.find('A'), full)
    assert.equal(await requests.find('C'), undefined)
    await assert.rejects(requests.create(request('A')))
    assert.deepEqual(await (await under.reopen()).requests.find('A'), full)
  })
  check('the newest of a digest is found while it counts', async ({ requests }) => {
    await requests.create(request('A'))
    await requests.create(request('B', { openedAtMs: 101, status: 'approved' }))
    await requests.create(request('C', { openedAtMs: 102, status: 'used' }))
    await requests.create(request('D', { openedAtMs: 103, status: 'expired' }))
    await requests.create(request('E', { openedAtMs: 104, digest: 'd2', status: 'denied' }))
    assert.equal((await requests.findByDigest('d1', 999))?.ref, 'B')
    assert.equal((await requests.findByDigest('d2', 999))?.ref, 'E')
    assert.equal(await requests.findByDigest('d1', 1_000), undefined)
    assert.equal(await requests.findByDigest('d3', 0), undefined)
  })
  check(
    'open ones of an asker are counted until their time is over: a person, and each agent of theirs',
    async ({ requests }) => {
      await requests.create(request('A'))
      await requests.create(request('B', { expiresAtMs: 500 }))
      await requests.create(request('C', { status: 'approved' }))
      await requests.create(request('D', { identityId: 'usr_c' }))
      await requests.create(request('E', { agentId: 'cli_one' }))
      await requests.create(request('F', { agentId: 'cli_two' }))
      const hers = { identityId: 'usr_a' }
      assert.deepEqual([await requests.countOpen(hers, 400), await requests.countOpen(hers, 500)], [2, 1])
      assert.equal(await requests.countOpen({ ...hers, agentId: 'cli_one' }, 400), 1)
      assert.equal(await requests.countOpen({ ...hers, agentId: 'cli_three' }, 400), 0)
    },
  )
  check('lists are newest first, of all or of one identity', async ({ requests }) => {
    await requests.create(request('A'))
    await requests.create(request('B', { openedAtMs: 200, status: 'denied' }))
    await requests.create(request('C', { openedAtMs: 300, identityId: 'usr_c' }))
    assert.deepEqual(refsOf(await requests.list({ limit: 10 })), ['C', 'B', 'A'])
    assert.deepEqual(refsOf(await requests.list({ limit: 1 })), ['C'])
    assert.deepEqual(refsOf(await requests.list({ limit: 10, identityId: 'usr_a' })), ['B', 'A'])
  })
  answerCases(check)
  endCases(check)
  liveCases(check)
  sweepCases(check)
}

function answerCases(check: Check): void {
  check('an answer is added once, to what it was given to', async ({ requests }) => {
    await requests.create(request('A', { need: 'security:2' }))
    assert.equal(await requests.answer('A', 0, change({ status: 'open' })), true)
    assert.equal(await requests.answer('A', 0, change({ status: 'open' })), false)
    const second = answer({ identityId: 'usr_c' })
    assert.equal(await requests.answer('A', 1, change({ answer: second, record: 9, expiresAtMs: 5_000 })), true)
    assert.equal(await requests.answer('A', 2, change()), false)
    assert.equal(await requests.answer('none', 0, change()), false)
    const { answers, records, status, expiresAtMs, sealed } = await get(requests, 'A')
    assert.deepEqual(
      { answers, records, status, expiresAtMs },
      { answers: [answer(), second], records: [7, 8, 9], status: 'approved', expiresAtMs: 5_000 },
    )
    assert.notEqual(sealed.length, 0)
  })
  check('of answers at the same time, one wins', async ({ requests }) => {
    await requests.create(request('A'))
    const won = await Promise.all([
      requests.answer('A', 0, change()),
      requests.answer('A', 0, change({ answer: answer({ answer: 'deny' }), status: 'denied' })),
      requests.answer('A', 0, change()),
    ])
    assert.equal(won.filter(Boolean).length, 1)
    assert.equal((await get(requests, 'A')).answers.length, 1)
  })
  check('no answer in the moment that the time is over', async ({ requests }) => {
    await requests.create(request('A'))
    assert.equal(await requests.answer('A', 0, change({ answer: answer({ atMs: 1_000 }) })), false)
    assert.equal((await get(requests, 'A')).status, 'open')
  })
  check('what is denied keeps no payload', async ({ requests }) => {
    await requests.create(request('A'))
    await requests.answer('A', 0, change({ answer: answer({ answer: 'deny' }), status: 'denied' }))
    assert.equal((await get(requests, 'A')).sealed.length, 0)
  })
}

function endCases(check: Check): void {
  check('an approval is used once, however many ask', async ({ requests }) => {
    await requests.create(request('A', { status: 'approved' }))
    const won = await Promise.all([1, 2, 3, 4].map((at) => requests.use('A', 300 + at)))
    assert.equal(won.filter(Boolean).length, 1)
    const { status, usedAtMs, sealed } = await get(requests, 'A')
    assert.deepEqual([status, sealed.length], ['used', 0])
    assert.ok(usedAtMs !== undefined && usedAtMs > 300)
  })
  check('nothing but what is approved and not over can be used', async ({ requests }) => {
    const states = ['open', 'denied', 'expired', 'used'] as const
    for (const status of states) await requests.create(request(status, { status }))
    await requests.create(request('late', { status: 'approved' }))
    for (const ref of [...states, 'late', 'none']) assert.equal(await requests.use(ref, 1_000), false)
  })
  check('what is over is found and ends once', async ({ requests }) => {
    await requests.create(request('A', { expiresAtMs: 900 }))
    await requests.create(request('B', { expiresAtMs: 800, status: 'approved' }))
    await requests.create(request('C', { status: 'denied' }))
    await requests.create(request('D', { expiresAtMs: 1_001 }))
    assert.deepEqual(refsOf(await requests.due(1_000, 10)), ['B', 'A'])
    assert.deepEqual(refsOf(await requests.due(1_000, 1)), ['B'])
    assert.equal(await requests.expire('A', 9, 899), false)
    const won = await Promise.all([requests.expire('A', 9, 1_000), requests.expire('A', 10, 1_000)])
    assert.equal(won.filter(Boolean).length, 1)
    assert.equal(await requests.expire('C', 9, 1_000), false)
    const { status, records, sealed } = await get(requests, 'A')
    assert.deepEqual([status, records.length, sealed.length], ['expired', 2, 0])
    assert.deepEqual(refsOf(await requests.due(1_000, 10)), ['B'])
  })
}

function liveCases(check: Check): void {
  check(
    'what can still be answered or used is found by who asked for it and by who approved it',
    async ({ requests }) => {
      const approved = { answers: [answer()] }
      await requests.create(request('asked'))
      await requests.create(request('half', { ...approved, openedAtMs: 101 }))
      await requests.create(request('approved', { ...approved, status: 'approved', openedAtMs: 102 }))
      await requests.create(request('by c', { status: 'approved', answers: [answer({ identityId: 'usr_c' })] }))
      for (const status of ['denied', 'expired', 'used'] as const)
        await requests.create(request(status, { ...approved, status }))
      await requests.create(request('late', { ...approved, status: 'approved', expiresAtMs: 500 }))
      assert.deepEqual(await requests.liveOf('usr_b', 500), ['approved', 'half'])
      assert.deepEqual([...(await requests.liveOf('usr_a', 500))].sort(), ['approved', 'asked', 'by c', 'half'])
      assert.deepEqual(await requests.liveOf('usr_d', 500), [])
    },
  )
}

function sweepCases(check: Check): void {
  check(
    'what has ended and was over before a time is removed, so many at a time; nothing else is',
    async ({ requests }) => {
      const states = ['open', 'approved', 'denied', 'expired', 'used'] as const
      for (const status of states) {
        await requests.create(request(`old ${status}`, { status, expiresAtMs: 1_000 }))
        await requests.create(request(`new ${status}`, { status, expiresAtMs: 1_001 }))
      }
      assert.equal(await requests.sweep(1_000, 2), 2)
      assert.equal(await requests.sweep(1_000, 2), 1)
      assert.equal(await requests.sweep(1_000, 2), 0)
      const kept = ['old open', 'old approved', ...states.map((status) => `new ${status}`)]
      assert.deepEqual(refsOf(await requests.list({ limit: 20 })).toSorted(), kept.toSorted())
    },
  )
}

async function get(requests: RequestStore, ref: string): Promise<StoredRequest> {
  const found = await requests.find(ref)
  assert.ok(found !== undefined)
  return found
}
