import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret, toUtf8 } from '#base'
import { type ClientAddress, isRefusal, type OpenSession, type Resource } from '#model'
import { type Boundary, boundary, cards, client, select } from './testkit/boundary.ts'

async function join(
  { gate }: Boundary,
  resource: Resource = cards,
  from: ClientAddress = client,
): Promise<OpenSession> {
  const answer = await gate.join({ resource, secret: new Secret('good'), client: from })
  assert.ok(!isRefusal(answer))
  return answer
}

function openings({ entries }: Boundary): number {
  return entries.filter((entry) => entry.kind === 'event' && entry.event.activity === 'open').length
}

test('whoever comes again with a token gets the session that it has; two at once get one', async () => {
  const under = boundary()
  const sessions = await Promise.all([join(under), join(under), join(under)])
  sessions.push(await join(under))
  assert.equal(new Set(sessions).size, 1)
  assert.deepEqual([openings(under), under.gate.list().length], [1, 1])
})

test('another token, or another resource, is another session', async () => {
  const under = boundary()
  const first = await join(under)
  const elsewhere = await join(under, { name: 'hr', kind: 'postgres', tables: [] })
  assert.notEqual(first, elsewhere)
  await elsewhere.close({ kind: 'client' })
  under.state.tokenId = 'tok_2'
  assert.notEqual(await join(under), first)
})

test('a token that turns up at another address has a session of its own there, which says so', async () => {
  const under = boundary()
  const first = await join(under)
  assert.equal(await join(under, cards, { ...client, port: client.port + 1 }), first)
  const elsewhere = await join(under, cards, { ...client, address: '203.0.113.9' })
  assert.notEqual(elsewhere, first)
  assert.deepEqual([elsewhere.session.client.address, openings(under)], ['203.0.113.9', 2])
  assert.equal(await join(under), first)
})

test('somebody whose groups are others now has a session of its own under the same token, which is decided by these', async () => {
  const under = boundary()
  const first = await join(under)
  under.state.identity = { ...under.state.identity, groups: [] }
  const second = await join(under)
  assert.notEqual(second, first)
  assert.deepEqual([second.session.identity.groups, openings(under)], [[], 2])
  assert.equal(await join(under), second)
})

test('after its end a new one is opened, and the old one gives no permits', async () => {
  const under = boundary()
  const first = await join(under)
  await first.close({ kind: 'client' })
  const second = await join(under)
  assert.notEqual(first, second)
  under.state.listener({ tokenId: 'tok_1', by: 'bob', reason: 'lost' })
  const third = await join(under)
  assert.equal(new Set([first, second, third]).size, 3)
  const query = { shape: select, payload: toUtf8('{}') }
  for (const ended of [first, second]) await assert.rejects(ended.admit([query]), { code: 'SP_SESSION_REVOKED' })
  assert.equal((await third.admit([query]))[0]?.kind, 'permit')
})

test('the secret is checked each time: a bad one joins nothing, and is on record', async () => {
  const under = boundary()
  await join(under)
  const answer = await under.gate.join({ resource: cards, secret: new Secret('bad'), client })
  assert.ok(isRefusal(answer) && answer.code === 'SP_AUTH_TOKEN_UNKNOWN')
  assert.ok(under.entries.some((entry) => entry.kind === 'event' && entry.event.activity === 'token-refused'))
})

test('one that could not be opened is not joined: the next tries again', async () => {
  const under = boundary()
  under.state.trailWorks = false
  const answers = await Promise.all(
    [1, 2].map(() => under.gate.join({ resource: cards, secret: new Secret('good'), client })),
  )
  assert.ok(answers.every((answer) => isRefusal(answer) && answer.code === 'SP_TRAIL_UNAVAILABLE'))
  under.state.trailWorks = true
  await join(under)
  assert.equal(under.gate.list().length, 1)
})

test('a joined session does not fill the place of others', async () => {
  const under = boundary()
  for (let round = 0; round < 20; round++) await join(under)
  assert.equal(under.gate.list().length, 1)
})
