/**
 * psql 15 and 18, unmodified, through the whole boundary: in plain on loopback and over TLS in front, as alice with the token that
 * `sallyport token` printed.
 */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { type ClientsBoundary, startClientsBoundary } from './clients-boundary.ts'
import { type PsqlClient, psqlClients } from './psql.ts'

const WAYS = ['in plain', 'over TLS'] as const
type Way = (typeof WAYS)[number]

const DOOR = 'psql: error: connection to server at "127.0.0.1", port '
const UNKNOWN_TOKEN = 'A'.repeat(43)

let front: ClientsBoundary
let direct: pg.Client

/** libpq's variables for a way in. */
function env(way: Way, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const tls = { PGSSLMODE: 'verify-full', PGSSLROOTCERT: front.caFile }
  return {
    PGHOST: '127.0.0.1',
    PGPORT: String(front.boundary.postgresPort),
    PGUSER: 'alice',
    PGDATABASE: 'cards',
    PGPASSWORD: front.token,
    ...(way === 'over TLS' ? tls : { PGSSLMODE: 'disable' }),
    ...more,
  }
}

before(async () => {
  front = await startClientsBoundary()
  const { host, port, user, password } = front.boundary.database
  direct = new pg.Client({ host, port, user, password, database: 'cards' })
  await direct.connect()
})

after(async () => {
  await direct.end()
  await front[Symbol.asyncDispose]()
})

for (const major of ['15', '18']) {
  describe(`psql ${major}`, () => {
    let psql: PsqlClient
    before(async () => {
      const clients = await psqlClients()
      psql = clients.find(({ version }) => version.startsWith(major)) ?? assert.fail(`psql ${major} is not here`)
    })
    for (const way of WAYS) describe(way, () => statementTests(() => psql, way))
    doorTests(() => psql)
    if (major === '18') newWaysIn(() => psql)
  })
}

