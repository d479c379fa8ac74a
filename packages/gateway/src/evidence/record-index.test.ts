import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { encodeBundle, entriesPath, TILE_WIDTH } from '@sallyport/verifier'
import { canonicalJson, toUtf8 } from '#base'
import { RecordIndex } from './record-index.ts'

/** A record as far as the index cares. */
function leaf(sequence: number): string {
  const isOutcome = sequence % 2 === 1
  const common = {
    time: 1_000 + sequence,
    metadata: { sequence },
    actor: { user: { uid: sequence % 4 < 2 ? 'usr_a' : 'usr_b' } },
  }
  const unmapped = isOutcome
    ? { phase: 'outcome', intent: sequence - 1, status: 'success' }
    : { phase: 'intent', verb: 'SELECT', decision: { outcome: sequence % 3 === 0 ? 'deny' : 'allow' } }
  return canonicalJson({ ...common, dst_endpoint: { svc_name: 'cards' }, unmapped })
}

/** Writes the bundles of a log of `size` records into a folder. */
function writeLog(directory: string, size: number, text: (sequence: number) => string = leaf): void {
  for (let bundle = 0; bundle * TILE_WIDTH < size; bundle++) {
    const width = Math.min(TILE_WIDTH, size - bundle * TILE_WIDTH)
    const path = join(directory, entriesPath(bundle, width))
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(
      path,
      encodeBundle(Array.from({ length: width }, (_, place) => toUtf8(text(bundle * TILE_WIDTH + place)))),
    )
  }
}

function folder(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-index-'))
  t.after(() => {
    rmSync(directory, { recursive: true, force: true })
  })
  return directory
}

function openIndex(t: TestContext, directory: string, size: number): RecordIndex {
  const index = new RecordIndex(join(directory, 'index.db'), directory, 'origin', size)
  t.after(() => {
    index.close()
  })
  return index
}

function indexAll(index: RecordIndex, size: number): void {
  for (let more = true; more;) more = index.advance(size)
}

test('an intent is found with its outcome, across partial and full bundles', (t) => {
  const directory = folder(t)
  writeLog(directory, 100)
  const index = openIndex(t, directory, 100)
  indexAll(index, 100)
  writeLog(directory, 700)
  indexAll(index, 700)
  assert.equal(index.indexed, 700)
  for (const sequence of [0, 98, 256, 698]) {
    const row = index.record(sequence)
    assert.equal(row?.leaf['time'], 1_000 + sequence)
    assert.deepEqual(row?.outcome?.['metadata'], { sequence: sequence + 1 })
  }
  assert.equal(index.record(700), undefined)
})

test('filters meet, pages go back, following goes forward', (t) => {
  const directory = folder(t)
  writeLog(directory, 600)
  const index = openIndex(t, directory, 600)
  indexAll(index, 600)
  const denied = index.query({ identity: 'usr_a', decision: 'deny', limit: 1_000 })
  assert.deepEqual(
    denied.map((row) => row.sequence),
    Array.from({ length: 600 }, (_, sequence) => sequence)
      .filter((n) => n % 2 === 0 && n % 3 === 0 && n % 4 < 2)
      .reverse(),
  )
  const page = index.query({ phase: 'intent', before: 10, limit: 3 })
  assert.deepEqual(
    page.map((row) => row.sequence),
    [8, 6, 4],
  )
  const next = index.query({ after: 590, limit: 2 })
  assert.deepEqual(
    next.map((row) => row.sequence),
    [591, 592],
  )
  assert.deepEqual(
    index.query({ fromMs: 1_010, toMs: 1_011, limit: 9 }).map((row) => row.sequence),
    [11, 10],
  )
  assert.deepEqual(index.query({ resource: 'other', limit: 9 }), [])
})

test('an index that is behind goes on; one that does not fit the log is built anew', (t) => {
  const directory = folder(t)
  writeLog(directory, 300)
  const file = join(directory, 'index.db')
  const first = new RecordIndex(file, directory, 'origin', 300)
  indexAll(first, 300)
  first.close()
  writeLog(directory, 310)
  const goesOn = new RecordIndex(file, directory, 'origin', 310)
  assert.equal(goesOn.indexed, 300)
  goesOn.close()
  writeLog(directory, 310, (sequence) => leaf(sequence).replace('cards', 'other'))
  const changed = new RecordIndex(file, directory, 'origin', 310)
  assert.equal(changed.indexed, 0)
  indexAll(changed, 310)
  assert.equal(changed.query({ resource: 'other', limit: 1 }).length, 1)
  changed.close()
  const shorter = new RecordIndex(file, directory, 'origin', 10)
  assert.equal(shorter.indexed, 0)
  shorter.close()
  const another = new RecordIndex(file, directory, 'another origin', 10)
  assert.equal(another.indexed, 0)
  another.close()
})

