/** node-postgres, unmodified, through the whole boundary: in plain on loopback and over TLS in front. */
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import pg from 'pg'
import { type ClientsBoundary, startClientsBoundary } from './clients-boundary.ts'

const STREAMED = 100_000
const PIPELINED = 500

let front: ClientsBoundary

before(async () => {
  front = await startClientsBoundary()
})
after(() => front[Symbol.asyncDispose]())

for (const way of ['in plain', 'over TLS'] as const) {
  describe(way, () => {
    const ssl = (): pg.ClientConfig['ssl'] => (way === 'over TLS' ? { ca: front.ca, servername: 'localhost' } : false)
    let client: pg.Client
    beforeEach(async () => {
      client = await connectDriver({ ssl: ssl() })
    })
    afterEach(() => client.end())
    queryTests(() => client)
    test(`${PIPELINED} queries in one pipeline`, async () => {
      await pipelineTest(await connectDriver({ ssl: ssl(), pipeline: true }))
    })
    valueTests(() => client)
    errorTests(() => client)
  })
}

async function connectDriver(config: pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port: front.boundary.postgresPort,
    user: 'alice',
    password: front.token,
    database: 'cards',
    ...config,
  })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

function queryTests(client: () => pg.Client): void {
  test('simple queries, and several statements of one string', async () => {
    const { rows } = await client().query<{ pan: string }>('select pan from customers order by id limit 2')
    assert.deepEqual(
      rows.map(({ pan }) => pan),
      ['************4444', '************3222'],
    )
    const results: unknown = await client().query('select 1 as a; select 2 as b')
    assert.ok(Array.isArray(results))
    assert.deepEqual(
      results.map((result: pg.QueryResult<Readonly<Record<string, unknown>>>) => result.rows),
      [[{ a: 1 }], [{ b: 2 }]],
    )
  })

  test('parameters, also where the text would have a card number', async () => {
    const { rows } = await client().query<{ sum: number; pan: string }>(
      `select $1::int + $2::int as sum, concat('41', $3::text) as pan`,
      [20, 22, '11111111111111'],
    )
    assert.deepEqual(rows, [{ sum: 42, pan: '************1111' }])
  })

  test('named prepared statements, again and again', async () => {
    for (const id of [1, 2, 3, 1]) {
      const { rows } = await client().query<{ id: number; pan: string }>({
        name: 'customer',
        text: 'select id, pan from customers where id = $1',
        values: [id],
      })
      assert.equal(rows[0]?.id, id)
      assert.match(rows[0]?.pan ?? '', /^\*{10,12}\d{4}$/)
    }
  })

  test('a result fetched in parts', async () => {
    const config = { text: 'select pan from customers order by id', rows: 120 }
    const { rows } = await client().query<{ pan: string }>(config)
    assert.equal(rows.length, 500)
    assert.ok(rows.every(({ pan }) => /^\*{10,12}\d{4}$/.test(pan)))
  })

  test(`streams ${STREAMED} rows`, async (t) => {
    const began = performance.now()
    const result = await new Promise<{ count: number; sum: number }>((resolve, reject) => {
      const seen = { count: 0, sum: 0 }
      const query = new pg.Query(
        `select n, concat('row number ', n) as words, repeats.pan
           from generate_series(1, ${STREAMED}) as n join customers as repeats on repeats.id = n % 500 + 1`,
      )
      query.on('row', (row: { n: number; words: string; pan: string }) => {
        if (!/^\*{10,12}\d{4}$/.test(row.pan) || row.words !== `row number ${row.n}`) reject(new Error(`row ${row.n}`))
        seen.count++
        seen.sum += row.n
      })
      query.on('error', reject)
      query.on('end', () => {
        resolve(seen)
      })
      client().query(query)
    })
    assert.deepEqual(result, { count: STREAMED, sum: (STREAMED * (STREAMED + 1)) / 2 })
    t.diagnostic(`${STREAMED} rows, a card number in each, in ${((performance.now() - began) / 1000).toFixed(2)} s`)
  })
}

/** All are on their way before the first is answered; what is refused among them fails alone, since each has a Sync of its own. */
async function pipelineTest(client: pg.Client): Promise<void> {
  const answers = Array.from({ length: PIPELINED }, async (_, index) => {
    if (index % 100 === 99) return await outcome(client.query('select id from job_runs'))
    const text = index % 2 === 0 ? `select ${index} as n` : 'select $1::int as n'
    const { rows } = await client.query<{ n: number }>(text, index % 2 === 0 ? undefined : [index])
    return rows[0]?.n
  })
  const expected = Array.from({ length: PIPELINED }, (_, index) => (index % 100 === 99 ? '42501' : index))
  assert.deepEqual(await Promise.all(answers), expected)
  await client.end()
}

