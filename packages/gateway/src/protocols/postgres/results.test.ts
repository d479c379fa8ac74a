/** Masking on the way: values, errors, notices, what cannot be masked; before a real PostgreSQL with the real detector. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { toUtf8 } from '#base'
import { createMasking } from '#masking'
import type { Masking } from '#model'
import { startPostgres, type TestPostgres } from '../../../testkit/postgres.ts'
import type { Format, FrontendMessage } from './codec/index.ts'
import { endSharedClassifier, startBoundary, type TestBoundary } from './testkit/boundary.ts'
import { outline, WireClient } from './testkit/wire.ts'

/** A brand's published test number. */
const PAN = '4111111111111111'
const TRUNCATED = '************1111'

const schema = [
  'CREATE TABLE cards (id int PRIMARY KEY, holder text, pan text UNIQUE, as_number numeric, track text, note json)',
  `INSERT INTO cards VALUES (1, 'Ann', '${PAN}', ${PAN}, '%B${PAN}^ANN^2912101?', '{"pan":"${PAN}"}')`,
  'CREATE TABLE vault (secret text, code text)',
  "INSERT INTO vault VALUES ('12345678', '123')",
  'CREATE TABLE parts (secret text) PARTITION BY LIST (secret)',
  'CREATE TABLE parts_rest PARTITION OF parts DEFAULT',
  "INSERT INTO parts VALUES ('87654321')",
  'CREATE TABLE kept (id int NOT NULL, secret text PRIMARY KEY, code text)',
  "INSERT INTO kept VALUES (1, '12345678', '123'), (2, '12345679', '456')",
  'CREATE TABLE uses (secret text REFERENCES kept)',
  "INSERT INTO uses VALUES ('12345678')",
  'CREATE VIEW firsts AS SELECT * FROM kept WHERE id < 3 WITH CHECK OPTION',
  'CREATE TABLE big (n int, filler text, many text)',
  'CREATE TABLE sums (amount money, amounts money[])',
  `INSERT INTO sums VALUES (1234.5, '{1,2}'), (${PAN}, '{1,2}'), (1, ARRAY[1, ${PAN}]::money[])`,
  'CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE $m$card %$m$, NEW.pan; RETURN NEW; END $$',
  'CREATE TRIGGER tell BEFORE UPDATE ON cards FOR EACH ROW EXECUTE FUNCTION tell()',
].join(';\n')

let database: TestPostgres
let boundary: TestBoundary
let client: WireClient

before(async () => {
  database = await startPostgres({ sql: schema })
  boundary = await startBoundary(database, {
    declaredColumns: [
      { schema: 'public', table: 'vault', column: 'secret', class: 'pan' },
      { schema: 'public', table: 'vault', column: 'code', class: 'sad' },
      { schema: 'public', table: 'parts', column: 'secret', class: 'pan' },
      { schema: 'public', table: 'kept', column: 'secret', class: 'pan' },
      { schema: 'public', table: 'kept', column: 'code', class: 'sad' },
      { schema: 'public', table: 'nowhere', column: 'nothing', class: 'pan' },
    ],
  })
  client = await login(boundary)
})

after(async () => {
  client.end()
  await boundary[Symbol.asyncDispose]()
  await endSharedClassifier()
  await database.stop()
})

function login({ port }: TestBoundary): Promise<WireClient> {
  return WireClient.connect({ port, user: 'alice', database: 'cards', password: 'let me in' })
}

const parse = (text: string, name = ''): FrontendMessage => ({
  kind: 'parse',
  name,
  text: toUtf8(text),
  parameterTypes: [],
})
const bind = (resultFormats: readonly Format[] = [], statement = ''): FrontendMessage => ({
  ...{ kind: 'bind', portal: '', statement, parameterFormats: [], parameters: [] },
  resultFormats,
})
const execute: FrontendMessage = { kind: 'execute', portal: '', maxRows: 0 }
const sync: FrontendMessage = { kind: 'sync' }

function lastOutcome(): unknown {
  return boundary.gate.admissions.at(-1)?.outcome?.status
}

test('a card number in text and in JSON is truncated, and said so before the end', async () => {
  assert.deepEqual(outline(await client.query('SELECT pan, note FROM cards')), [
    'columns pan|note',
    `row ${TRUNCATED}|{"pan":"${TRUNCATED}"}`,
    'notice NOTICE 00000',
    'done SELECT 1',
    'ready I',
  ])
  const masking = boundary.gate.admissions.at(-1)?.outcome?.masking
  assert.deepEqual(
    masking?.columns.map(({ name, masked }) => [name, masked]),
    [
      ['pan', 1],
      ['note', 1],
    ],
  )
})

