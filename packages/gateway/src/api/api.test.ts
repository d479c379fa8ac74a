/** The API over ports in memory: what is recorded, what is told to whom, and until when. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BoundaryAction, Decision, EventEntry, Person, Revocation } from '#model'
import type { RecordRow } from '#model/read'
import { createApi } from './index.ts'
import type { ApiServices } from './services.ts'

const dana: Person = {
  kind: 'person',
  id: 'usr_dana',
  issuer: 'https://idp',
  subject: 'd',
  name: 'dana@example.com',
  groups: ['auditors'],
  mfa: true,
}
const RECORDS = 5

/** An API whose token `good` is dana's, who may do what is given. */
function api(...allowed: readonly BoundaryAction[]) {
  const events: EventEntry['event'][] = []
  const revocations = new Set<(revocation: Revocation) => void>()
  const row = (sequence: number): RecordRow => ({ sequence, leaf: { time: 1 } })
  const decide = (action: BoundaryAction): Decision =>
    allowed.includes(action)
      ? { outcome: 'allow', policies: ['p'], policyHash: 'h' }
      : { outcome: 'deny', policies: [], policyHash: 'h' }
  const services = {
    clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
    policy: () => ({ decideBoundary: (_identity: unknown, action: BoundaryAction) => decide(action) }),
    trail: {
      record: (entries: readonly EventEntry[]) => {
        for (const { event } of entries) events.push(event)
        return Promise.resolve(entries.map(() => ({ sequence: events.length })))
      },
    },
    reader: {
      status: () => Promise.resolve({ durable: RECORDS, indexed: RECORDS }),
      query: () => Promise.resolve({ rows: [row(1)], indexed: RECORDS }),
    },
    logins: {
      verify: (secret: { expose(): string }) =>
        Promise.resolve(
          secret.expose() === 'good'
            ? {
                kind: 'verified',
                identity: dana,
                tokenId: 'tok_1',
                grantId: 'grt_1',
                grantEndsAtMs: Date.now() + 60_000,
              }
            : { kind: 'rejected', code: 'SP_AUTH_TOKEN_EXPIRED', reason: 'it expired', identity: dana },
        ),
      names: () => Promise.resolve({}),
      find: (person: string) => Promise.resolve(person === 'alice@example.com' ? 'usr_alice' : undefined),
      tokenIdOf: (secret: { expose(): string }) => `tok_of_${secret.expose().length}`,
      revoke: () => Promise.resolve(true),
      onRevoked: (listener: (revocation: Revocation) => void) => {
        revocations.add(listener)
        return () => revocations.delete(listener)
      },
    },
  } as unknown as ApiServices
  const app = createApi(services)
  const ask = async (path: string, body?: unknown, token = 'good', address = '127.0.0.1'): Promise<Response> =>
    await app.request(
      `/api/v1${path}`,
      {
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      },
      { incoming: { socket: { remoteAddress: address, remotePort: 1 } } },
    )
  const revoke = (revocation: Partial<Revocation>): void => {
    for (const listener of revocations) listener({ by: 'x', reason: 'y', ...revocation })
  }
  return { ask, events, revoke, listeners: revocations }
}

test('whoever follows the trail is cut off when their login is revoked', async () => {
  for (const revocation of [{ tokenId: 'tok_1' }, { grantId: 'grt_1' }, { identityId: 'usr_dana' }]) {
    const { ask, revoke, listeners } = api('readTrail')
    const response = await ask('/records/follow')
    assert.equal(response.status, 200)
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    assert.equal((await reader.read()).done, false)
    revoke({ identityId: 'usr_somebody' })
    assert.equal((await reader.read()).done, false)
    revoke(revocation)
    while (!(await reader.read()).done);
    assert.equal(listeners.size, 0)
  }
})

test('whoever may not revoke does not learn who is known here, and the attempt is on record', async () => {
  const { ask, events } = api()
  for (const person of ['alice@example.com', 'nobody@example.com']) {
    const response = await ask('/revocations', { person, reason: 'curious' })
    assert.equal(response.status, 403)
  }
  assert.deepEqual(
    events.map(({ activity, status, details }) => [activity, status, details?.['identity']]),
    [
      ['revoke', 'failure', undefined],
      ['revoke', 'failure', undefined],
    ],
  )
  const allowed = api('revoke')
  assert.equal((await allowed.ask('/revocations', { person: 'nobody@example.com', reason: 'left' })).status, 404)
  assert.equal((await allowed.ask('/revocations', { person: 'alice@example.com', reason: 'left' })).status, 204)
  assert.equal(allowed.events.at(-1)?.details?.['identity'], 'usr_alice')
})

test('a token that is revoked is on record by its name, never as it is', async () => {
  const { ask, events } = api('revoke')
  assert.equal((await ask('/revocations', { token: 'a-secret-token', reason: 'leaked' })).status, 204)
  assert.equal(events.at(-1)?.details?.['token'], 'tok_of_14')
  assert.equal(JSON.stringify(events).includes('a-secret-token'), false)
})

test('a record of a search holds the id of whom it was about, never the name', async () => {
  const { ask, events } = api('readTrail')
  for (const path of ['/records', '/records/follow'])
    for (const identity of ['alice@example.com', 'nobody@example.com'])
      await (await ask(`${path}?identity=${identity}`)).body?.cancel()
  const filters = events.map(({ details }) => (typeof details?.['filter'] === 'string' ? details['filter'] : ''))
  assert.deepEqual(
    filters.map((filter) => new URLSearchParams(filter).get('identity')),
    ['usr_alice', '?', 'usr_alice', '?'],
  )
})

test('a token that is refused is on record, and cannot be tried without end', async () => {
  const { ask, events } = api('readTrail')
  const response = await ask('/records', undefined, 'old')
  assert.equal(response.status, 401)
  assert.deepEqual(events, [
    {
      class: 'authentication',
      activity: 'token-refused',
      actor: dana,
      client: { address: '127.0.0.1', port: 1, tls: false },
      status: 'failure',
      code: 'SP_AUTH_TOKEN_EXPIRED',
      details: { reason: 'it expired' },
    },
  ])
  const statuses: number[] = []
  for (let attempt = 0; attempt < 200; attempt++) statuses.push((await ask('/records', undefined, 'old')).status)
  assert.equal(statuses.at(-1), 429)
  assert.ok(events.length <= 100, `${events.length} records`)
  assert.equal((await ask('/records', undefined, 'good')).status, 200)
})
