/** What is on record before evidence is handed over, and who may ask for what. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { type Bytes, parseRef } from '#base'
import { type BoundaryAction, GatewayError } from '#model'
import { apiWith, dana, recordStory } from '../../testkit/recorded-api.ts'
import { alice, type RecordedTrail } from '../../testkit/recorded-trail.ts'
import { EVIDENCE_HEADERS, type EntitlementFacts, type EntitlementList } from './evidence-contract.ts'
import type { BuiltEvidence, EntitlementSubject } from './services.ts'

const MANIFEST = 'ab'.repeat(32)
const period = { fromMs: 0, toMs: 4_000_000_000_000 }

interface Deed {
  readonly activity: unknown
  readonly status: unknown
}

async function deedsOf({ reader, caughtUp }: RecordedTrail): Promise<readonly Deed[]> {
  await caughtUp()
  const { rows } = await reader.query({ identity: dana.id, after: -1, limit: 100 })
  return rows.map(({ leaf }) => ({
    activity: (leaf['unmapped'] as Record<string, unknown>)['activity'],
    status: leaf['status_id'],
  }))
}

/** Evidence that says what becomes of it. */
function fakeEvidence(chunks: readonly Bytes[] = [Buffer.from('an archive')]) {
  const seen: { orders: unknown[]; disposed: number } = { orders: [], disposed: 0 }
  const pack: BuiltEvidence = {
    manifestSha256: MANIFEST,
    records: { first: 0, last: 9 },
    files: 3,
    async *archive() {
      yield* chunks
    },
    dispose: async () => {
      seen.disposed += 1
    },
  }
  const build = async (order: unknown): Promise<BuiltEvidence> => {
    seen.orders.push(order)
    return pack
  }
  return { seen, services: { evidence: { build } } }
}

async function open(
  t: TestContext,
  services: Readonly<Record<string, unknown>>,
  ...allowed: readonly BoundaryAction[]
) {
  const { recorded } = await recordStory(t)
  return { recorded, ask: apiWith(recorded, dana, allowed, services) }
}

test('evidence is asked for, built, on record, and then handed over', async (t) => {
  const { seen, services } = fakeEvidence()
  const { recorded, ask } = await open(t, services, 'exportEvidence', 'openPayload')
  const response = await ask('/evidence', { ...period, disclose: 'statements' })
  assert.equal(response.status, 200)
  assert.equal(response.headers.get(EVIDENCE_HEADERS.manifest), MANIFEST)
  assert.equal(await response.text(), 'an archive')
  assert.equal(seen.disposed, 1)
  assert.deepEqual(
    (await deedsOf(recorded)).map(({ activity }) => activity),
    ['export-evidence', 'open-payload', 'evidence-build'],
  )
  const built = await recorded.reader.record(parseRef(response.headers.get(EVIDENCE_HEADERS.ref) ?? '') ?? -1)
  assert.ok(built !== undefined)
  const { details } = built.leaf['unmapped'] as { details: Record<string, unknown> }
  assert.deepEqual(
    [details['manifest'], details['first'], details['last'], details['disclose']],
    [MANIFEST, 0, 9, 'statements'],
  )
})

test('payloads need a permit of their own, and what is refused is on record', async (t) => {
  const { seen, services } = fakeEvidence()
  const { recorded, ask } = await open(t, services, 'exportEvidence')
  assert.equal((await ask('/evidence', { ...period, disclose: 'statements' })).status, 403)
  assert.equal((await ask('/evidence', period)).status, 200)
  assert.equal(seen.orders.length, 1)
  assert.deepEqual(await deedsOf(recorded), [
    { activity: 'export-evidence', status: 1 },
    { activity: 'open-payload', status: 2 },
    { activity: 'export-evidence', status: 1 },
    { activity: 'evidence-build', status: 1 },
  ])
})

test('nobody else gets any, and a period without records is said to be one', async (t) => {
  const { seen, services } = fakeEvidence()
  const { ask } = await open(t, services, 'readTrail')
  assert.equal((await ask('/evidence', period)).status, 403)
  assert.equal((await ask('/evidence', { fromMs: 5, toMs: 4 })).status, 400)
  assert.equal(seen.orders.length, 0)
  const empty = { evidence: { build: () => Promise.reject(new GatewayError('SP_API_NOT_FOUND')) } }
  const none = await (await open(t, empty, 'exportEvidence')).ask('/evidence', period)
  assert.equal(none.status, 404)
  assert.match(await none.text(), /there are no records in that time/)
})

test('what was built is removed when its taker goes away, or reading it fails', async (t) => {
  const { seen, services } = fakeEvidence([Buffer.from('a'), Buffer.from('b')])
  const { ask } = await open(t, services, 'exportEvidence')
  await (await ask('/evidence', period)).body?.cancel()
  assert.equal(seen.disposed, 1)
})

const permit: EntitlementFacts = {
  policy: 'agents-call-lookup_customer',
  file: 'a.cedar',
  line: 1,
  principal: 'persons in support',
  action: 'ledger/lookup_customer',
  resource: 'server ledger',
  resourceName: 'ledger',
  approval: 'never',
  approvals: [],
  bans: [],
  need: 'answer customers',
  owner: 'support@example.com',
}

test('entitlements: of a person with the groups of their last record, of a tool, with the last use', async (t) => {
  const asked: EntitlementSubject[] = []
  const entitlements = (subject: EntitlementSubject): readonly EntitlementFacts[] => {
    asked.push(subject)
    return [permit]
  }
  const logins = { find: () => Promise.resolve(alice.id) }
  const { ask } = await open(t, { entitlements, logins }, 'explain')
  const list = async (query: string): Promise<EntitlementList> =>
    (await (await ask(`/entitlements?${query}`)).json()) as EntitlementList
  const own = await list('identity=alice')
  assert.deepEqual(asked[0], { kind: 'identity', identity: { kind: 'person', id: alice.id, groups: ['support'] } })
  assert.deepEqual([own.groups?.names, own.entitlements[0]?.lastUse?.uses], [['support'], 1])
  const tool = await list('tool=ledger/lookup_customer')
  assert.deepEqual(asked[1], { kind: 'tool', server: 'ledger', tool: 'lookup_customer' })
  assert.equal(tool.entitlements[0]?.lastUse?.ref, own.entitlements[0]?.lastUse?.ref)
  assert.equal((await ask('/entitlements?tool=ledger')).status, 400)
  assert.equal((await ask('/entitlements?tool=a/b&identity=c')).status, 400)
})

test('others see their own entitlements only', async (t) => {
  const logins = { find: (person: string) => Promise.resolve(person === 'me' ? dana.id : alice.id) }
  const { recorded, ask } = await open(t, { entitlements: () => [], logins })
  assert.equal((await ask('/entitlements?identity=me')).status, 200)
  assert.equal((await ask('/entitlements?identity=alice')).status, 403)
  assert.equal((await ask('/entitlements')).status, 403)
  assert.deepEqual(
    (await deedsOf(recorded)).map(({ status }) => status),
    [1, 2, 2],
  )
})
