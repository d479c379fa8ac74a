/** What one client can make the boundary hold or record at a time has a bound, whatever it repeats or leaves unanswered. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { toUtf8 } from '#base'
import { GatewayError, MAX_PAYLOAD_BYTES, type Operation, type Shape } from '#model'
import { startPostgres, type TestPostgres } from '../../../testkit/postgres.ts'
import type { Arrival } from './client/connection.ts'
import { encodeFrontend, type FrontendMessage } from './codec/index.ts'
import { SessionNames } from './names.ts'
import { Planner } from './plan.ts'
import { endSharedClassifier, startBoundary, type TestBoundary } from './testkit/boundary.ts'
import { outline, WireClient } from './testkit/wire.ts'

let database: TestPostgres
let boundary: TestBoundary

before(async () => {
  database = await startPostgres({ sql: 'CREATE TABLE notes (note text)' })
  boundary = await startBoundary(database)
})

after(async () => {
  await boundary[Symbol.asyncDispose]()
  await endSharedClassifier()
  await database.stop()
})

async function withWire<T>(use: (client: WireClient) => Promise<T>): Promise<T> {
  const client = await WireClient.connect({ port: boundary.port, user: 'a', database: 'cards', password: 'let me in' })
  try {
    return await use(client)
  } finally {
    client.end()
    await client.rest()
  }
}

const parse = (text: string, name = ''): FrontendMessage => ({
  kind: 'parse',
  name,
  text: toUtf8(text),
  parameterTypes: [],
})
const bind = (portal: string, statement: string, values: readonly string[]): FrontendMessage => ({
  kind: 'bind',
  portal,
  statement,
  parameterFormats: [],
  parameters: values.map((text) => toUtf8(text)),
  resultFormats: [],
})
const execute: FrontendMessage = { kind: 'execute', portal: '', maxRows: 0 }
const sync: FrontendMessage = { kind: 'sync' }

test('what is too large for a record is refused, on record, and the session goes on', async () => {
  const controls = '\u0001'.repeat(MAX_PAYLOAD_BYTES / 6)
  const cases: readonly (readonly FrontendMessage[])[] = [
    [parse('INSERT INTO notes VALUES ($1)'), bind('', '', ['x'.repeat(MAX_PAYLOAD_BYTES)]), execute, sync],
    [parse('INSERT INTO notes VALUES ($1)'), bind('', '', [controls]), execute, sync],
    [parse(`SELECT '${controls}'`), sync],
    [{ kind: 'query', text: toUtf8(`SELECT 1; SELECT '${controls}'`) }],
  ]
  await withWire(async (client) => {
    for (const messages of cases) {
      const from = boundary.gate.admissions.length
      client.send(...messages)
      assert.deepEqual(outline(await client.ready()).slice(-2), ['error ERROR 54000', 'ready I'])
      const seen = boundary.gate.admissions.slice(from)
      assert.ok(seen.some(({ kind }) => kind === 'refusal'))
      for (const { operation } of seen) assert.ok(operation.payload.length <= MAX_PAYLOAD_BYTES)
    }
    client.send({ kind: 'query', text: toUtf8('SELECT count(*) FROM notes') })
    assert.deepEqual(outline(await client.ready()), ['columns count', 'row 0', 'done SELECT 1', 'ready I'])
  })
})

test('a statement that is bound again and again is not copied for all of them at once', () => {
  const text = `SELECT '${'x'.repeat(1_000_000)}'`
  const shape: Shape = { verb: 'SELECT', accesses: [], template: 'select ?', fingerprint: 'f' }
  const classified = { kind: 'statements', statements: [{ shape, start: 0, end: 1, exitsTransaction: false }] } as const
  const arrivals = [parse(text, 's'), ...Array.from({ length: 1000 }, () => bind('', 's', []))].map(
    (message): Arrival => ({ message, raw: encodeFrontend(message) }),
  )
  const plan = new Planner(new SessionNames()).plan(arrivals, [classified])
  assert.ok(plan.taken > 0 && plan.taken < 10, `${plan.taken} messages in one plan`)
})

test('what the trail finds too large all the same fails the statement, not the session', async () => {
  const limited = await startBoundary(database, {
    gate: {
      permits: (operation: Operation) => {
        if (operation.payload.length > 10_000) throw new GatewayError('SP_OPERATION_TOO_LARGE')
        return true
      },
    },
  })
  const client = await WireClient.connect({ port: limited.port, user: 'a', database: 'cards', password: 'let me in' })
  client.send({ kind: 'query', text: toUtf8(`SELECT '${'x'.repeat(20_000)}'`) })
  assert.deepEqual(outline(await client.ready()), ['error ERROR 54000', 'ready I'])
  client.send({ kind: 'query', text: toUtf8('SELECT 1') })
  assert.deepEqual(outline(await client.ready()).at(-1), 'ready I')
  client.end()
  await limited[Symbol.asyncDispose]()
})

test('large parameters without a Sync are not kept unanswered without end', async () => {
  await withWire(async (client) => {
    const value = 'x'.repeat(1_000_000)
    client.send(parse('SELECT $1::text', 's'))
    for (let index = 0; index < 24; index++) client.send(bind(`p${index}`, 's', [value]))
    // PostgreSQL keeps its answers back until a Sync or Flush; the client sends none.
    assert.equal((await client.next()).kind, 'parseComplete')
    assert.equal((await client.next()).kind, 'bindComplete')
    client.send(sync)
    assert.equal(outline(await client.ready()).at(-1), 'ready I')
  })
})
