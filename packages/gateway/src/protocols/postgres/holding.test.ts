/** A held statement: what waits for its answer and what does not, and how a wait ends. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, beforeEach, test } from 'node:test'
import pg from 'pg'
import { fromUtf8, toHex, toUtf8 } from '#base'
import type { Operation, PendingRequest, RequestStatus, ViaLink } from '#model'
import { startPostgres, type TestPostgres } from '../../../testkit/postgres.ts'
import { type BindMessage, encodeStartup, type FrontendMessage } from './codec/index.ts'
import { endSharedClassifier, startBoundary, type TestBoundary } from './testkit/boundary.ts'
import { type Heard, outline, WireClient } from './testkit/wire.ts'

/** One request, as a person sees it from outside. */
interface Asked {
  readonly ref: string
  readonly operation: Operation
  /** Resolves when somebody waits. */
  readonly isWaitedFor: Promise<void>
  /** Whether the wait was given up. */
  readonly isLeft: Promise<void>
  answer(status: RequestStatus): void
}

let database: TestPostgres
let boundary: TestBoundary
let asked: Asked[] = []
const approved = new Set<string>()
let someoneAsks = Promise.withResolvers<Asked>()

const textOf = ({ payload }: Operation): string => fromUtf8(payload)

function request(operation: Operation): PendingRequest {
  const ref = `000${asked.length + 1}X`
  const answer = Promise.withResolvers<RequestStatus>()
  const waited = Promise.withResolvers<void>()
  const left = Promise.withResolvers<void>()
  const one: Asked = {
    ref,
    operation,
    isWaitedFor: waited.promise,
    isLeft: left.promise,
    answer: (status) => {
      if (status === 'approved') approved.add(textOf(operation))
      answer.resolve(status)
    },
  }
  asked.push(one)
  someoneAsks.resolve(one)
  return {
    ref,
    status: 'open',
    expiresAtMs: 1_800_000,
    need: 'security:1',
    answered: async (timeoutMs, signal) => {
      waited.resolve()
      const stopped = new Promise<RequestStatus>((resolve) => {
        signal.addEventListener('abort', () => {
          left.resolve()
          resolve('open')
        })
        if (timeoutMs < 1000) setTimeout(() => resolve('open'), timeoutMs)
      })
      return await Promise.race([answer.promise, stopped])
    },
  }
}

async function startHolding(more: { holdSeconds?: number; via?: ViaLink } = {}): Promise<TestBoundary> {
  const { via, ...rest } = more
  return await startBoundary(database, {
    more: rest,
    gate: {
      pending: request,
      ...(via === undefined ? {} : { via }),
      permits: (operation) => {
        if (operation.shape.verb !== 'DELETE') return true
        // An approval is good for one use.
        return approved.delete(textOf(operation)) ? true : 'SP_POLICY_NEEDS_APPROVAL'
      },
    },
  })
}

before(async () => {
  database = await startPostgres({ sql: 'CREATE TABLE people (id int PRIMARY KEY, name text)' })
  boundary = await startHolding()
})

after(async () => {
  await boundary[Symbol.asyncDispose]()
  await endSharedClassifier()
  await database.stop()
})

beforeEach(async () => {
  asked = []
  approved.clear()
  someoneAsks = Promise.withResolvers()
  const client = new pg.Client({ ...where(database), user: database.user, password: database.password })
  await client.connect()
  await client.query("TRUNCATE people; INSERT INTO people VALUES (1, 'a'), (2, 'b')")
  await client.end()
})

const where = ({ host, port, database: name }: TestPostgres) => ({ host, port, database: name })

async function countPeople(): Promise<number> {
  const client = new pg.Client({ ...where(database), user: database.user, password: database.password })
  await client.connect()
  const { rows } = await client.query<{ n: number }>('SELECT count(*)::int AS n FROM people')
  await client.end()
  return rows[0]?.n ?? -1
}

async function wire(port = boundary.port): Promise<WireClient> {
  return await WireClient.connect({ port, user: 'alice', database: 'cards', password: 'let me in' })
}

async function close(client: WireClient): Promise<void> {
  client.end()
  await client.rest()
}

const query = (text: string): FrontendMessage => ({ kind: 'query', text: toUtf8(text) })
const parse = (text: string, name = ''): FrontendMessage => ({
  kind: 'parse',
  name,
  text: toUtf8(text),
  parameterTypes: [],
})
const bind = (value: string): BindMessage => ({
  kind: 'bind',
  portal: '',
  statement: '',
  parameterFormats: [],
  parameters: [toUtf8(value)],
  resultFormats: [],
})
const bindNothing = (portal = '', statement = ''): FrontendMessage => ({
  ...bind(''),
  portal,
  statement,
  parameters: [],
})
const execute: FrontendMessage = { kind: 'execute', portal: '', maxRows: 0 }
const sync: FrontendMessage = { kind: 'sync' }
const flush: FrontendMessage = { kind: 'flush' }
const DELETE = 'DELETE FROM people WHERE id = 1'

