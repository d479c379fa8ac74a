/** Tables that are made anew and partitions that are added while a session is open: what they hold is masked all the same, before a real PostgreSQL. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { type Clock, fromUtf8, toUtf8 } from '#base'
import { processClock, type TestGateOptions } from '../../../testkit/gate.ts'
import { startPostgres, type TestPostgres } from '../../../testkit/postgres.ts'
import { encodeStartup, type FrontendMessage } from './codec/index.ts'
import { endSharedClassifier, startBoundary, type TestBoundary } from './testkit/boundary.ts'
import { outline, WireClient } from './testkit/wire.ts'
import { createTcpDialer, type Dialer } from './upstream/dialer.ts'

const schema = [
  'CREATE TABLE vault (secret text, code text)',
  "INSERT INTO vault VALUES ('12345678', '123')",
  'CREATE TABLE parts (secret text) PARTITION BY LIST (secret)',
].join(';\n')

const MADE_ANEW =
  "DROP TABLE vault; CREATE TABLE vault (secret text, code text); INSERT INTO vault VALUES ('12345678', '123')"
const SECRET = 'SELECT secret AS y FROM vault'
const CODE = 'SELECT code AS x FROM vault'
const masked = ['columns y', 'row ****5678', 'notice NOTICE 00000', 'done SELECT 1', 'ready I']
const withheld = ['columns x', 'error ERROR 22000', 'ready I']

let database: TestPostgres
let boundary: TestBoundary
/** Of the database administrator, not by way of the boundary. */
let admin: WireClient
let client: WireClient
let aheadMs = 0
/** What the session asked of its own accord since it began. */
let asked = 0

const clock: Clock = {
  nowMs: () => processClock.nowMs() + aheadMs,
  monotonicMs: () => processClock.monotonicMs() + aheadMs,
}
const real = createTcpDialer()
const dialer: Dialer = {
  dial: async (target, options) => {
    const dialled = await real.dial(target, options)
    const { stream } = dialled
    const write = stream.write.bind(stream) as (bytes: Uint8Array) => boolean
    stream.write = (bytes: Uint8Array) => {
      if (fromUtf8(bytes).includes('pg_inherits')) asked++
      return write(bytes)
    }
    return dialled
  },
}

before(async () => {
  database = await startPostgres({ sql: schema })
})

beforeEach(async () => {
  boundary = await start()
  admin = await WireClient.connect({ ...database, password: database.password })
  client = await login()
  asked = 0
})

afterEach(async () => {
  client.end()
  admin.end()
  assert.equal(boundary.gate.unsettled(), 0)
  await boundary[Symbol.asyncDispose]()
})

after(async () => {
  await endSharedClassifier()
  await database.stop()
})

function start(gate: TestGateOptions = {}): Promise<TestBoundary> {
  return startBoundary(database, {
    declaredColumns: [
      { schema: 'public', table: 'vault', column: 'secret', class: 'pan' },
      { schema: 'public', table: 'vault', column: 'code', class: 'sad' },
      { schema: 'public', table: 'parts', column: 'secret', class: 'pan' },
    ],
    dialer,
    connectTimeoutSeconds: 1,
    more: { clock },
    gate,
  })
}

function login({ port } = boundary): Promise<WireClient> {
  return WireClient.connect({ port, user: 'alice', database: 'cards', password: 'let me in' })
}

async function ask(sql: string): Promise<readonly string[]> {
  return outline(await client.query(sql))
}

function later(): void {
  aheadMs += 31_000
}

const parse = (text: string, name = ''): FrontendMessage => ({
  ...{ kind: 'parse', name, parameterTypes: [] },
  text: toUtf8(text),
})
const bind = (statement = ''): FrontendMessage => ({
  ...{ kind: 'bind', portal: '', statement, parameterFormats: [], parameters: [] },
  resultFormats: [],
})
const execute: FrontendMessage = { kind: 'execute', portal: '', maxRows: 0 }
const sync: FrontendMessage = { kind: 'sync' }

async function run(statement?: string): Promise<readonly string[]> {
  client.send(bind(statement), execute, sync)
  return outline(await client.ready())
}