function valueTests(client: () => pg.Client): void {
  test('Unicode, NULLs, arrays, JSON, times and bytes go there and back', async () => {
    const note = `Grüße, 世界, 👋🏽 ${crypto.randomUUID()}`
    const at = new Date('2026-11-21T10:20:30.456Z')
    const doc = { card: 'none', nested: { list: [1, null, 'zwei', { deep: true }] }, ключ: '値' }
    const tags = ['a,b', 'c"d', '', 'e\\f', 'NULL', '{g}']
    await client().query('insert into visits (note, tags, doc, at, big) values ($1, $2, $3, $4, $5)', [
      ...[note, tags, doc, at, null],
    ])
    const { rows } = await client().query('select note, tags, doc, at, big from visits where note = $1', [note])
    assert.deepEqual(rows, [{ note, tags, doc, at, big: null }])
    const { rows: others } = await client().query(
      `select null::int as nothing, '{1,NULL,3}'::int[] as ints, '{{1,2},{3,4}}'::int[] as grid, true as yes, 1.50::numeric as exact`,
    )
    assert.deepEqual(others, [
      {
        ...{
          nothing: null,
          ints: [1, null, 3],
          grid: [
            [1, 2],
            [3, 4],
          ],
        },
        ...{ yes: true, exact: '1.50' },
      },
    ])
  })

  test('a parameter of 1 MiB goes there and back', async () => {
    const note = crypto.randomUUID()
    const big = 'Straße '.repeat(131_072)
    await client().query('insert into visits (note, big) values ($1, $2)', [note, big])
    const { rows } = await client().query<{ big: string }>('select big from visits where note = $1', [note])
    assert.ok(rows[0]?.big === big, 'it came back changed')
  })

  test('a parameter that the trail has no room for is refused in words, and the session goes on', async () => {
    await assert.rejects(client().query('insert into visits (big) values ($1)', ['x'.repeat(8 * 1024 * 1024)]), {
      ...{ severity: 'ERROR', code: '54000', message: /^the statement is larger than the limit \[ref \w+\]$/ },
    })
    assert.equal((await client().query('select 1')).rowCount, 1)
  })

  test('a result asked for in binary is refused in words, unless its binary form is its text', async () => {
    const asked = (text: string, values: readonly unknown[]): Promise<pg.QueryResult> =>
      client().query({ text, values: [...values], binary: true } as pg.QueryConfig)
    await assert.rejects(asked('select id from customers where id = $1', [1]), {
      code: '0A000',
      message: /^column "id" is asked for in binary, and cannot be searched for card data in that form/,
      hint: /ask for results in text format/,
    })
    const { rows } = await asked('select pan from customers where id = $1', [1])
    assert.equal(String((rows as readonly { pan: unknown }[])[0]?.pan), '************4444')
  })
}

function errorTests(client: () => pg.Client): void {
  test("the server's errors keep their fields", async () => {
    // No UUID: in an error even one whose digits only look like a card number is cut.
    const note = 'once only'
    await client().query('begin')
    await client().query('insert into visits (note) values ($1)', [note])
    await assert.rejects(client().query('insert into visits (note) values ($1)', [note]), {
      ...{ severity: 'ERROR', code: '23505', schema: 'public', table: 'visits', constraint: 'visits_note_key' },
      detail: `Key (note)=(${note}) already exists.`,
    })
    await client().query('rollback')
    await assert.rejects(client().query('select nothing from customers'), {
      ...{ code: '42703', position: '8', message: 'column "nothing" does not exist' },
    })
  })

  test('a refusal is an error like any other: code, words, reference, hint', async () => {
    await assert.rejects(client().query('delete from customers'), {
      ...{ severity: 'ERROR', code: '42501', hint: /^see why with: sallyport why \w+$/ },
      message: /^DELETE on "cards" refused for alice@example\.com: .* \[ref \w+\]$/,
    })
    await assert.rejects(client().query('select from where'), {
      code: '42601',
      message: /^syntax error/,
      position: '13',
    })
    assert.equal((await client().query('select 1')).rowCount, 1)
  })

  test('notices come through, card numbers truncated', async () => {
    const notices: (string | undefined)[] = []
    client().on('notice', ({ message }) => notices.push(message))
    await client().query('begin')
    await client().query('insert into visits (note) values ($1)', ['paid with 4111 1111 1111 1111'])
    await client().query('rollback')
    assert.deepEqual(notices, ['noted paid with **** **** **** 1111'])
  })

  test('a transaction fails as a whole', async () => {
    const note = crypto.randomUUID()
    await client().query('begin')
    await client().query('insert into visits (note) values ($1)', [note])
    assert.equal(await outcome(client().query('drop table visits')), '42501')
    assert.equal(await outcome(client().query('select 1')), '25P02')
    assert.equal((await client().query('commit')).command, 'ROLLBACK')
    assert.equal((await client().query('select from visits where note = $1', [note])).rowCount, 0)
  })
}

/** The SQLSTATE of what failed. */
async function outcome(asked: Promise<unknown>): Promise<string> {
  return await asked.then(
    () => 'no error',
    (error: unknown) => (error instanceof pg.DatabaseError ? (error.code ?? '') : String(error)),
  )
}

test('a person whose certificate authority is another does not get through', async () => {
  await assert.rejects(connectDriver({ ssl: { servername: 'localhost' } }), { code: /SELF_SIGNED|UNABLE_TO/ })
})

test('a token that is unknown is refused with its code', async () => {
  await assert.rejects(connectDriver({ password: 'A'.repeat(43) }), { code: '28P01', severity: 'FATAL' })
})