/** The fields of the one error that was heard. */
function errorOf(heard: readonly Heard[]): ReadonlyMap<string, string> {
  const found = heard.flatMap((message) => (message.kind === 'error' ? [new Map(message.fields)] : []))
  const [fields] = found
  assert.ok(fields !== undefined && found.length === 1)
  return fields
}

const statusOf = (heard: readonly Heard[]): string | undefined =>
  heard.flatMap((message) => (message.kind === 'readyForQuery' ? [message.status] : [])).at(-1)

test('who waits is told at once what for and how to stop; approved, it runs in its place', async () => {
  const client = await wire()
  client.send(query(DELETE))
  const notice = await client.next()
  assert.ok(notice.kind === 'notice')
  const fields = new Map(notice.fields)
  const [one] = asked
  assert.ok(one !== undefined)
  assert.deepEqual([fields.get('S'), fields.get('C')], ['NOTICE', '00000'])
  assert.equal(fields.get('M'), `DELETE on "cards" is held: it needs the approval of security:1 [ref ${one.ref}]`)
  assert.match(fields.get('H') ?? '', new RegExp(`sallyport approve ${one.ref}\\. .*120 s`))
  assert.equal(await countPeople(), 2)
  one.answer('approved')
  assert.deepEqual(outline(await client.ready()), ['done DELETE 1', 'ready I'])
  assert.equal(await countPeople(), 1)
  await close(client)
})

test('so does one with parameters, of a driver', async () => {
  const client = new pg.Client({
    host: '127.0.0.1',
    port: boundary.port,
    user: 'a',
    password: 'let me in',
    database: 'cards',
  })
  await client.connect()
  const notices: string[] = []
  client.on('notice', ({ message }) => notices.push(message ?? ''))
  const deleting = client.query('DELETE FROM people WHERE id = $1', [2])
  const one = await someoneAsks.promise
  await one.isWaitedFor
  one.answer('approved')
  assert.equal((await deleting).rowCount, 1)
  assert.equal(notices.length, 1)
  await client.end()
})

test('what it is bound to has the settings of its session', async () => {
  const exactOf = async (parameters: Readonly<Record<string, string>>): Promise<string> => {
    const client = await WireClient.connect({
      ...{ port: boundary.port, user: 'alice', database: 'cards', password: 'let me in' },
      parameters,
    })
    client.send(query(DELETE))
    await client.next()
    asked.at(-1)?.answer('denied')
    await client.ready()
    await close(client)
    return toHex(asked.at(-1)?.operation.exact?.() ?? new Uint8Array())
  }
  const own = await exactOf({})
  assert.equal(await exactOf({}), own)
  const others = [await exactOf({ DateStyle: 'ISO, DMY' }), await exactOf({ TimeZone: 'Asia/Tokyo' })]
  assert.equal(new Set([own, ...others]).size, 3)
})

/** Messages of one session, and what the last DELETE among them is bound to; what may still wait is denied. */
async function boundAfter(...steps: readonly (readonly FrontendMessage[])[]): Promise<string> {
  const client = await wire()
  const before = asked.length
  for (const messages of steps) {
    client.send(...messages)
    const awaited = messages.filter(({ kind }) => kind === 'query' || kind === 'sync').length
    for (let answer = 0; answer < awaited; answer++) {
      const heard = await client.ready()
      if (!heard.some(({ kind }) => kind === 'error')) continue
      assert.match(errorOf(heard).get('H') ?? '', /^its settings are not known yet: send it by itself/)
    }
  }
  await close(client)
  assert.equal(asked.length, before + 1)
  return toHex(asked.at(-1)?.operation.exact?.() ?? new Uint8Array())
}