test('a table that somebody made anew is known again after half a minute, and nothing of the asking is seen', async () => {
  assert.deepEqual(await ask(SECRET), masked)
  await admin.query(MADE_ANEW)
  later()
  assert.deepEqual(await ask(SECRET), masked)
  assert.deepEqual(await ask(CODE), withheld)
  assert.equal(asked, 1, 'once, not for each batch')
  assert.deepEqual(
    boundary.gate.admissions.map(({ payload }) => payload['statement']),
    [SECRET, SECRET, CODE],
  )
})

test('prepared statements, named and unnamed, outlive the asking, and are masked by where their columns come from now', async () => {
  client.send(parse(SECRET, 'named'), bind('named'), execute, parse(SECRET), bind(), execute, sync)
  await client.ready()
  await admin.query(MADE_ANEW)
  later()
  const expected = ['bindComplete', ...masked.slice(1)]
  assert.deepEqual(await run(), expected)
  assert.deepEqual(await run('named'), expected)
  assert.equal(asked, 1)
  // What was prepared before anybody knew that the table is new.
  await admin.query(MADE_ANEW)
  client.send(parse(SECRET, 'other'), { kind: 'describe', target: 'statement', name: 'other' }, sync)
  await client.ready()
  later()
  assert.deepEqual(await run('other'), expected)
})

test('a new partition is known, also to what was prepared over it before it was one', async () => {
  await admin.query("CREATE TABLE parts_new (secret text); INSERT INTO parts_new VALUES ('87654321')")
  client.send(parse('SELECT secret AS y FROM parts_new', 'shows'), bind('shows'), execute)
  client.send(parse("SELECT secret || '' AS y FROM parts_new", 'computes'), bind('computes'), execute, sync)
  assert.equal(outline(await client.ready()).filter((line) => line === 'row 87654321').length, 2)
  await admin.query('ALTER TABLE parts ATTACH PARTITION parts_new DEFAULT')
  later()
  assert.deepEqual(await run('shows'), ['bindComplete', 'row ****4321', ...masked.slice(2)])
  assert.equal((await run('computes')).at(0), 'error ERROR 0A000', 'not understood')
  await admin.query('DROP TABLE parts_new')
})

test('what changes definitions by way of the boundary is known to all its sessions as soon as it is committed', async () => {
  const other = await login()
  asked = 0
  await other.query('BEGIN')
  assert.equal(outline(await other.query(MADE_ANEW)).at(-1), 'ready T')
  assert.equal(asked, 0)
  await other.query('COMMIT')
  assert.deepEqual(await ask(SECRET), masked)
  assert.deepEqual(outline(await other.query(SECRET)), masked)
  assert.deepEqual(await ask(CODE), withheld)
  assert.equal(asked, 2, 'once by each session')
  other.end()
})

test('what waited for an approval finds what is known when it runs', async () => {
  let isApproved = false
  await using holding = await start({
    permits: () => (isApproved ? true : 'SP_POLICY_NEEDS_APPROVAL'),
    pending: () => ({
      ...{ ref: '0001X', status: 'open', expiresAtMs: 1_800_000, need: 'security:1' },
      answered: async () => {
        await admin.query(MADE_ANEW)
        later()
        isApproved = true
        return 'approved'
      },
    }),
  })
  const waiting = await login(holding)
  assert.deepEqual(outline(await waiting.query(SECRET)), ['notice NOTICE 00000', ...masked])
  waiting.end()
})

test('what was approved and is cancelled while it is asked where columns lie does not use its approval', async () => {
  const locked = Promise.withResolvers<void>()
  await using holding = await start({
    permits: () => 'SP_POLICY_NEEDS_APPROVAL',
    pending: () => ({
      ...{ ref: '0001X', status: 'open', expiresAtMs: 1_800_000, need: 'security:1' },
      answered: async () => {
        await admin.query('BEGIN; LOCK TABLE pg_catalog.pg_inherits')
        later()
        locked.resolve()
        return 'approved'
      },
    }),
  })
  const waiting = await login(holding)
  const key = waiting.greeting.find((message) => message.kind === 'backendKeyData')
  assert.ok(key !== undefined)
  waiting.send({ kind: 'query', text: toUtf8(SECRET) })
  await locked.promise
  await asking()
  const socket = connect({ port: holding.port })
  socket.end(encodeStartup({ ...key, kind: 'cancel' }))
  await once(socket.resume(), 'close')
  await admin.query('COMMIT')
  assert.deepEqual(outline(await waiting.ready()), ['notice NOTICE 00000', 'error ERROR 57014', 'ready I'])
  assert.equal(holding.gate.admissions.length, 1)
  waiting.end()
})

