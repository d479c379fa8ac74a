/** Sessions through the boundary with node-postgres and in single messages, before a real PostgreSQL. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { toUtf8 } from '#base'
import { startPostgres, type TestPostgres } from '../../../testkit/postgres.ts'
import type { FrontendMessage } from './codec/index.ts'
import { endSharedClassifier, startBoundary, type TestBoundary } from './testkit/boundary.ts'
import { outline, WireClient } from './testkit/wire.ts'

let database: TestPostgres
let boundary: TestBoundary

before(async () => {
  database = await startPostgres({
    sql: [
      'CREATE TABLE people (id int PRIMARY KEY, name text)',
      'CREATE TABLE notes (n int)',
      'CREATE TABLE visits (person int REFERENCES people DEFERRABLE INITIALLY DEFERRED)',
    ].join(';\n'),
  })
  boundary = await startBoundary(database)
})

after(async () => {
  await boundary[Symbol.asyncDispose]()
  await endSharedClassifier()
  await database.stop()
})

async function withClient<T>(use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port: boundary.port,
    user: 'alice',
    password: 'let me in',
    database: 'cards',
  })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

async function withWire<T>(use: (client: WireClient) => Promise<T>): Promise<T> {
  const client = await WireClient.connect({ port: boundary.port, user: 'a', database: 'cards', password: 'let me in' })
  try {
    return await use(client)
  } finally {
    client.end()
    await client.rest()
  }
}

/** What was admitted while something ran. */
async function admissions(
  run: () => Promise<unknown>,
): Promise<readonly (readonly [kind: string, payload: unknown, status: unknown])[]> {
  const from = boundary.gate.admissions.length
  await run()
  return boundary.gate.admissions
    .slice(from)
    .map(({ kind, payload, outcome }) => [kind, payload, outcome?.status] as const)
}

const parse = (text: string, name = ''): FrontendMessage => ({
  kind: 'parse',
  name,
  text: toUtf8(text),
  parameterTypes: [],
})
const bind = (portal = '', statement = '', values: readonly string[] = []): FrontendMessage => ({
  kind: 'bind',
  portal,
  statement,
  parameterFormats: [],
  parameters: values.map((text) => toUtf8(text)),
  resultFormats: [],
})
const execute = (portal = '', maxRows = 0): FrontendMessage => ({ kind: 'execute', portal, maxRows })
const sync: FrontendMessage = { kind: 'sync' }
const flush: FrontendMessage = { kind: 'flush' }

test('simple, parametrised and prepared queries, and their records', async () => {
  const seen = await admissions(() =>
    withClient(async (client) => {
      await client.query("INSERT INTO people VALUES (1, 'Ann'), (2, 'Ben')")
      assert.deepEqual((await client.query('SELECT name FROM people ORDER BY id')).rows, [
        { name: 'Ann' },
        { name: 'Ben' },
      ])
      const byId = await client.query('SELECT name FROM people WHERE id = $1', [2])
      assert.deepEqual(byId.rows, [{ name: 'Ben' }])
      for (const id of [1, 2]) {
        const found = await client.query({ name: 'by-id', text: 'SELECT id FROM people WHERE id = $1', values: [id] })
        assert.deepEqual(found.rows, [{ id }])
      }
    }),
  )
  assert.deepEqual(seen, [
    ['permit', { statement: "INSERT INTO people VALUES (1, 'Ann'), (2, 'Ben')" }, 'success'],
    ['permit', { statement: 'SELECT name FROM people ORDER BY id' }, 'success'],
    ['permit', { statement: 'SELECT name FROM people WHERE id = $1', parameters: ['2'] }, 'success'],
    ['permit', { statement: 'SELECT id FROM people WHERE id = $1', parameters: ['1'] }, 'success'],
    ['permit', { statement: 'SELECT id FROM people WHERE id = $1', parameters: ['2'] }, 'success'],
  ])
})

test('an outcome says how many rows, and the digest is of the rows as the client received them', async () => {
  const { createHash } = await import('node:crypto')
  const { encodeBackend } = await import('./codec/index.ts')
  await withWire(async (client) => {
    const from = boundary.gate.admissions.length
    const heard = await client.query('SELECT n FROM generate_series(1, 100000) n; DELETE FROM notes')
    const hash = createHash('sha256')
    let bytes = 0
    for (const message of heard) {
      if (message.kind !== 'dataRow') continue
      const row = encodeBackend(message)
      hash.update(row)
      bytes += row.length
    }
    const [select, remove] = boundary.gate.admissions.slice(from).map(({ outcome }) => outcome)
    assert.equal(select?.rows, 100_000)
    assert.equal(select.bytes, bytes)
    assert.equal(select.digest, hash.digest('hex'))
    assert.equal(remove?.rows, 0)
    await client.query('INSERT INTO notes VALUES (1), (2), (3)')
    assert.equal(boundary.gate.admissions.at(-1)?.outcome?.rows, 3)
  })
})