test('behind what may change a setting and is not answered yet, it is bound to nothing that was or will be asked', async () => {
  const client = await wire()
  client.send(query(DELETE))
  await client.next()
  asked[0]?.answer('denied')
  await client.ready()
  await close(client)
  const seen = [toHex(asked[0]?.operation.exact?.() ?? new Uint8Array())]
  const SET = 'SET datestyle = german'
  const started = [query('BEGIN'), query(SET)].map((message) => [message])
  const behind: readonly (readonly (readonly FrontendMessage[])[])[] = [
    [[query(`${SET}; ${DELETE}`)]],
    [[query(`SET LOCAL TIME ZONE 2; ${DELETE}`)]],
    [[query(`RESET datestyle; ${DELETE}`)]],
    [[query(SET), query(DELETE)]],
    [[parse(SET), bindNothing(), execute, parse(DELETE), bindNothing(), execute, sync]],
    [
      [
        parse(DELETE, 'd'),
        bindNothing('d', 'd'),
        parse(SET),
        bindNothing(),
        execute,
        { kind: 'execute', portal: 'd', maxRows: 0 },
        sync,
      ],
    ],
    [...started, [query(`ROLLBACK; ${DELETE}`)]],
    [...started, [query('COMMIT'), query(DELETE)]],
  ]
  for (const steps of behind) for (let time = 0; time < 2; time++) seen.push(await boundAfter(...steps))
  assert.equal(new Set(seen).size, 1 + 2 * behind.length)
})

test('what was prepared under other settings is bound to those too', async () => {
  const client = await wire()
  const exactOf = (): string => toHex(asked.at(-1)?.operation.exact?.() ?? new Uint8Array())
  const answered = async (...messages: readonly FrontendMessage[]): Promise<string> => {
    const before = asked.length
    client.send(...messages)
    while (asked.length === before) await client.next()
    asked.at(-1)?.answer('approved')
    await client.ready()
    return exactOf()
  }
  const run = [bindNothing('', 'd'), execute, sync]
  const own = await answered(parse(DELETE), bindNothing(), execute, sync)
  await client.query('SET datestyle = german')
  await answered(parse(DELETE, 'd'), sync)
  await client.query('RESET datestyle')
  assert.notEqual(await answered(...run), own)
  client.send({ kind: 'close', target: 'statement', name: 'd' }, sync)
  await client.ready()
  await answered(parse(DELETE, 'd'), sync)
  assert.equal(await answered(...run), own)
  await close(client)
})

test('behind what changes nothing it is bound to what it is when it stands alone', async () => {
  const client = await wire()
  await client.query(`BEGIN; COMMIT; ${DELETE}`)
  client.send(query(DELETE))
  await client.next()
  asked[1]?.answer('denied')
  await client.ready()
  await close(client)
  const [first, second] = asked.map(({ operation }) => toHex(operation.exact?.() ?? new Uint8Array()))
  assert.equal(first, second)
})

const endings: readonly (readonly [RequestStatus, string])[] = [
  ['denied', 'DELETE on "cards" was denied by an approver'],
  ['expired', 'not approved in time: DELETE on "cards"; the request has expired'],
  ['open', 'not approved in time: DELETE on "cards"; the request is still open'],
]
for (const [status, message] of endings) {
  test(`a wait that ends as "${status}": 42501 with the reference, and the session goes on`, async () => {
    const client = await wire()
    client.send(query(DELETE))
    await client.next()
    asked[0]?.answer(status)
    const heard = await client.ready()
    const fields = errorOf(heard)
    assert.equal(fields.get('C'), '42501')
    assert.equal(fields.get('M'), `${message} [ref ${asked[0]?.ref}]`)
    assert.ok(status === 'expired' || fields.get('H')?.includes(asked[0]?.ref ?? '?') === true)
    assert.equal(statusOf(heard), 'I')
    assert.equal(statusOf(await client.query('SELECT 1')), 'I')
    assert.equal(await countPeople(), 2)
    await close(client)
  })
}

test('a wait has an end of its own', async () => {
  await using short = await startHolding({ holdSeconds: 0.05 })
  const client = await wire(short.port)
  const fields = errorOf(await client.query(DELETE))
  assert.deepEqual([fields.get('C'), fields.get('M')?.startsWith('not approved in time')], ['42501', true])
  await close(client)
})

for (const [name, messages] of [
  ['a Query', [query(DELETE)]],
  ['a pipeline', [parse('DELETE FROM people WHERE id = $1'), bind('1'), execute, sync]],
] as const) {
  test(`a CancelRequest ends the wait of ${name} with 57014; the request stays open, the session goes on`, async () => {
    const client = await wire()
    client.send(...messages)
    await client.next()
    const key = client.greeting.find((message) => message.kind === 'backendKeyData')
    assert.ok(key !== undefined)
    const socket = connect({ port: boundary.port })
    socket.end(encodeStartup({ ...key, kind: 'cancel' }))
    await asked[0]?.isLeft
    const heard = await client.ready()
    assert.equal(errorOf(heard).get('C'), '57014')
    assert.equal(statusOf(heard), 'I')
    assert.equal(statusOf(await client.query('SELECT 1')), 'I')
    assert.equal(await countPeople(), 2)
    await close(client)
  })
}

test('a client that leaves ends its wait', async () => {
  const client = await wire()
  client.send(query(DELETE))
  await client.next()
  client.stream.destroy()
  await asked[0]?.isLeft
  assert.equal(await countPeople(), 2)
})

