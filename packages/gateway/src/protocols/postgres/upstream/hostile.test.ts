/**
 * A database that does not keep to the protocol: the real one, with bytes slipped in on the way. The session ends, the client is told, no
 * card number passes, every permit has its outcome.
 */
import assert from 'node:assert/strict'
import type { Duplex } from 'node:stream'
import { after, before, test } from 'node:test'
import { type Bytes, concatBytes, toUtf8 } from '#base'
import { startPostgres, type TestPostgres } from '../../../../testkit/postgres.ts'
import { type BackendMessage, encodeBackend } from '../codec/index.ts'
import { endSharedClassifier, startBoundary } from '../testkit/boundary.ts'
import { outline, WireClient } from '../testkit/wire.ts'
import { createTcpDialer, type Dialer } from './dialer.ts'

let database: TestPostgres

before(async () => {
  database = await startPostgres()
})

after(async () => {
  await endSharedClassifier()
  await database.stop()
})

/** Dials the real database; `slip` puts bytes into what it sends. */
function tamperingDialer(): { dialer: Dialer; slip: (bytes: Bytes) => void } {
  let heard: ((chunk: Bytes) => void) | undefined
  const real = createTcpDialer()
  const dialer: Dialer = {
    dial: async (target, options) => {
      const dialled = await real.dial(target, options)
      const stream: Duplex = dialled.stream
      return {
        stream,
        listen: (listener) => {
          heard = listener
          dialled.listen(listener)
        },
      }
    },
  }
  return { dialer, slip: (bytes) => heard?.(bytes) }
}

const bare = (kind: 'parseComplete' | 'copyDone' | 'noData' | 'emptyQuery' | 'portalSuspended'): BackendMessage => ({
  kind,
})
const column = { name: 'a', tableId: 0, attribute: 0, typeId: 25, typeSize: -1, typeModifier: -1, format: 0 } as const
const columns: BackendMessage = { kind: 'rowDescription', columns: [column] }
const row = (...values: readonly string[]): BackendMessage => ({
  kind: 'dataRow',
  values: values.map((text) => toUtf8(text)),
})

const lies: readonly (readonly [name: string, messages: readonly BackendMessage[]])[] = [
  ['COPY in', [{ kind: 'copyResponse', type: 0x47, body: Uint8Array.of(0, 0, 0) }]],
  ['COPY out', [{ kind: 'copyResponse', type: 0x48, body: Uint8Array.of(0, 0, 0) }]],
  ['COPY data', [{ kind: 'copyData', data: toUtf8('4111111111111111') }]],
  ['a function’s result', [{ kind: 'functionCallResponse', value: undefined }]],
  ['a row without columns described', [row('4111111111111111')]],
  ['a row with other columns than described', [columns, row('4111111111111111', 'b')]],
  ['a ParseComplete that nobody waits for', [bare('parseComplete')]],
  ['a NoData that nobody waits for', [bare('noData')]],
  [
    'more results than statements',
    [
      { kind: 'commandComplete', tag: 'SELECT 1' },
      { kind: 'commandComplete', tag: 'SELECT 1' },
    ],
  ],
  ['ready before the result is', [{ kind: 'readyForQuery', status: 'I' }]],
  ['a login in the middle', [{ kind: 'authentication', request: 3, data: new Uint8Array() }]],
]

for (const [name, messages] of lies) {
  test(`a lie of the database: ${name}`, async () => {
    const { dialer, slip } = tamperingDialer()
    await using boundary = await startBoundary(database, { dialer })
    const client = await WireClient.connect({
      port: boundary.port,
      user: 'a',
      database: 'cards',
      password: 'let me in',
    })
    client.send({ kind: 'query', text: toUtf8('SELECT count(*) FROM generate_series(1, 10000000)') })
    while (boundary.gate.admissions.length === 0) await new Promise(setImmediate)
    await new Promise(setImmediate)
    slip(concatBytes(messages.map(encodeBackend)))
    const heard = await client.rest()
    assert.equal(outline(heard).at(-1), 'error FATAL 08P01')
    assert.ok(!JSON.stringify(outline(heard)).includes('4111111111111111'))
    while (boundary.gate.closed.length === 0) await new Promise(setImmediate)
    assert.equal(boundary.gate.unsettled(), 0)
  })
}

test('garbage of the database ends the session', async () => {
  for (const garbage of [
    toUtf8('HTTP/1.1 400 Bad Request'),
    Uint8Array.of(0x45, 0, 0, 0, 1),
    Uint8Array.of(0x54, 0x7f, 0xff, 0xff, 0xff),
  ]) {
    const { dialer, slip } = tamperingDialer()
    await using boundary = await startBoundary(database, { dialer })
    const client = await WireClient.connect({
      port: boundary.port,
      user: 'a',
      database: 'cards',
      password: 'let me in',
    })
    slip(garbage)
    assert.deepEqual(outline(await client.rest()), ['error FATAL 08P01'])
  }
})

test('a changed setting that statements rely on ends the session; another is passed on', async () => {
  const { dialer, slip } = tamperingDialer()
  await using boundary = await startBoundary(database, { dialer })
  const client = await WireClient.connect({ port: boundary.port, user: 'a', database: 'cards', password: 'let me in' })
  slip(encodeBackend({ kind: 'parameterStatus', name: 'TimeZone', value: 'UTC' }))
  assert.deepEqual(await client.next(), { kind: 'parameterStatus', name: 'TimeZone', value: 'UTC' })
  slip(encodeBackend({ kind: 'parameterStatus', name: 'standard_conforming_strings', value: 'off' }))
  assert.deepEqual(outline(await client.rest()), ['error FATAL 0A000'])
})

test('a notification is dropped, a notice passed on scrubbed', async () => {
  const { dialer, slip } = tamperingDialer()
  await using boundary = await startBoundary(database, { dialer })
  const client = await WireClient.connect({ port: boundary.port, user: 'a', database: 'cards', password: 'let me in' })
  slip(encodeBackend({ kind: 'notification', processId: 1, channel: 'c', payload: '4111111111111111' }))
  slip(
    encodeBackend({
      kind: 'notice',
      fields: [
        ['S', 'NOTICE'],
        ['M', 'card 4111111111111111'],
      ],
    }),
  )
  const heard = await client.next()
  assert.deepEqual(heard.kind === 'notice' && heard.fields[1], ['M', 'card ************1111'])
})