/** A record with something in every column. */
function fullLeaf(sequence: number): string {
  const actor = {
    app_uid: `cl_${sequence % 3}`,
    app_name: 'agent',
    session: { uid: `s_${sequence % 5}` },
    user: { uid: `usr_${sequence % 7}` },
  }
  const decision = { outcome: sequence % 11 === 0 ? 'hold' : 'allow', policies: [`p_${sequence % 4}`, 'p_all'] }
  const unmapped = {
    caused_by: { kind: 'one-of', records: [{ index: sequence - 1 }, { index: sequence % 50 }, { index: 'x' }] },
    approval: { request: `R${sequence % 13}` },
    decision,
    phase: 'intent',
    verb: 'SELECT',
    via: { child: 'c', server: `srv_${sequence % 2}`, tool: 't' },
  }
  return canonicalJson({ actor, dst_endpoint: { svc_name: 'cards' }, time: 5_000 - sequence, unmapped })
}

test('an index that grew with its log is the one that is built at once', (t) => {
  const directory = folder(t)
  const tables: unknown[] = []
  for (const [file, sizes] of [
    ['grown.db', [1, 100, 300, 2_400, 2_500, 5_000]],
    ['built.db', [5_000]],
  ] as const) {
    for (const size of sizes) {
      writeLog(directory, size, fullLeaf)
      const index = new RecordIndex(join(directory, file), directory, 'origin', size)
      indexAll(index, size)
      index.close()
    }
    const database = new DatabaseSync(join(directory, file), { readOnly: true })
    const all = (sql: string): unknown => database.prepare(sql).all()
    tables.push([
      all('select * from record order by sequence'),
      all('select * from cause order by call, sequence'),
      all('select * from policy_use'),
      all('select * from meta'),
    ])
    database.close()
  }
  assert.deepEqual(tables[0], tables[1])
})

test('an index of another version is built anew', (t) => {
  const directory = folder(t)
  writeLog(directory, 20)
  const file = join(directory, 'index.db')
  const database = new DatabaseSync(file)
  database.exec(`create table meta (version integer, origin text, indexed integer, last_leaf text);
    create table record (sequence integer primary key); insert into meta values (1, 'origin', 20, '')`)
  database.close()
  const index = openIndex(t, directory, 20)
  assert.equal(index.indexed, 0)
  indexAll(index, 20)
  assert.equal(index.query({ limit: 100 }).length, 20)
})

/** Does something to an index behind its back. */
function tamper(directory: string, sql: string): void {
  const database = new DatabaseSync(join(directory, 'index.db'))
  database.exec(sql)
  database.close()
}

const without = (index: RecordIndex): readonly number[] => {
  const found = new Set(index.query({ limit: 1_000 }).map(({ sequence }) => sequence))
  return Array.from({ length: 300 }, (_, sequence) => sequence).filter((sequence) => !found.has(sequence))
}

const MOVED = 'update record set (offset, length) = (select offset, length from record where sequence = 8)'
const tampered: readonly (readonly [what: string, sql: string])[] = [
  ['without a record', 'delete from record where sequence = 100'],
  ['without its first record', 'delete from record where sequence = 0'],
  [
    'with another in the place of a record',
    'delete from record where sequence = 100; update record set sequence = -1 where sequence = 0; update record set sequence = 0 where sequence = 1',
  ],
  [
    'with a record that the log does not have',
    "insert into record select 300, 0, 'event', null, null, null, null, null, null, null, null, null, null, null, 2, 3",
  ],
]

for (const [what, sql] of tampered)
  test(`an index ${what} is built anew when it is opened`, (t) => {
    const directory = folder(t)
    writeLog(directory, 300)
    const first = new RecordIndex(join(directory, 'index.db'), directory, 'origin', 300)
    indexAll(first, 300)
    first.close()
    tamper(directory, sql)
    const index = openIndex(t, directory, 300)
    assert.equal(index.indexed, 0)
    indexAll(index, 300)
    assert.deepEqual(without(index), [])
  })