test('a session that ends, ends its wait: FATAL, and nothing runs', async () => {
  const client = await wire()
  client.send(query(DELETE))
  await client.next()
  boundary.gate.endAll({ kind: 'revoked', by: 'carol', reason: 'left' })
  await asked[0]?.isLeft
  const fields = errorOf(await client.rest())
  assert.deepEqual([fields.get('S'), fields.get('C')], ['FATAL', '57P01'])
  assert.equal(await countPeople(), 2)
})

test('within a transaction that has only read it waits, and the transaction goes on', async () => {
  const client = await wire()
  await client.query('BEGIN')
  await client.query('SELECT * FROM people')
  client.send(query(DELETE))
  assert.equal((await client.next()).kind, 'notice')
  asked[0]?.answer('approved')
  assert.equal(statusOf(await client.ready()), 'T')
  await client.query('ROLLBACK')
  assert.equal(await countPeople(), 2)
  await close(client)
})

/** Nothing waits: the error comes at once, with the reference, and without a notice. */
async function refusedAtOnce(heard: readonly Heard[], status: string): Promise<void> {
  assert.ok(heard.every((message) => message.kind !== 'notice'))
  const fields = errorOf(heard)
  assert.equal(fields.get('C'), '42501')
  assert.match(fields.get('M') ?? '', /\[ref [0-9A-Z]+\]$/)
  assert.match(fields.get('H') ?? '', /sallyport approve/)
  assert.equal(statusOf(heard), status)
  await Promise.resolve()
}

test('within a transaction that has written nothing waits: others would wait for its locks', async () => {
  const client = await wire()
  await client.query('BEGIN')
  await client.query("UPDATE people SET name = 'x' WHERE id = 2")
  await refusedAtOnce(await client.query(DELETE), 'E')
  await client.query('ROLLBACK')
  // What was written in an earlier transaction holds nothing up.
  await client.query("UPDATE people SET name = 'x' WHERE id = 2")
  await client.query('BEGIN')
  client.send(query(DELETE))
  assert.equal((await client.next()).kind, 'notice')
  asked.at(-1)?.answer('denied')
  assert.equal(statusOf(await client.ready()), 'E')
  await client.query('ROLLBACK')
  await close(client)
})

test('beside other statements nothing waits', async () => {
  const client = await wire()
  await refusedAtOnce(await client.query(`SELECT 1; ${DELETE}`), 'I')
  await refusedAtOnce(await client.query(`${DELETE}; SELECT 1`), 'I')
  client.send(
    parse('SELECT $1::text'),
    bind('x'),
    execute,
    parse('DELETE FROM people WHERE id = $1'),
    bind('1'),
    execute,
    sync,
  )
  await refusedAtOnce(await client.ready(), 'I')
  assert.equal(await countPeople(), 2)
  await close(client)
})

test('behind something of the same pipeline that the database has already, nothing waits', async () => {
  const client = await wire()
  client.send(parse('UPDATE people SET name = $1 WHERE id = 2'), bind('x'), execute, flush)
  for (let message = await client.next(); message.kind !== 'commandComplete';) message = await client.next()
  client.send(parse('DELETE FROM people WHERE id = $1'), bind('1'), execute, sync)
  await refusedAtOnce(await client.ready(), 'I')
  await close(client)
})

test('what comes through an MCP server does not wait', async () => {
  const via = { server: 'ledger', childId: 'c', tools: [], running: () => [] }
  await using tool = await startHolding({ via })
  const client = await wire(tool.port)
  await refusedAtOnce(await client.query(DELETE), 'I')
  await close(client)
})

test('nothing waits where nothing may', async () => {
  await using never = await startHolding({ holdSeconds: 0 })
  const client = await wire(never.port)
  await refusedAtOnce(await client.query(DELETE), 'I')
  await close(client)
})

test('an approval that was gone when it was to be taken is a refusal, not a second wait', async () => {
  const client = await wire()
  client.send(query(DELETE))
  await client.next()
  asked[0]?.answer('approved')
  approved.clear()
  const heard = await client.ready()
  assert.equal(errorOf(heard).get('C'), '42501')
  assert.equal(asked.length, 2)
  await close(client)
})

test('what is said while it waits is answered behind it', async () => {
  const client = await wire()
  client.send(query(DELETE))
  await client.next()
  client.send(query('SELECT 2 AS two'))
  asked[0]?.answer('approved')
  const heard = await client.ready(2)
  assert.deepEqual(
    outline(heard).filter((line) => line.startsWith('done')),
    ['done DELETE 1', 'done SELECT 1'],
  )
  await close(client)
})
