/**
 * Card numbers by the thousand through results, errors and notices: none leaves whole, none is in the trail, in an opened payload or in a
 * log; and nothing else is altered among as many look-alikes.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer, connect as dial, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import pg from 'pg'
import { loadConfig, openFoundation, verifyTrailFolder } from '#app'
import { type Boundary, startBoundary } from '../demo/boundary.ts'
import { SERVICE_USER } from '../demo/data.ts'
import { jobToken } from '../demo/people.ts'
import { card, chance, LOOKALIKES, Sieve, WRITINGS } from './cards.ts'
import { openedTrail } from './opened-trail.ts'
import { jobPolicy, testPlan } from './plan.ts'

/** 10,000 in all: 8,000 in results, 1,000 in errors, 1,000 in notices. */
const IN_RESULTS = 8_000
const IN_ERRORS = 1_000
const IN_NOTICES = 1_000
const LOOKALIKE_COUNT = 10_000

const plan = testPlan({
  sql: [
    'create table held (id int primary key, value text, doc json)',
    'create table alike (id int primary key, value text)',
    'create table unique_cards (number text unique)',
    'create table noticed (number text)',
    `create function say() returns trigger language plpgsql as 'begin raise notice ''stored %'', new.number; return new; end'`,
    'create trigger say before insert on noticed for each row execute function say()',
    ...['held', 'alike', 'unique_cards', 'noticed'].map((table) => `alter table ${table} owner to ${SERVICE_USER}`),
  ],
  tables: ['public.held', 'public.alike', 'public.unique_cards', 'public.noticed'],
  policy: jobPolicy({
    'public.held': ['select'],
    'public.alike': ['select'],
    'public.unique_cards': ['insert', 'select'],
    'public.noticed': ['insert', 'select'],
  }),
  databaseSettings: { log_statement: "'none'", log_min_error_statement: 'panic' },
})

test(`${IN_RESULTS + IN_ERRORS + IN_NOTICES} card numbers leave no trace`, { timeout: 600_000 }, async (t) => {
  const boundary = await startBoundary(plan)
  t.after(() => boundary.stop(false))
  const below = chance(20_261_121)
  const numbers = Array.from({ length: IN_RESULTS + IN_ERRORS + IN_NOTICES }, () => card(below))
  const alike = Array.from(
    { length: LOOKALIKE_COUNT },
    (_, index) => LOOKALIKES[index % LOOKALIKES.length]?.(below) ?? '',
  )
  await fill(boundary, numbers.slice(0, IN_RESULTS), alike)
  const sieve = new Sieve(numbers)
  assert.ok(sieve.count(numbers.map(written).join('\n')) >= IN_RESULTS, 'the sieve finds nothing at all')
  await using tap = await openTap(boundary.postgresPort)
  const client = new pg.Client({
    host: '127.0.0.1',
    port: tap.port,
    user: 'ci-bot',
    password: await jobToken(boundary),
    database: 'cards',
  })
  await client.connect()
  const masked = await readResults(client)
  const errors = await provokeErrors(client, numbers.slice(IN_RESULTS, IN_RESULTS + IN_ERRORS))
  const notices = await provokeNotices(client, numbers.slice(IN_RESULTS + IN_ERRORS))
  const { rows } = await client.query<{ value: string }>('select value from alike order by id')
  const altered = rows.filter((row, index) => row.value !== alike[index]).length
  await client.end()
  await boundary.gateway().stop()

  const whole = {
    client: sieve.count(tap.text()),
    log: sieve.count(readFileSync(boundary.gatewayLog, 'utf8')),
    ...(await inTrail(boundary, sieve)),
  }
  const { exitCode } = await verifyTrailFolder(boundary.trailFolder)
  t.diagnostic(
    `${masked} values truncated in results, ${errors} errors, ${notices} notices; whole numbers: ${JSON.stringify(whole)}; look-alikes altered: ${altered} of ${alike.length}`,
  )
  assert.equal(masked, IN_RESULTS * 2)
  assert.equal(errors, IN_ERRORS)
  assert.equal(notices, IN_NOTICES)
  assert.deepEqual(whole, { client: 0, log: 0, folder: 0, payloads: 0 })
  assert.equal(altered, 0)
  assert.equal(exitCode, 0)
})