test('a pipeline is one batch of permits, whatever its syncs', async () => {
  await withWire(async (client) => {
    const batches = boundary.gate.batches.length
    const one = [parse('SELECT 1'), bind(), execute(), sync]
    client.send(...one, ...one, ...one)
    assert.deepEqual(outline(await client.ready(3)).filter((line) => line === 'row 1').length, 3)
    assert.deepEqual(boundary.gate.batches.slice(batches), [3])
  })
})

test('a pipeline without a Sync is begun at a Flush, and in single bytes', async () => {
  await withWire(async (client) => {
    client.send(parse('SELECT 1'), bind(), execute(), flush)
    assert.deepEqual(outline([await client.next(), await client.next(), await client.next(), await client.next()]), [
      'parseComplete',
      'bindComplete',
      'row 1',
      'done SELECT 1',
    ])
    client.send(sync)
    await client.ready()
  })
})

test('a long pipeline without a Sync in it is carried in several batches', async () => {
  await withWire(async (client) => {
    const batches = boundary.gate.batches.length
    const count = 12_000
    client.send(parse('INSERT INTO notes VALUES ($1::int)', 'insert'))
    for (let n = 0; n < count; n += 1000) {
      client.send(...Array.from({ length: 1000 }, (_, i) => [bind('', 'insert', [String(n + i)]), execute()]).flat())
    }
    client.send(sync)
    const heard = outline(await client.ready())
    assert.equal(heard.filter((line) => line === 'done INSERT 0 1').length, count)
    assert.ok(boundary.gate.batches.length - batches > 10)
    await client.query('DELETE FROM notes')
  })
})

test('a portal fetched in parts: each later part is a record of its own', async () => {
  const seen = await admissions(() =>
    withWire(async (client) => {
      await client.query('BEGIN')
      client.send(parse('SELECT n FROM generate_series(1, $1::int) n'), bind('p', '', ['5']), execute('p', 2), sync)
      const first = outline(await client.ready())
      assert.deepEqual(first.slice(2), ['row 1', 'row 2', 'portalSuspended', 'ready T'])
      client.send(execute('p', 2), execute('p', 2), sync)
      assert.deepEqual(outline(await client.ready()), [
        ...['row 3', 'row 4', 'portalSuspended', 'row 5', 'done SELECT 1', 'ready T'],
      ])
      await client.query('COMMIT')
      client.send(execute('p'), sync)
      assert.deepEqual(outline(await client.ready()), ['error ERROR 34000', 'ready I'])
    }),
  )
  const statement = 'SELECT n FROM generate_series(1, $1::int) n'
  assert.deepEqual(seen, [
    ['permit', { statement: 'BEGIN' }, 'success'],
    ['permit', { statement, parameters: ['5'] }, 'success'],
    ['permit', { statement, parameters: ['5'], fetch: true }, 'success'],
    ['permit', { statement, parameters: ['5'], fetch: true }, 'success'],
    ['permit', { statement: 'COMMIT' }, 'success'],
  ])
})

test('a Parse that nothing binds in its batch is a record of its own', async () => {
  const seen = await admissions(() =>
    withWire(async (client) => {
      client.send(parse('SELECT 8', 's'), { kind: 'describe', target: 'statement', name: 's' }, sync)
      assert.deepEqual(outline(await client.ready()), [
        ...['parseComplete', 'parameterDescription', 'columns ?column?', 'ready I'],
      ])
      client.send(bind('', 's'), execute(), sync)
      assert.deepEqual(outline(await client.ready()), ['bindComplete', 'row 8', 'done SELECT 1', 'ready I'])
    }),
  )
  assert.deepEqual(seen, [
    ['permit', { statement: 'SELECT 8', prepared: true }, 'success'],
    ['permit', { statement: 'SELECT 8', parameters: [] }, 'success'],
  ])
})

test('a name that an unanswered batch may have changed is waited for: the record is of what runs', async () => {
  const seen = await admissions(() =>
    withWire(async (client) => {
      client.send(parse("SELECT 'old'", 's'), sync)
      await client.ready()
      // The Parse fails (the name is taken), so the Bind in the next batch runs the old statement.
      client.send(parse("SELECT 'new'", 's'), sync, bind('', 's'), execute(), sync)
      const heard = outline(await client.ready(2))
      assert.deepEqual(heard, ['error ERROR 42P05', 'ready I', 'bindComplete', 'row old', 'done SELECT 1', 'ready I'])
    }),
  )
  assert.deepEqual(seen.at(-1), ['permit', { statement: "SELECT 'old'", parameters: [] }, 'success'])
})