for (const [what, sql] of [...tampered, ['that finds a record by another name', "update record set actor = 'x'"]])
  test(`an index ${what}, changed while it is open, gives no answer and is built anew`, (t) => {
    const directory = folder(t)
    writeLog(directory, 300)
    const index = openIndex(t, directory, 300)
    indexAll(index, 300)
    const questions = [
      () => index.query({ limit: 1 }),
      () => index.record(3),
      () => index.span(0, 9_999, 300),
      () => index.uses({}),
    ]
    for (const ask of questions) {
      tamper(directory, String(sql))
      assert.throws(ask, { code: 'SP_API_UNAVAILABLE', message: /built anew/ })
      assert.equal(index.indexed, 0)
      assert.throws(() => index.span(0, 9_999, 300), { code: 'SP_API_UNAVAILABLE', message: /being built/ })
      indexAll(index, 300)
      assert.deepEqual(without(index), [])
    }
    tamper(directory, String(sql))
    writeLog(directory, 310)
    indexAll(index, 310)
    assert.deepEqual(without(index), [])
  })

for (const [what, sql] of [
  ['of another record', `${MOVED} where sequence = 4`],
  ['of no record', 'update record set offset = offset + 1 where sequence = 4'],
  ['behind the end of its bundle', 'update record set offset = 1000000 where sequence = 4'],
])
  test(`a row with the place ${what} gives no record, and the index is built anew`, (t) => {
    const directory = folder(t)
    writeLog(directory, 300)
    const first = new RecordIndex(join(directory, 'index.db'), directory, 'origin', 300)
    indexAll(first, 300)
    first.close()
    tamper(directory, String(sql))
    const index = openIndex(t, directory, 300)
    assert.throws(() => index.record(4), { code: 'SP_API_UNAVAILABLE', message: /built anew/ })
    indexAll(index, 300)
    assert.deepEqual(index.record(4)?.leaf['metadata'], { sequence: 4 })
  })

test('a record of the log that is not the one of its number is no damage of the index', (t) => {
  for (const changed of ['{"metadata":{"sequence":5}}', 'no JSON']) {
    const directory = folder(t)
    writeLog(directory, 300, (sequence) => (sequence === 4 ? changed : leaf(sequence)))
    const index = openIndex(t, directory, 300)
    indexAll(index, 300)
    assert.throws(() => index.record(4), { code: 'SP_TRAIL_TAMPERED', message: /record 4/ })
    assert.equal(index.indexed, 300)
    assert.equal(index.record(6)?.leaf['time'], 1_006)
  }
})

test('a record is read while its bundle fills up and the partial file goes', (t) => {
  const directory = folder(t)
  writeLog(directory, 100)
  const index = openIndex(t, directory, 100)
  indexAll(index, 100)
  // The writing side removes partial files as soon as the full one is there, before it says that there is a new checkpoint.
  writeLog(directory, 256)
  rmSync(join(directory, entriesPath(0, 100)))
  assert.equal(index.record(50)?.leaf['time'], 1_050)
})

test('a file that is no index is replaced by one', (t) => {
  const directory = folder(t)
  writeLog(directory, 10)
  writeFileSync(join(directory, 'index.db'), 'not a database, but long enough to look like a damaged one'.repeat(50))
  const index = openIndex(t, directory, 10)
  indexAll(index, 10)
  assert.equal(index.query({ limit: 100 }).length, 10)
})

test('the index and its side files are for their owner alone, whatever was there before', (t) => {
  const directory = folder(t)
  writeLog(join(directory, 'trail'), 4)
  const files = join(directory, 'index')
  mkdirSync(files)
  writeFileSync(join(files, 'index.db'), '', { mode: 0o644 })
  const index = new RecordIndex(join(files, 'index.db'), join(directory, 'trail'), 'o', 4)
  index.advance(4)
  const modes = readdirSync(files).map((name) => [name, (statSync(join(files, name)).mode & 0o777).toString(8)])
  index.close()
  assert.ok(modes.length > 1)
  assert.deepEqual(
    modes.filter(([, mode]) => mode !== '600'),
    [],
  )
})