/** What a session does, whichever way it came in. */
function statementTests(psql: () => PsqlClient, way: Way): void {
  test('reads, with card numbers truncated and a word about it', async () => {
    const sql = 'select id, name, pan from customers order by id limit 2'
    const { code, stdout, stderr } = await psql().run(['-At', '-c', sql], { env: env(way) })
    assert.equal(code, 0, stderr)
    assert.equal(stdout, '1|Alan Liskov|************4444\n2|Barbara Hamilton|************3222\n')
    assert.match(stderr, /^NOTICE: {2}2 values masked in public\.customers\.pan$/m)
  })

  test('runs several statements of one string, and of several', async () => {
    const args = ['-At', '-c', "select 1; select 2; select 'drei'", '-c', 'select 4']
    assert.deepEqual(await psql().run(args, { env: env(way) }), { code: 0, stdout: '1\n2\ndrei\n4\n', stderr: '' })
  })

  test('runs a file: what fails takes its transaction along, and the rest goes on', async () => {
    const note = `${psql().version} ${way}`
    const file = join(front.boundary.folder, 'script.sql')
    const kept = `${note} kept`
    writeFileSync(
      file,
      `begin; insert into visits (note) values ('${note} lost'); select wrong; select 1; commit;
begin;
insert into visits (note) values ('${note} lost too');
select id from job_runs;
insert into visits (note) values ('${note} lost as well');
commit;
begin;
insert into visits (note) values ('${kept}');
commit;
select note from visits where note like '${note}%';
`,
    )
    const { code, stdout, stderr } = await psql().run(['-At', '-f', file], { env: env(way) })
    assert.equal(code, 0, stderr)
    assert.equal(
      stdout,
      ['BEGIN', 'INSERT 0 1', 'ROLLBACK', 'BEGIN', 'INSERT 0 1', 'ROLLBACK', 'BEGIN', 'INSERT 0 1', 'COMMIT', kept]
        .map((line) => `${line}\n`)
        .join(''),
    )
    assert.match(stderr, /:1: ERROR: {2}column "wrong" does not exist$/m)
    assert.match(stderr, /:4: ERROR: {2}SELECT on "cards" refused for alice@example\.com: no permit for select on /)
    assert.equal(stderr.match(/current transaction is aborted/g)?.length, 2)
    assert.match(stderr, new RegExp(`NOTICE: {2}noted ${kept}$`, 'm'))
  })

  test('a refused DROP says what, for whom, why, a reference and what next; the session goes on', async () => {
    const args = ['-At', '-c', 'drop table customers', '-c', 'select count(*) from customers']
    const { code, stdout, stderr } = await psql().run(args, { env: env(way) })
    assert.equal(code, 0, stderr)
    assert.equal(stdout, '500\n')
    assert.match(
      stderr,
      /^ERROR: {2}DROP TABLE on "cards" refused for alice@example\.com: no permit for ddl on cards\.public\.customers \[ref ([0-9A-Z]+)\]\nHINT: {2}see why with: sallyport why \1\n$/,
    )
  })

  test('shows and sets what is on the list, and says so of what is not', async () => {
    const input = `set statement_timeout = '5s'; show statement_timeout; set time zone 'UTC'; show timezone;
show search_path; set search_path = evil; show search_path; set role postgres;\n`
    const { stdout, stderr } = await psql().run(['-At'], { env: env(way), input })
    assert.equal(stdout, 'SET\n5s\nSET\nUTC\n"public", pg_temp\n"public", pg_temp\n')
    assert.match(stderr, /setting search_path is not on the audited list \[ref/)
    assert.match(stderr, /setting role is not on the audited list \[ref/)
  })

  test('COPY is refused in words, from SQL and from psql', async () => {
    const copies = ['\\copy customers to stdout', 'copy customers to stdout', '\\copy visits (note) from /dev/null']
    const args = copies.flatMap((copy) => ['-c', copy])
    const { stdout, stderr } = await psql().run(['-At', ...args, '-c', "select 'on'"], { env: env(way) })
    assert.equal(
      stderr.match(/COPY on "cards" refused for alice@example\.com: COPY is not understood \[ref/g)?.length,
      3,
    )
    assert.equal(stdout, 'on\n')
  })

  test('Ctrl-C ends the running statement within a second, and the session lives', async (t) => {
    const tookMs = await interrupt(psql(), env(way))
    assert.ok(tookMs < INTERRUPTED_WITHIN_MS, `${tookMs} ms`)
    t.diagnostic(`${tookMs.toFixed(0)} ms from SIGINT to the end of psql`)
  })
}

const INTERRUPTED_WITHIN_MS = 1000
/** A busy machine may be late once. */
const INTERRUPTIONS = 3

/** Interrupts a statement and sees that the next one of the same session is run; the milliseconds from the signal to psql's end. */
async function interrupt(psql: PsqlClient, variables: Readonly<Record<string, string>>): Promise<number> {
  let tookMs = Infinity
  for (let turn = 0; turn < INTERRUPTIONS && tookMs >= INTERRUPTED_WITHIN_MS; turn++) {
    const note = `after interruption ${randomUUID()}`
    const interrupted = Promise.withResolvers<number>()
    const { stderr } = await psql.run(
      ['-c', 'select pg_sleep(40)', '-c', `insert into visits (note) values ('${note}')`],
      {
        env: variables,
        started: (child) => void interruptOnceAsleep(child).then(interrupted.resolve, interrupted.reject),
      },
    )
    tookMs = performance.now() - (await interrupted.promise)
    assert.match(stderr, /ERROR: {2}canceling statement due to user request/)
    // After an interruption psql prints no more results, so what came of the next statement is looked up.
    assert.equal((await direct.query('select from visits where note = $1', [note])).rowCount, 1)
  }
  return tookMs
}

/** Interrupts it when the database runs its pg_sleep; answers when that was. */
async function interruptOnceAsleep(child: ChildProcess): Promise<number> {
  const sleeping = `select from pg_stat_activity where state = 'active' and query = 'select pg_sleep(40)'`
  while ((await direct.query(sleeping)).rowCount === 0) {
    assert.equal(child.exitCode, null, 'psql ended before it slept')
    await delay(20)
  }
  child.kill('SIGINT')
  return performance.now()
}

/** What is said at the door. All four failures count as attempts; ten in a minute would close it. */
function doorTests(psql: () => PsqlClient): void {
  const refusals: readonly (readonly [name: string, more: () => Record<string, string>, message: RegExp])[] = [
    [
      'a password that is no token of ours',
      () => ({ PGPASSWORD: UNKNOWN_TOKEN }),
      /FATAL: {2}access on "cards" refused: the token was not issued here, or was revoked \[ref \w+\]\nHINT: {2}get a new one with: sallyport token cards$/m,
    ],
    [
      'a token whose time is over',
      () => ({ PGPASSWORD: front.expiredToken }),
      /FATAL: {2}access on "cards" refused for alice@example\.com: the token expired \d+ minutes? ago \[ref \w+\]\nHINT: {2}get a new one/,
    ],
    [
      'a token for another resource',
      () => ({ PGDATABASE: 'other' }),
      /FATAL: {2}access on "other" refused for alice@example\.com: the token was issued for another resource \[ref \w+\]/,
    ],
    ['an unknown database', () => ({ PGDATABASE: 'nowhere' }), /FATAL: {2}not found or not allowed\nHINT: {2}see what/],
    [
      'search_path among PGOPTIONS',
      () => ({ PGOPTIONS: '-c search_path=evil' }),
      /FATAL: {2}the setting "search_path" cannot be given at connect\nHINT: {2}possible are: datestyle, /,
    ],
    [
      'a library among PGOPTIONS',
      () => ({ PGOPTIONS: '--session-preload-libraries=evil' }),
      /FATAL: {2}the setting "session_preload_libraries" cannot be given at connect$/m,
    ],
    [
      'another encoding',
      () => ({ PGCLIENTENCODING: 'LATIN1' }),
      /FATAL: {2}client_encoding has to be UTF8 here, not LATIN1\nHINT: {2}set PGCLIENTENCODING=UTF8/,
    ],
  ]
  for (const [name, more, message] of refusals) {
    test(`is told at the door about ${name}`, async () => {
      const { code, stdout, stderr } = await psql().run(['-c', 'select 1'], { env: env('over TLS', more()) })
      assert.equal(code, 2)
      assert.equal(stdout, '')
      assert.ok(stderr.startsWith(DOOR), stderr)
      assert.match(stderr, message)
    })
  }

  test('may bring settings of the list in PGOPTIONS', async () => {
    const more = { PGOPTIONS: '-c statement_timeout=7s -c timezone=Asia/Tokyo' }
    const args = ['-At', '-c', 'show statement_timeout', '-c', 'show timezone']
    const { stdout } = await psql().run(args, { env: env('over TLS', more) })
    assert.equal(stdout, '7s\nAsia/Tokyo\n')
  })

  test('does not go on when the certificate is not of the authority that it trusts', async () => {
    const other = join(front.boundary.folder, 'server.crt')
    const { code, stderr } = await psql().run(['-c', 'select 1'], { env: env('over TLS', { PGSSLROOTCERT: other }) })
    assert.equal(code, 2)
    assert.match(stderr, /certificate verify failed/)
  })
}

/** What only psql 18 can do. */
function newWaysIn(psql: () => PsqlClient): void {
  for (const [name, more, shown] of [
    ['TLS from the first byte', { PGSSLNEGOTIATION: 'direct' }, /^ALPN\|postgresql$/m],
    ['protocol 3.2', { PGMAXPROTOCOLVERSION: '3.2' }, /^Protocol Version\|3\.2$/m],
    ['protocol 3.0', { PGMAXPROTOCOLVERSION: '3.0' }, /^Protocol Version\|3\.0$/m],
  ] as const) {
    test(`comes in with ${name}`, async () => {
      const { code, stdout, stderr } = await psql().run(['-At', '-c', '\\conninfo', '-c', 'select 1 as one'], {
        env: env('over TLS', more),
      })
      assert.equal(code, 0, stderr)
      assert.match(stdout, shown)
      assert.match(stdout, /^1$/m)
    })
  }

  test('interrupts over protocol 3.2, whose cancel keys are longer', async () => {
    const tookMs = await interrupt(psql(), env('over TLS', { PGMAXPROTOCOLVERSION: '3.2' }))
    assert.ok(tookMs < INTERRUPTED_WITHIN_MS, `${tookMs} ms`)
  })

  test('binds, prepares and pipelines', async () => {
    const input = `select $1::int + 1 \\bind 4 \\g
select $1::text || ' again' \\parse greeting
\\bind_named greeting once \\g
\\bind_named greeting twice \\g
\\close_prepared greeting
\\startpipeline
select pan from customers where id = $1 \\bind 1 \\sendpipeline
select id from job_runs \\bind \\sendpipeline
select 'skipped' \\bind \\sendpipeline
\\syncpipeline
select 'after' \\bind \\sendpipeline
\\endpipeline
`
    const { stdout, stderr } = await psql().run(['-At'], { env: env('over TLS'), input })
    assert.deepEqual(stdout.match(/^.+$/gm), ['5', 'once again', 'twice again', '************4444', 'after'])
    assert.match(stderr, /no permit for select on cards\.public\.job_runs \[ref/)
  })

  test('fetches in chunks', async () => {
    const args = ['-At', '-v', 'FETCH_COUNT=7', '-c', 'select pan from customers order by id']
    const { stdout } = await psql().run(args, { env: env('over TLS') })
    assert.equal(stdout.match(/^\*{10,12}\d{4}$/gm)?.length, 500)
  })
}
