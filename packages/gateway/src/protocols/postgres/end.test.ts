/** How a statement or a session ends before its time: cancelled, revoked, left, hung up. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { toUtf8 } from '#base'
import { startPostgres, type TestPostgres } from '../../../testkit/postgres.ts'
import { encodeStartup } from './codec/index.ts'
import { endSharedClassifier, startBoundary, type TestBoundary } from './testkit/boundary.ts'
import { type Heard, outline, WireClient } from './testkit/wire.ts'

let database: TestPostgres
let direct: WireClient

before(async () => {
  database = await startPostgres({ tls: true })
  direct = await WireClient.connect({ ...database, password: database.password })
})

after(async () => {
  direct.end()
  await endSharedClassifier()
  await database.stop()
})

/** Runs for minutes if nobody stops it. */
const LONG = 'SELECT count(*) FROM generate_series(1, 10000000000)'

function login(boundary: TestBoundary, minor = 0): Promise<WireClient> {
  return WireClient.connect({ port: boundary.port, user: 'a', database: 'cards', password: 'let me in', minor })
}

/** How many statements of ours the database is running. */
async function running(): Promise<number> {
  const heard = await direct.query(
    "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'sallyport/%' AND state = 'active'",
  )
  return Number(outline(heard)[1]?.replace('row ', ''))
}

/** How many sessions of ours the database has. */
async function sessions(): Promise<number> {
  const heard = await direct.query("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'sallyport/%'")
  return Number(outline(heard)[1]?.replace('row ', ''))
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise(setImmediate)
}

async function startLong(boundary: TestBoundary, minor = 0): Promise<WireClient> {
  const client = await login(boundary, minor)
  client.send({ kind: 'query', text: toUtf8(LONG) })
  await until(async () => (await running()) > 0)
  return client
}

function cancelRequest(boundary: TestBoundary, greeting: readonly Heard[]): void {
  const key = greeting.find((message) => message.kind === 'backendKeyData')
  if (key?.kind !== 'backendKeyData') return assert.fail('no key')
  const socket = connect(boundary.port, '127.0.0.1')
  socket.end(encodeStartup({ ...key, kind: 'cancel' }))
}

for (const minor of [0, 2]) {
  test(`a CancelRequest cancels what runs (protocol 3.${String(minor)}, database over TLS: ${String(minor > 0)})`, async () => {
    await using boundary = await startBoundary(database, { upstreamTls: minor > 0 })
    const client = await startLong(boundary, minor)
    cancelRequest(boundary, client.greeting)
    assert.deepEqual(outline(await client.ready()), ['columns count', 'error ERROR 57014', 'ready I'])
    assert.deepEqual(boundary.gate.admissions.at(-1)?.outcome?.status, 'cancelled')
    assert.equal(outline(await client.query('SELECT 1')).at(-1), 'ready I')
    client.end()
    await client.rest()
  })
}

test('a wrong key cancels nothing', async () => {
  await using boundary = await startBoundary(database)
  const client = await login(boundary)
  cancelRequest(boundary, [{ kind: 'backendKeyData', processId: 1, key: Uint8Array.of(1, 2, 3, 4) }])
  assert.equal(outline(await client.query('SELECT 1')).at(-1), 'ready I')
  client.end()
})

test('a CancelRequest reaches what waits for its permit', async () => {
  await using boundary = await startBoundary(database)
  const client = await login(boundary)
  const held = Promise.withResolvers<undefined>()
  boundary.gate.hold = held.promise
  client.send({ kind: 'query', text: toUtf8('SELECT 1') })
  const sockets = boundary.sockets.length
  const hasWaited = (): boolean => boundary.sockets.length > sockets
  cancelRequest(boundary, client.greeting)
  while (!hasWaited() || boundary.sockets.at(-1)?.destroyed !== true) await new Promise(setImmediate)
  held.resolve(undefined)
  boundary.gate.hold = undefined
  assert.deepEqual(outline(await client.ready()), ['error ERROR 57014', 'ready I'])
  assert.equal(boundary.gate.admissions.at(-1)?.outcome?.status, 'skipped')
  client.end()
})