/** A number as it is written somewhere. */
function written(number: string, index: number): string {
  return WRITINGS[index % WRITINGS.length]?.(number) ?? number
}

/** Fills the tables past the gateway, as their owner. */
async function fill(boundary: Boundary, numbers: readonly string[], alike: readonly string[]): Promise<void> {
  const { host, port, user, password } = boundary.database
  const owner = new pg.Client({ host, port, user, password, database: 'cards' })
  await owner.connect()
  const values = numbers.map(written)
  const documents = numbers.map((number) => JSON.stringify({ card: number }))
  await owner.query(
    'insert into held select n, v, d::json from unnest($1::int[], $2::text[], $3::text[]) as t (n, v, d)',
    [values.map((_, index) => index), values, documents],
  )
  await owner.query('insert into alike select n, v from unnest($1::int[], $2::text[]) as t (n, v)', [
    alike.map((_, index) => index),
    alike,
  ])
  await owner.end()
}

/** Reads them with a plain and with a prepared statement; answers how many values came back truncated. */
async function readResults(client: pg.Client): Promise<number> {
  const plain = await client.query<{ value: string }>('select id, value from held order by id')
  const prepared = await client.query<{ doc: { card: string } }>({
    name: 'documents',
    text: 'select id, doc from held where id >= $1 order by id',
    values: [0],
  })
  return (
    plain.rows.filter((row) => row.value.includes('****')).length +
    prepared.rows.filter((row) => row.doc.card.includes('****')).length
  )
}

/** A unique constraint repeats the value in its DETAIL, a cast in its message. */
async function provokeErrors(client: pg.Client, numbers: readonly string[]): Promise<number> {
  let errors = 0
  for (const [index, number] of numbers.entries()) {
    const failing = index % 2 === 0 ? twice(client, number) : client.query('select $1::text::date', [number])
    await failing.catch((error: unknown) => {
      assert.ok(error instanceof pg.DatabaseError)
      errors++
    })
  }
  return errors
}

async function twice(client: pg.Client, number: string): Promise<void> {
  await client.query('insert into unique_cards values ($1)', [number])
  await client.query(`insert into unique_cards values ('${number}') /* ${number} */`)
}

async function provokeNotices(client: pg.Client, numbers: readonly string[]): Promise<number> {
  let notices = 0
  client.on('notice', (notice) => {
    if (notice.message?.startsWith('stored') === true) notices++
  })
  for (const number of numbers) await client.query('insert into noticed values ($1)', [number])
  return notices
}

/** Whole numbers in every payload, opened, and in the files of the data folder, as they lie there when nobody has the trail open. */
async function inTrail(boundary: Boundary, sieve: Sieve): Promise<{ folder: number; payloads: number }> {
  const payloads = await inPayloads(boundary, sieve)
  let folder = 0
  for (const path of filesOf(boundary.folder)) folder += sieve.count(readFileSync(path, 'latin1'))
  return { folder, payloads }
}

async function inPayloads(boundary: Boundary, sieve: Sieve): Promise<number> {
  await using foundation = await openFoundation(loadConfig(boundary.config), { environment: {}, logLevel: 'error' })
  let payloads = 0
  for (const { payload } of openedTrail(boundary.trailFolder, foundation.trail.payloadKeys))
    payloads += sieve.count(payload ?? '')
  return payloads
}

function filesOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
}

/** A relay that keeps everything that the server side sends: what a client could have captured. */
async function openTap(port: number): Promise<AsyncDisposable & { readonly port: number; text(): string }> {
  const parts: Buffer[] = []
  const server = createServer((client) => {
    const upstream = dial(port, '127.0.0.1')
    client.pipe(upstream)
    upstream.on('data', (chunk: Buffer) => parts.push(Buffer.from(chunk)))
    upstream.pipe(client)
    for (const socket of [client, upstream]) socket.on('error', () => socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    text: () => Buffer.concat(parts).toString('utf8'),
    [Symbol.asyncDispose]: async () => {
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