test('what the server skips is recorded as skipped, what fails as failed', async () => {
  const seen = await admissions(() =>
    withWire(async (client) => {
      client.send(parse('SELECT 1/(n-1) FROM generate_series(1, 1) n'), bind(), execute())
      client.send(parse('SELECT 2'), bind(), execute(), sync)
      assert.deepEqual(outline(await client.ready()), ['parseComplete', 'bindComplete', 'error ERROR 22012', 'ready I'])
      await client.query('SELECT 1; SELECT 1/0; SELECT 2')
    }),
  )
  assert.deepEqual(
    seen.map(([, , status]) => status),
    ['error', 'skipped', 'success', 'error', 'skipped'],
  )
})

test('parameters in binary are recorded as what they say', async () => {
  const seen = await admissions(() =>
    withWire(async (client) => {
      const value = new Uint8Array(8)
      new DataView(value.buffer).setBigInt64(0, 4111111111111111n)
      const parameters = [value, toUtf8('4111'), undefined, Uint8Array.of(0xff, 0x00)]
      client.send(
        {
          kind: 'parse',
          name: '',
          text: toUtf8('SELECT $1::int8, $2::text, $3::text, $4::bytea'),
          parameterTypes: [20, 25, 25, 17],
        },
        { kind: 'bind', portal: '', statement: '', parameterFormats: [1], parameters, resultFormats: [] },
        ...[execute(), sync],
      )
      await client.ready()
    }),
  )
  const [, payload] = seen[0] ?? []
  assert.deepEqual((payload as { parameters: unknown }).parameters, [
    { int8: '4111111111111111' },
    { binary: '4111' },
    null,
    { binary: 'ÿ\u0000' },
  ])
})

test('FunctionCall is refused like a query, COPY data outside of COPY is dropped', async () => {
  await withWire(async (client) => {
    client.send({ kind: 'functionCall', body: Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 0, 0, 0) })
    assert.deepEqual(outline(await client.ready()), ['error ERROR 0A000', 'ready I'])
    client.send(
      { kind: 'copyData', data: toUtf8('x') },
      { kind: 'copyDone' },
      { kind: 'query', text: toUtf8('SELECT 1') },
    )
    assert.equal(outline(await client.ready()).at(-1), 'ready I')
  })
})

test('COPY, DO, CALL, PREPARE, LISTEN and the like are refused, and the session goes on', async () => {
  await withClient(async (client) => {
    for (const text of [
      'COPY people TO STDOUT',
      'DO $$ BEGIN END $$',
      'PREPARE p AS SELECT 1',
      'LISTEN x',
      'DECLARE c CURSOR FOR SELECT 1',
      'SET search_path = pg_temp',
      "SET client_encoding = 'LATIN1'",
      'SET standard_conforming_strings = off',
      "SELECT set_config('search_path', 'x', false)",
      'DISCARD ALL',
    ]) {
      await assert.rejects(
        client.query(text),
        (error: Error & { code?: string }) => /^(0A000|42501)$/.test(error.code ?? ''),
        text,
      )
    }
    assert.deepEqual((await client.query('SELECT 1 AS one')).rows, [{ one: 1 }])
  })
})

test('DEALLOCATE makes the server forget a name, which can then mean something else', async () => {
  await withClient(async (client) => {
    const run = async (text: string): Promise<unknown> =>
      (await client.query<{ n: number }>({ name: 'same', text })).rows[0]?.n
    assert.equal(await run('SELECT 1 AS n'), 1)
    await client.query('DEALLOCATE ALL')
    // node-postgres believes that the name is still prepared: the server knows better.
    await assert.rejects(run('SELECT 1 AS n'), { code: '26000' })
    const { rows } = await client.query<{ n: number }>({ name: 'other', text: 'SELECT 2 AS n' })
    assert.equal(rows[0]?.n, 2)
  })
})

test('a statement over the limit is refused, and the session goes on', async () => {
  await withWire(async (client) => {
    const text = new Uint8Array(3_000_000).fill(0x20)
    client.send({ kind: 'query', text })
    assert.deepEqual(outline(await client.ready()), ['error ERROR 54000', 'ready I'])
    client.send({ kind: 'parse', name: '', text, parameterTypes: [] }, bind(), execute(), sync)
    assert.deepEqual(outline(await client.ready()), ['error ERROR 54000', 'ready I'])
    assert.deepEqual(outline(await client.query('SELECT 1')).at(-1), 'ready I')
  })
})

test('text that is not UTF-8 is refused in the words of the server', async () => {
  await withWire(async (client) => {
    client.send({ kind: 'query', text: Uint8Array.of(0x53, 0xff) })
    assert.deepEqual(outline(await client.ready()), ['error ERROR 22021', 'ready I'])
  })
})