test('nothing is asked within a transaction or a pipeline, and in long pipelines between two', async () => {
  await ask('BEGIN')
  later()
  assert.equal((await ask('SET TRANSACTION ISOLATION LEVEL SERIALIZABLE')).at(-1), 'ready T')
  client.send(parse('SELECT 1'), bind(), execute, { kind: 'flush' })
  for (let heard = ''; heard !== 'commandComplete';) heard = (await client.next()).kind
  client.send(sync)
  await client.ready()
  await ask('COMMIT')
  assert.equal(asked, 0)
  client.send(parse('SELECT 1'), { kind: 'flush' })
  assert.equal((await client.next()).kind, 'parseComplete')
  assert.equal(asked, 1)
  later()
  client.send(bind(), execute, { kind: 'flush' })
  for (let heard = ''; heard !== 'commandComplete';) heard = (await client.next()).kind
  assert.equal(asked, 1)
  client.send(sync)
  await client.ready()
  const one = [parse('SELECT pg_sleep(0)'), bind(), execute, sync]
  client.send(...one)
  client.send(...one)
  await client.ready(2)
  assert.equal(asked, 2)
})

/** The backend whose question waits for a lock of the administrator's. */
async function asking(): Promise<number> {
  const waiting = `SELECT pid FROM pg_catalog.pg_locks WHERE NOT granted AND relation = 'pg_inherits'::regclass`
  for (;;) {
    const row = outline(await admin.query(waiting)).find((line) => line.startsWith('row '))
    if (row !== undefined) return Number(row.slice(4))
  }
}

/** Does something while the question waits for a lock of the administrator's. */
async function whileAsked(act: () => Promise<void>): Promise<void> {
  await admin.query('BEGIN; LOCK TABLE pg_catalog.pg_inherits')
  later()
  client.send({ kind: 'query', text: toUtf8(SECRET) })
  await act()
}

test('a cancellation for what ran before that hits the question does no harm', async () => {
  await whileAsked(async () => {
    await admin.query(`SELECT pg_cancel_backend(${String(await asking())})`)
    while (asked < 2) await admin.query('SELECT 1')
    await admin.query('COMMIT')
    assert.deepEqual(outline(await client.ready()), masked)
  })
})

test('what a question that was cancelled while it ran has left behind does not stop the next', async () => {
  // PostgreSQL keeps a prepared statement whose execution failed; this one stands for it.
  client.send(parse('SELECT 1', 'sallyport origins'), sync)
  await client.ready()
  later()
  assert.deepEqual(await ask(SECRET), masked)
  assert.equal(asked, 1)
})

test('a question that is answered with an error ends the session, and nothing has run', async () => {
  await whileAsked(async () => {
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      while (asked < attempt) await admin.query('SELECT 1')
      await admin.query(`SELECT pg_cancel_backend(${String(await asking())})`)
    }
    assert.deepEqual(outline(await client.rest()), ['error FATAL 08004'])
    await admin.query('ROLLBACK')
  })
  assert.equal(boundary.gate.admissions.length, 0)
})

test('a database that says goodbye meanwhile is heard', async () => {
  await whileAsked(async () => {
    await admin.query(`SELECT pg_terminate_backend(${String(await asking())})`)
    assert.deepEqual(outline(await client.rest()), ['error FATAL 57P01'])
    await admin.query('ROLLBACK')
  })
})

test('no answer in the time that connecting has ends the session', async () => {
  await whileAsked(async () => {
    assert.deepEqual(outline(await client.rest()), ['error FATAL 08006'])
    await admin.query('ROLLBACK')
  })
  assert.equal(boundary.gate.admissions.length, 0)
})
