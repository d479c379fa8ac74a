/**
 * The trail cannot be written: each statement gets an error, the session lives, nothing reaches the database, and it recovers by itself
 * with the effect that failed statements would have had.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { toUtf8 } from '#base'
import { startPostgres, type TestPostgres } from '../../../testkit/postgres.ts'
import type { FrontendMessage } from './codec/index.ts'
import { endSharedClassifier, startBoundary, type TestBoundary } from './testkit/boundary.ts'
import { outline, WireClient } from './testkit/wire.ts'

let database: TestPostgres
let boundary: TestBoundary
let client: WireClient
let direct: WireClient

before(async () => {
  database = await startPostgres({ sql: 'CREATE TABLE log (n int)' })
  boundary = await startBoundary(database)
  direct = await WireClient.connect({ ...database, password: database.password })
})

after(async () => {
  direct.end()
  await boundary[Symbol.asyncDispose]()
  await endSharedClassifier()
  await database.stop()
})

beforeEach(async () => {
  await direct.query('TRUNCATE log')
  client = await WireClient.connect({ port: boundary.port, user: 'a', database: 'cards', password: 'let me in' })
})

/** What the database has seen of our sessions so far. */
async function reached(): Promise<number> {
  return (await database.log()).split('\n').filter((line) => line.includes(' sallyport/')).length
}

/** Runs something while the trail is down; nothing of it may reach the database. */
async function duringOutage<T>(run: () => Promise<T>): Promise<T> {
  boundary.gate.trailDown = true
  const before = await reached()
  try {
    const result = await run()
    assert.equal(await reached(), before, 'something reached the database')
    return result
  } finally {
    boundary.gate.trailDown = false
  }
}

async function rows(): Promise<readonly string[]> {
  return outline(await direct.query('SELECT n FROM log ORDER BY n')).filter((line) => line.startsWith('row'))
}

const run = (text: string): readonly FrontendMessage[] => [
  { kind: 'parse', name: '', text: toUtf8(text), parameterTypes: [] },
  { kind: 'bind', portal: '', statement: '', parameterFormats: [], parameters: [], resultFormats: [] },
  { kind: 'execute', portal: '', maxRows: 0 },
]
const sync: FrontendMessage = { kind: 'sync' }
const flush: FrontendMessage = { kind: 'flush' }

const refused = 'error ERROR 58030'
const inserted = ['done INSERT 0 1', 'ready I']

test('outside a transaction: an error each, and on it goes', async () => {
  await duringOutage(async () => {
    assert.deepEqual(outline(await client.query('INSERT INTO log VALUES (1)')), [refused, 'ready I'])
    assert.deepEqual(outline(await client.query('INSERT INTO log VALUES (1); SELECT 1')), [refused, 'ready I'])
    client.send(...run('INSERT INTO log VALUES (1)'), sync, ...run('SELECT 1'), ...run('SELECT 2'), sync)
    assert.deepEqual(outline(await client.ready(2)), [refused, 'ready I', refused, 'ready I'])
    assert.deepEqual(outline(await client.query('SELEC')), [refused, 'ready I'])
  })
  assert.deepEqual(outline(await client.query('INSERT INTO log VALUES (2)')), inserted)
  assert.deepEqual(await rows(), ['row 2'])
})

test('in a transaction: it has failed, for good', async () => {
  await client.query('BEGIN; INSERT INTO log VALUES (1)')
  await duringOutage(async () => {
    assert.deepEqual(outline(await client.query('INSERT INTO log VALUES (2)')), [refused, 'ready E'])
    assert.deepEqual(outline(await client.query('COMMIT')), [refused, 'ready E'])
    client.send(sync)
    assert.deepEqual(outline(await client.ready()).at(-1), 'ready E')
    assert.deepEqual(outline(await client.query('')), ['error ERROR 25P02', 'ready E'])
    client.send({ kind: 'close', target: 'statement', name: 's' }, sync)
    assert.deepEqual(outline(await client.ready()), ['error ERROR 25P02', 'ready E'])
  })
  assert.deepEqual(outline(await client.query('INSERT INTO log VALUES (3)')), ['error ERROR 25P02', 'ready E'])
  assert.deepEqual(outline(await client.query('COMMIT')), ['done ROLLBACK', 'ready I'])
  assert.deepEqual(await rows(), [])
  assert.deepEqual(outline(await client.query('INSERT INTO log VALUES (4)')), inserted)
})

test('a COMMIT after the outage rolls back', async () => {
  await client.query('BEGIN')
  await client.query('INSERT INTO log VALUES (1)')
  await duringOutage(async () => {
    client.send(...run('INSERT INTO log VALUES (2)'), sync)
    assert.deepEqual(outline(await client.ready()), [refused, 'ready E'])
  })
  assert.deepEqual(outline(await client.query('COMMIT')), ['done ROLLBACK', 'ready I'])
  assert.deepEqual(await rows(), [])
})

test('a Sync that comes later than the error', async () => {
  await client.query('BEGIN')
  await duringOutage(async () => {
    client.send(...run('INSERT INTO log VALUES (2)'), flush)
    assert.deepEqual(outline([await client.next()]), [refused])
    client.send(sync)
    assert.deepEqual(outline(await client.ready()), ['ready E'])
  })
  assert.deepEqual(outline(await client.query('ROLLBACK')), ['done ROLLBACK', 'ready I'])
})

test('in a failed transaction', async () => {
  await client.query('BEGIN')
  await client.query('SELECT 1/0')
  await duringOutage(async () => {
    assert.deepEqual(outline(await client.query('ROLLBACK')), [refused, 'ready E'])
  })
  assert.deepEqual(outline(await client.query('ROLLBACK')), ['done ROLLBACK', 'ready I'])
})

test('in the second half of a pipeline: the first half is rolled back, by the server', async () => {
  client.send(...run('INSERT INTO log VALUES (1)'), flush)
  const first = [await client.next(), await client.next(), await client.next()]
  assert.deepEqual(outline(first), ['parseComplete', 'bindComplete', 'done INSERT 0 1'])
  boundary.gate.trailDown = true
  client.send(...run('INSERT INTO log VALUES (2)'), sync)
  assert.deepEqual(outline(await client.ready()), [refused, 'ready I'])
  boundary.gate.trailDown = false
  assert.deepEqual(await rows(), [])
  assert.deepEqual(outline(await client.query('INSERT INTO log VALUES (3)')), inserted)
})

test('answers given here wait for those of the server', async () => {
  client.send({ kind: 'query', text: toUtf8('SELECT count(*) FROM generate_series(1, 300000)') })
  while (boundary.gate.admissions.at(-1)?.operation.shape.verb !== 'SELECT') await new Promise(setImmediate)
  boundary.gate.trailDown = true
  client.send({ kind: 'query', text: toUtf8('SELECT 2') })
  assert.deepEqual(outline(await client.ready(2)), [
    ...['columns count', 'row 300000', 'done SELECT 1', 'ready I'],
    ...[refused, 'ready I'],
  ])
  boundary.gate.trailDown = false
})

test('every permit has an outcome', () => {
  assert.equal(boundary.gate.unsettled(), 0)
})