test('a revoked session ends: the client is told by whom, the statement is cancelled, the outcome known', async () => {
  await using boundary = await startBoundary(database)
  const client = await startLong(boundary)
  boundary.gate.endAll({ kind: 'revoked', by: 'carol', reason: 'suspicious export' })
  const [message] = await client.rest()
  assert.deepEqual(outline(message === undefined ? [] : [message]), ['error FATAL 57P01'])
  assert.match(JSON.stringify(message), /session ended by carol: \\"suspicious export\\"/)
  await until(async () => (await sessions()) === 0)
  await until(() => Promise.resolve(boundary.gate.closed.length === 1))
  assert.equal(boundary.gate.closed[0]?.kind, 'revoked')
  assert.equal(boundary.gate.admissions.at(-1)?.outcome?.status, 'cancelled')
})

test('idle and expired sessions end in their own words', async () => {
  for (const [kind, sqlstate] of [
    ['idle', '57P05'],
    ['expired', '57P01'],
  ] as const) {
    await using boundary = await startBoundary(database)
    const client = await login(boundary)
    boundary.gate.endAll({ kind })
    assert.deepEqual(outline(await client.rest()), [`error FATAL ${sqlstate}`])
  }
})

test('a client that leaves takes its statement with it', async () => {
  await using boundary = await startBoundary(database)
  const client = await startLong(boundary)
  client.stream.destroy()
  await until(async () => (await running()) === 0)
  await until(() => Promise.resolve(boundary.gate.unsettled() === 0))
  await until(() => Promise.resolve(boundary.gate.closed.length === 1))
  assert.deepEqual(boundary.gate.closed, [{ kind: 'client' }])
})

test('a client that says goodbye leaves nothing behind', async () => {
  await using boundary = await startBoundary(database)
  const client = await login(boundary)
  await client.query('BEGIN')
  client.end()
  await client.rest()
  await until(async () => (await sessions()) === 0)
  await until(() => Promise.resolve(boundary.gate.closed.length === 1))
  assert.deepEqual(boundary.gate.closed, [{ kind: 'client' }])
})

test('a database that hangs up says why, and what ran is lost', async () => {
  await using boundary = await startBoundary(database)
  const client = await startLong(boundary)
  await direct.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'sallyport/%'")
  assert.deepEqual(outline(await client.rest()), ['columns count', 'error FATAL 57P01'])
  await until(() => Promise.resolve(boundary.gate.unsettled() === 0))
  await until(() => Promise.resolve(boundary.gate.closed.length === 1))
  assert.deepEqual(boundary.gate.closed, [{ kind: 'upstream' }])
  assert.equal(boundary.gate.admissions.at(-1)?.outcome?.status, 'error')
})

test('shutting down tells every client and waits for the outcomes', async () => {
  const boundary = await startBoundary(database)
  const [busy, idle] = [await startLong(boundary), await login(boundary)]
  await boundary[Symbol.asyncDispose]()
  assert.deepEqual(outline(await busy.rest()), ['error FATAL 57P01'])
  assert.deepEqual(outline(await idle.rest()), ['error FATAL 57P01'])
  assert.equal(boundary.gate.unsettled(), 0)
  assert.equal(boundary.gate.closed.length, 2)
})

test('a session that ends while its batch waits for permits sends nothing', async () => {
  await using boundary = await startBoundary(database)
  const client = await login(boundary)
  const held = Promise.withResolvers<undefined>()
  boundary.gate.hold = held.promise
  client.send({ kind: 'query', text: toUtf8("SELECT 'never sent'") })
  await new Promise(setImmediate)
  client.stream.destroy()
  await until(() => Promise.resolve(boundary.gate.closed.length === 1))
  held.resolve(undefined)
  await until(() => Promise.resolve(boundary.gate.unsettled() === 0))
  assert.ok(!(await database.log()).includes('never sent'))
})