test('extended, without the client asking for the columns: masked all the same', async () => {
  client.send(parse('SELECT pan FROM cards'), bind(), execute, sync)
  assert.deepEqual(outline(await client.ready()), [
    ...['parseComplete', 'bindComplete', `row ${TRUNCATED}`, 'notice NOTICE 00000', 'done SELECT 1', 'ready I'],
  ])
})

test('declared columns are masked whatever they look like: by origin, by label, in partitions', async () => {
  for (const [sql, expected] of [
    ['SELECT secret FROM vault', '****5678'],
    ['SELECT secret AS other FROM vault', '****5678'],
    ['SELECT secret AS other FROM parts_rest', '****4321'],
    ["SELECT '1112223334' AS secret", '******3334'],
  ] as const) {
    assert.equal(outline(await client.query(sql))[1], `row ${expected}`, sql)
  }
  const names = boundary.gate.admissions.slice(-4).map(({ outcome }) => outcome?.masking?.columns[0]?.name)
  assert.deepEqual(names, ['public.vault.secret', 'public.vault.secret', 'public.parts.secret', 'secret'])
})

test('an error quotes no row of a table with declared columns', async () => {
  for (const [sql, sqlstate] of [
    ['UPDATE kept SET id = NULL', '23502'],
    ["UPDATE kept SET secret = '12345678'", '23505'],
    ['DELETE FROM kept', '23503'],
    ['UPDATE firsts SET id = 9', '44000'],
    ["ALTER TABLE parts_rest ADD CHECK (secret <> ''); UPDATE parts_rest SET secret = ''", '23514'],
  ] as const) {
    const heard = await client.query(sql)
    const [fields] = heard.flatMap((message) => (message.kind === 'error' ? [new Map(message.fields)] : []))
    assert.equal(fields?.get('C'), sqlstate)
    assert.equal(fields?.get('D'), 'withheld: it quotes a row, and there are declared columns', sql)
  }
  // Of any other table it stays.
  const heard = await client.query('UPDATE cards SET id = NULL')
  const [fields] = heard.flatMap((message) => (message.kind === 'error' ? [new Map(message.fields)] : []))
  assert.match(fields?.get('D') ?? '', /^Failing row contains \(null, Ann/)
})

test('what computes with a declared column in a partition is not understood; what shows or compares it is', async () => {
  const said = async (sql: string): Promise<string | undefined> => {
    await client.query(sql)
    return boundary.gate.admissions.at(-1)?.operation.shape.incomplete
  }
  const reason = 'it computes with a declared column under the name of a partition'
  for (const sql of ["SELECT secret || '' FROM parts_rest", 'SELECT row_to_json(p) FROM parts_rest p']) {
    assert.equal(await said(sql), reason, sql)
  }
  // What is declared itself, policy knows.
  for (const sql of ["SELECT secret FROM parts_rest WHERE secret = '1'", "SELECT secret || '' FROM parts"]) {
    assert.equal(await said(sql), undefined, sql)
  }
})

test('a declared SAD column refuses the result', async () => {
  assert.deepEqual(outline(await client.query('SELECT code FROM vault')), [
    ...['columns code', 'error ERROR 22000', 'ready I'],
  ])
  assert.equal(lastOutcome(), 'masking-refused')
})

test('an amount that looks like a card refuses the result, though its digits are parted', async () => {
  for (const [sql, column, rows] of [
    ['SELECT amount FROM sums', 'amount', ['row $1,234.50']],
    ['SELECT amounts FROM sums', 'amounts', ['row {$1.00,$2.00}', 'row {$1.00,$2.00}']],
  ] as const) {
    assert.deepEqual(outline(await client.query(sql)), [`columns ${column}`, ...rows, 'error ERROR 22000', 'ready I'])
    assert.equal(lastOutcome(), 'masking-refused')
  }
})

test('a number that looks like a card refuses the result and names the column; a track refuses it too', async () => {
  const heard = await client.query('SELECT id, as_number FROM cards')
  assert.deepEqual(outline(heard), ['columns id|as_number', 'error ERROR 22000', 'ready I'])
  const error = heard.find(({ kind }) => kind === 'error')
  assert.match(
    error?.kind === 'error' ? (new Map(error.fields).get('M') ?? '') : '',
    /^column "as_number": .*\[ref [0-9A-Z]+\]$/,
  )
  assert.deepEqual(outline(await client.query('SELECT track FROM cards')), [
    ...['columns track', 'error ERROR 22000', 'ready I'],
  ])
  assert.equal(outline(await client.query('SELECT 1')).at(-1), 'ready I')
})

test('in a transaction a withheld result makes it fail, as the server says itself', async () => {
  await client.query('BEGIN')
  assert.equal(outline(await client.query('SELECT as_number FROM cards')).at(-1), 'ready E')
  assert.deepEqual(outline(await client.query('SELECT 1')), ['error ERROR 25P02', 'ready E'])
  assert.deepEqual(outline(await client.query('COMMIT')), ['done ROLLBACK', 'ready I'])
  client.send(parse('BEGIN'), bind(), execute, parse('SELECT as_number FROM cards'), bind(), execute, sync)
  assert.equal(outline(await client.ready()).at(-1), 'ready E')
  await client.query('ROLLBACK')
})

test('a withheld result in a pipeline: nothing more up to its Sync', async () => {
  const select = [parse('SELECT as_number FROM cards'), bind(), execute]
  client.send(...select, parse('SELECT 2'), bind(), execute, sync, parse('SELECT 3'), bind(), execute, sync)
  assert.deepEqual(outline(await client.ready(2)), [
    ...['parseComplete', 'bindComplete', 'error ERROR 22000', 'ready I'],
    ...['parseComplete', 'bindComplete', 'row 3', 'done SELECT 1', 'ready I'],
  ])
})

test('errors and notices of the database are scrubbed', async () => {
  const insert = await client.query(`INSERT INTO cards VALUES (2, 'Ben', '${PAN}')`)
  const cast = await client.query(`SELECT '${PAN}x'::int`)
  const notice = await client.query("UPDATE cards SET holder = 'Eve'")
  for (const heard of [insert, cast, notice]) {
    const text = JSON.stringify(heard)
    assert.ok(!text.includes(PAN), text)
    assert.ok(text.includes('1111'), text)
  }
  assert.equal(outline(insert)[0], 'error ERROR 23505')
})

test('binary columns whose binary form is not their text are refused before they run', async () => {
  const binary: readonly Format[] = [1]
  client.send(parse('SELECT id FROM cards'), bind(binary), execute, sync)
  assert.deepEqual(outline(await client.ready()), ['parseComplete', 'error ERROR 0A000', 'ready I'])
  assert.equal(lastOutcome(), 'skipped')
  client.send(parse('SELECT holder, pan FROM cards'), bind(binary), execute, sync)
  assert.ok(outline(await client.ready()).includes(`row Eve|${TRUNCATED}`))
  client.send(parse('SELECT id FROM cards', 's'), { kind: 'describe', target: 'statement', name: 's' }, sync)
  await client.ready()
  client.send(bind(binary, 's'), execute, sync)
  assert.deepEqual(outline(await client.ready()), ['error ERROR 0A000', 'ready I'])
  assert.equal(boundary.gate.admissions.at(-1)?.kind, 'refusal', 'refused on record')
  client.send(parse('UPDATE cards SET id = id'), bind(binary), execute, sync)
  assert.equal(outline(await client.ready()).at(-1), 'ready I')
})

test('card numbers over the borders of chunks: none is whole, all rows are there', async () => {
  // Rows of a length that has no common factor with 65536, so that borders fall everywhere within them.
  const sql = `SELECT n, 'x${'y'.repeat(40)}', '${PAN.slice(0, 8)}' || '${PAN.slice(8)}', 'z' FROM generate_series(1, 20000) n`
  const heard = outline(await client.query(sql)).filter((line) => line.startsWith('row'))
  assert.equal(heard.length, 20_000)
  assert.ok(heard.every((line) => line.endsWith(`|${TRUNCATED}|z`)))
})

test('a row over 16 MiB is withheld and its column named, one below goes through', async () => {
  const fill = await WireClient.connect({ ...database, password: database.password })
  await fill.query(
    "INSERT INTO big VALUES (1, repeat('x', 17000000), 'y'), (2, repeat('x', 9000000), repeat('y', 7000000))",
  )
  fill.end()
  const large = await client.query('SELECT n, filler, many FROM big WHERE n = 1')
  assert.deepEqual(outline(large), ['columns n|filler|many', 'error ERROR 54000', 'ready I'])
  assert.match(JSON.stringify(large), /column \\"filler\\"/)
  const heard = await client.query('SELECT n, filler, many FROM big WHERE n = 2')
  assert.equal(heard.filter(({ kind }) => kind === 'dataRow').length, 1)
})

test('a detector that fails withholds the result', async () => {
  const masking = createMasking({}, 'test')
  const faulty: Masking = {
    scrubber: masking.scrubber,
    begin: (columns) => {
      if (columns[0]?.name === 'begin') throw new Error('a fault in the beginning')
      const masker = masking.begin(columns)
      return {
        mayMatch: () => true,
        mask: () => {
          throw new Error('a fault on the way')
        },
        summary: () => masker.summary(),
      }
    },
  }
  await using broken = await startBoundary(database, { masking: faulty })
  const wire = await login(broken)
  assert.deepEqual(outline(await wire.query('SELECT 1 AS begin')), ['columns begin', 'error ERROR 58000', 'ready I'])
  assert.deepEqual(outline(await wire.query('SELECT 1 AS way')), ['columns way', 'error ERROR 58000', 'ready I'])
  wire.end()
})

test('every permit has an outcome', () => {
  assert.equal(boundary.gate.unsettled(), 0)
})
