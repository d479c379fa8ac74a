import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { canonicalJson, type JsonObject } from '#base'
import { GatewayError, type TrailEvent } from '#model'
import { ENTITY_TYPES, EVENT_CLASSES } from './activities.ts'
import { eventFacts } from './event-facts.ts'
import { productFacts } from './lifecycle-facts.ts'
import { alice, scrubber, session } from './testkit/samples.ts'

const product = productFacts('0.1.0')
const client = { address: '10.0.0.1', port: 4_000 }
const login: TrailEvent = { class: 'authentication', activity: 'login', actor: alice, client, status: 'success' }

const refused: readonly { readonly name: string; readonly event: TrailEvent; readonly path: RegExp }[] = [
  { name: 'an activity that is not on the list', event: { ...login, activity: 'drink' }, path: /unmapped\.activity/ },
  { name: 'an activity of the prototype', event: { ...login, activity: 'constructor' }, path: /unmapped\.activity/ },
  {
    name: "the trail's own start",
    event: { ...login, class: 'lifecycle', activity: 'start' },
    path: /unmapped\.activity/,
  },
  {
    name: 'a session without an actor',
    event: { class: 'authorize-session', activity: 'open', client, status: 'success' },
    path: /actor/,
  },
  {
    name: 'an API call without a client',
    event: { class: 'api-activity', activity: 'explain', actor: alice, status: 'success' },
    path: /src_endpoint/,
  },
  {
    name: 'an entity that is not named',
    event: { ...login, class: 'entity-management', activity: 'create' },
    path: /entity/,
  },
  {
    name: 'an entity of an unknown type',
    event: { ...login, class: 'entity-management', activity: 'create', details: { entity: { type: 'cat', uid: 'c' } } },
    path: /entity\.type/,
  },
  { name: 'an actor without an id', event: { ...login, actor: { ...alice, id: '' } }, path: /actor\.user\.uid/ },
  { name: 'half a character', event: { ...login, details: { reason: 'a\ud800' } }, path: /lone surrogate/ },
  { name: 'a number that is none', event: { ...login, details: { count: NaN } }, path: /no integer/ },
  { name: 'details that are too deep', event: { ...login, details: { a: [[[[[[[[[1]]]]]]]]] } }, path: /details/ },
]

for (const { name, event, path } of refused) {
  test(`an event with ${name} is refused`, () => {
    assert.throws(
      () => canonicalJson(eventFactsOf(event)),
      (error) => error instanceof GatewayError && error.code === 'SP_TRAIL_UNAVAILABLE' && path.test(error.message),
    )
  })
}

function eventFactsOf(event: TrailEvent): JsonObject {
  return eventFacts(event, scrubber, product)
}

test('a refused token names nobody', () => {
  const facts = eventFactsOf({
    class: 'authentication',
    activity: 'token-refused',
    client,
    resource: 'cards',
    status: 'failure',
    code: 'SP_AUTH_TOKEN_UNKNOWN',
    details: { reason: 'unknown' },
  })
  assert.deepEqual(facts['user'], { type_id: 0, uid: 'n/a' })
  assert.equal(facts['actor'], undefined)
  assert.equal(facts['status_detail'], 'unknown')
  assert.deepEqual(facts['dst_endpoint'], { svc_name: 'cards' })
})

test('a person is named by id alone', () => {
  const text = canonicalJson(eventFactsOf({ ...login, session }))
  assert.ok(!text.includes(alice.name) && !text.includes(alice.subject) && text.includes(alice.id))
})

test('an answer to a request says whether its person showed more than one factor, a workload has none', () => {
  const answer: TrailEvent = {
    class: 'entity-management',
    activity: 'request-approve',
    actor: alice,
    client,
    status: 'success',
    details: { entity: { type: 'request', uid: '00000A' } },
  }
  const sessionOf = (event: TrailEvent): unknown => (eventFactsOf(event)['actor'] as JsonObject)['session']
  assert.deepEqual(sessionOf(answer), { is_mfa: true })
  assert.deepEqual(sessionOf({ ...answer, actor: { ...alice, mfa: false } }), { is_mfa: false })
  assert.equal(sessionOf({ ...answer, actor: { ...alice, kind: 'workload', mfa: false } }), undefined)
})

test('details are scrubbed, but a digest is left as it is', () => {
  const digest = `4111111111111111${'ab'.repeat(24)}`
  const details = { note: 'card 4111111111111111', '4111111111111111': true, digest, at: 12.6 }
  const facts = eventFactsOf({ ...login, details })
  assert.deepEqual((facts['unmapped'] as JsonObject)['details'], {
    note: 'card ************1111',
    '************1111': true,
    digest,
    at: 13,
  })
})

test('details beyond their bound are cut member by member, and the cut is named', () => {
  const facts = eventFactsOf({ ...login, details: { long: 'x'.repeat(40_000), short: 'y' } })
  const { details, truncated } = facts['unmapped'] as JsonObject
  assert.deepEqual(details, { short: 'y' })
  assert.deepEqual(truncated, ['details.long'])
})

test('docs/spec/record.md lists the activities and types that the code knows, and no others', () => {
  const spec = readFileSync(join(import.meta.dirname, '../../../../docs/spec/record.md'), 'utf8')
  for (const { classUid, activities } of Object.values(EVENT_CLASSES)) {
    const row = spec.split('\n').find((line) => line.startsWith('|') && line.includes(` ${classUid} |`)) ?? ''
    const cell = row.split('|')[2] ?? ''
    const listed = new Map<string, number>()
    let pending: string[] = []
    for (const [, activity, id] of cell.matchAll(/`([a-z-]+)`|\((\d+)\)/g)) {
      if (activity !== undefined) pending.push(activity)
      else {
        for (const each of pending) listed.set(each, Number(id))
        pending = []
      }
    }
    // The API's row gives the number before its list.
    if (pending.length > 0) for (const each of pending) listed.set(each, activities[each] ?? -1)
    assert.deepEqual([...listed.keys()].sort(), Object.keys(activities).sort(), `class ${classUid}`)
    if (classUid !== 6003) assert.deepEqual(Object.fromEntries(listed), activities)
  }
  const types = spec.split('\n').find((line) => line.includes('Types: ')) ?? ''
  assert.deepEqual(
    [...types.slice(types.indexOf('Types: ')).matchAll(/`([a-z]+)`/g)].map(([, type]) => type),
    [...ENTITY_TYPES],
  )
})