test('what has no place in the protocol ends the session', async () => {
  for (const messages of [
    [parse('SELECT 1'), { kind: 'query', text: toUtf8('SELECT 1') }],
    [{ kind: 'password', data: toUtf8('again\0') }],
  ] as FrontendMessage[][]) {
    const client = await WireClient.connect({
      port: boundary.port,
      user: 'a',
      database: 'cards',
      password: 'let me in',
    })
    client.send(...messages)
    assert.deepEqual(outline(await client.rest()), ['error FATAL 08P01'])
  }
})

test('a Flush behind a Sync begins no pipeline', async () => {
  await withWire(async (client) => {
    client.send(parse('SELECT 1'), bind(), execute(), sync, flush, { kind: 'query', text: toUtf8('SELECT 2') })
    assert.equal(outline(await client.ready(2)).at(-1), 'ready I')
  })
})

test('a message cut into single bytes is the same message', async () => {
  await withWire(async (client) => {
    const { encodeFrontend } = await import('./codec/index.ts')
    const bytes = encodeFrontend({ kind: 'query', text: toUtf8('SELECT 5') })
    for (const byte of bytes) {
      client.write(Uint8Array.of(byte))
      await new Promise(setImmediate)
    }
    assert.deepEqual(outline(await client.ready()), ['columns ?column?', 'row 5', 'done SELECT 1', 'ready I'])
  })
})

test('a client that does not read holds the database back: nothing is collected, nothing lost', async () => {
  await withWire(async (client) => {
    client.stream.pause()
    client.send({ kind: 'query', text: toUtf8(`SELECT '${'x'.repeat(1000)}' FROM generate_series(1, 30000)`) })
    const unsent = (): number => boundary.sockets.at(-1)?.writableLength ?? 0
    while (unsent() < 1_048_576) await new Promise(setImmediate)
    for (let turn = 0; turn < 1000; turn++) await new Promise(setImmediate)
    assert.ok(unsent() < 2_097_152, `${String(unsent())} bytes wait`)
    client.stream.resume()
    const heard = await client.ready()
    assert.equal(heard.filter(({ kind }) => kind === 'dataRow').length, 30_000)
  })
})

test('the database sees the session by name, and not the client’s own', async () => {
  await withClient(async (client) => {
    const { rows } = await client.query<{ application_name: string }>('SHOW application_name')
    assert.match(rows[0]?.application_name ?? '', /^sallyport\/session-/)
  })
})

test('every permit has an outcome', () => {
  assert.equal(boundary.gate.unsettled(), 0)
})

const stray = 'INSERT INTO visits VALUES (404)'
const outcomes = (from: number): unknown =>
  boundary.gate.admissions.slice(from).map(({ outcome }) => [outcome?.status, outcome?.errorCode])

test('an implicit transaction that fails at its end is on record with the statement that ran last in it', async () => {
  await withWire(async (client) => {
    const from = boundary.gate.admissions.length
    client.send(parse(stray), bind(), execute(), parse('SELECT 1'), bind(), execute(), parse('SELECT 2', 'later'), sync)
    const heard = outline(await client.ready())
    assert.deepEqual(heard.slice(-3), ['parseComplete', 'error ERROR 23503', 'ready I'])
    assert.deepEqual(outcomes(from), [
      ['success', undefined],
      ['error', '23503'],
      ['success', undefined],
    ])
  })
})

test('so is one that the client ends later, and one that began behind a COMMIT', async () => {
  await withWire(async (client) => {
    const from = boundary.gate.admissions.length
    client.send(parse(stray), bind(), execute(), flush)
    while ((await client.next()).kind !== 'commandComplete');
    client.send(sync)
    assert.deepEqual(outline(await client.ready()).slice(-2), ['error ERROR 23503', 'ready I'])
    await client.query('BEGIN')
    client.send(parse('COMMIT'), bind(), execute(), parse(stray), bind(), execute(), sync)
    assert.deepEqual(outline(await client.ready()).slice(-2), ['error ERROR 23503', 'ready I'])
    assert.deepEqual(outcomes(from), [
      ['error', '23503'],
      ['success', undefined],
      ['success', undefined],
      ['error', '23503'],
    ])
  })
})

test('a COMMIT that fails, and a string that does, have the failure in their own outcome', async () => {
  await withWire(async (client) => {
    const from = boundary.gate.admissions.length
    for (const text of ['BEGIN', stray, 'COMMIT', `SELECT 1; ${stray}`]) await client.query(text)
    client.send(parse('BEGIN'), bind(), execute(), sync, parse(stray), bind(), execute(), sync)
    client.send(parse('COMMIT'), bind(), execute(), sync)
    for (let count = 0; count < 3; count++) await client.ready()
    const fails = ['error', '23503']
    const goes = ['success', undefined]
    assert.deepEqual(outcomes(from), [goes, goes, fails, goes, fails, goes, goes, fails])
  })
})
