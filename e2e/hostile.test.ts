/**
 * A thousand statements made to break or stall the parser, from four sessions, while four others do small things: every small statement is
 * answered, and rightly. The same under statements of a megabyte. How much longer the small ones take is printed; the figures belong to the
 * machine as much as to the code, so only a stall fails the test.
 */
import assert from 'node:assert/strict'
import { after, before, test, type TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type Boundary, startBoundary } from '../demo/boundary.ts'
import { SERVICE_USER } from '../demo/data.ts'
import { jobToken } from '../demo/people.ts'
import { jobPolicy, testPlan } from './plan.ts'
import { WireClient } from './wire-client.ts'

const HOSTILE = 1000
const LARGE = 60
const ATTACKERS = 4
const WORKERS = 4
const IDLE_MS = 5_000
/** Between the small statements of a session, so that it is not they who fill the machine. */
const THINK_MS = 2
/** Less than two is usual where nothing else runs, six has been seen where much does; a stall is beyond this. */
const STALLED_RATIO = 20
/** Nobody waits longer. */
const STALLED_MS = 10_000

const MEBIBYTE = 1024 * 1024

/** By kinds of trouble; a number makes each text another, so that nothing is answered from a cache. */
const texts: readonly ((salt: number) => string)[] = [
  (salt) => `select ${salt}${'+1'.repeat(50_000)}`,
  (salt) => `select ${salt}${'+1'.repeat(800)}`,
  (salt) => `select 1 where ${salt} = 1${' or 1 = 2'.repeat(20_000)}`,
  (salt) => `select ${'('.repeat(50_000)}${salt}${')'.repeat(50_000)}`,
  (salt) => `select ${'('.repeat(1_500)}${salt}${')'.repeat(1_500)}`,
  (salt) => `select ${'(select '.repeat(200)}${salt}${')'.repeat(200)}`,
  (salt) => `select ${salt}${' operator(pg_catalog.+) 1'.repeat(2_500)}`,
  (salt) => `select ${'case when true then '.repeat(200)}${salt}${' end'.repeat(200)}`,
  (salt) => `select ${'array['.repeat(1_000)}${salt}${']'.repeat(1_000)}`,
  (salt) => `select ${salt} ${'+'.repeat(20_000)} 1`,
  (salt) => `select ${salt} ${'- '.repeat(200)} 1`,
  (salt) => `select ${salt} ${'/*'.repeat(20_000)}`,
  (salt) => `select ${salt}${' union select 1'.repeat(300)}`,
  (salt) => `select ${salt}${';select 1'.repeat(900)}`,
  (salt) => `${';'.repeat(500_000)}select ${salt}`,
  (salt) => `select ${salt}, E'${'\\'.repeat(99_999)}`,
  (salt) => `select ${salt}, $q$${'$'.repeat(100_000)}`,
  (salt) => `select ${salt}, U&'\\D800', '\u0001\u{10FFFF}${'\u0300'.repeat(50_000)}'`,
  (salt) => `select $${'9'.repeat(50_000)}, ${salt}`,
  (salt) => `select ${salt}, '${'['.repeat(50_000)}'::json`,
]

/** Texts that break nothing, but keep busy whoever looks at every byte. */
const large: typeof texts = [
  (salt) => `select ${salt} as ${'x'.repeat(200_000)}`,
  (salt) => `select ${salt}, '${'x'.repeat(MEBIBYTE - 100)}'`,
  (salt) => `select ${salt}, '${'4'.repeat(MEBIBYTE - 100)}'`,
  (salt) => `select ${salt}, '${'4 '.repeat(MEBIBYTE / 2 - 100)}'`,
  (salt) => `select ${salt}, '${'x'.repeat(MEBIBYTE)}'`,
]

/** So many items take the parser longer than it gets: one in this many is enough. */
const STALL_EVERY = 250

function textOf(salt: number): Buffer {
  if (salt % STALL_EVERY === 0) return Buffer.from(`select ${'1,'.repeat(120_000)}${salt}`)
  return Buffer.from(texts[salt % texts.length]?.(salt) ?? '')
}

/** What no UTF-8 text can be: bytes alone, cut off, too long, surrogates, and zero bytes, by turns. */
const broken: readonly Buffer[] = ['80', 'c3', 'c0af', 'e282', 'eda080', 'f4908080', 'ff', '00'].map((hex) =>
  Buffer.from(hex, 'hex'),
)

function largeMessage(salt: number): Buffer {
  return message('Q', Buffer.from(large[salt % large.length]?.(salt) ?? ''), ZERO)
}

/** A Query, or Parse, Bind, Execute and Sync; each eighth time with bytes inside that no text has. */
function messagesOf(salt: number): Buffer {
  const wrong = broken[Math.floor(salt / 8) % broken.length] ?? Buffer.alloc(0)
  const text =
    salt % 8 === 5 ? Buffer.concat([Buffer.from(`select ${salt}, '`), wrong, Buffer.from("'")]) : textOf(salt)
  if (salt % 3 !== 0) return message('Q', text, ZERO)
  return Buffer.concat([
    message('P', ZERO, text, Buffer.alloc(3)),
    message('B', Buffer.alloc(8)),
    message('E', Buffer.alloc(5)),
    message('S'),
  ])
}

const ZERO = Buffer.alloc(1)

function message(type: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const head = Buffer.alloc(5)
  head.write(type)
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

const plan = testPlan({
  sql: [
    `create table places (name text)`,
    `insert into places values ('here')`,
    `alter table places owner to ${SERVICE_USER}`,
  ],
  tables: ['public.places'],
  policy: jobPolicy({ 'public.places': ['select'] }),
  // Or it writes each of the megabytes into its log.
  databaseSettings: { log_statement: "'none'", log_min_error_statement: 'panic' },
})

let boundary: Boundary

before(async () => {
  boundary = await startBoundary(plan)
})
after(() => boundary.stop(false))

async function connectWire(): Promise<WireClient> {
  const password = await jobToken(boundary)
  return await WireClient.connect({
    ...{ host: '127.0.0.1', port: boundary.postgresPort, user: 'ci-bot', database: 'cards' },
    password,
  })
}

/** Sends small statements, no two alike, until told to stop; how long each took in milliseconds. */
async function work(name: string, isOver: () => boolean): Promise<readonly number[]> {
  await using client = await connectWire()
  const latencies: number[] = []
  for (let turn = 0; !isOver(); turn++) {
    const mark = `${name}-${turn}`
    const began = performance.now()
    const answer = await client.play({
      query: `select concat('${mark} is ', name) from places where name > '${turn}'`,
    })
    latencies.push(performance.now() - began)
    assert.deepEqual(answer, ['T', `D ${mark} is here`, 'C SELECT 1', 'Z I'])
    await delay(THINK_MS)
  }
  return latencies
}

/** What is sent, and how it was answered: by SQLSTATE, `answered`, or `hung up`. */
interface Attack {
  readonly count: number
  readonly messages: (salt: number) => Buffer
  readonly answers: Map<string, number>
}

/** Sends one attacker's share. */
async function attack({ count, messages, answers }: Attack, first: number): Promise<void> {
  let client = await connectWire()
  for (let salt = first; salt < count; salt += ATTACKERS) {
    const answer = await client.play({ raw: messages(salt) }).catch(() => undefined)
    const error = answer?.find((line) => line.startsWith('E '))
    const word = answer === undefined ? 'hung up' : (error?.slice(2) ?? 'answered')
    answers.set(word, (answers.get(word) ?? 0) + 1)
    if (answer === undefined) client = await connectWire()
    // What failed has failed alone.
    else assert.equal(answer.at(-1), 'Z I')
  }
  await client[Symbol.asyncDispose]()
}

interface Figures {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

function figuresOf(runs: readonly (readonly number[])[]): Figures {
  const sorted = runs.flat().toSorted((a, b) => a - b)
  const at = (part: number): number => sorted[Math.floor((sorted.length - 1) * part)] ?? NaN
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) }
}

function show({ count, p50, p99, max }: Figures): string {
  return `${count} small statements, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, longest ${max.toFixed(1)} ms`
}

let idle: Figures

/** Lets the workers work while the attackers attack; the workers' figures. */
async function measure(t: TestContext, attacking: Attack): Promise<Figures> {
  let isOver = false
  const working = Promise.all(Array.from({ length: WORKERS }, (_, index) => work(`${t.name} ${index}`, () => isOver)))
  const began = performance.now()
  try {
    await Promise.all(Array.from({ length: ATTACKERS }, (_, first) => attack(attacking, first)))
  } finally {
    isOver = true
  }
  const seconds = (performance.now() - began) / 1000
  const figures = figuresOf(await working)
  const answers = [...attacking.answers].map(([word, count]) => `${count} ${word}`).join(', ')
  t.diagnostic(`under attack: ${show(figures)}`)
  t.diagnostic(
    `p99 is ${(figures.p99 / idle.p99).toFixed(1)} × the idle one, p50 ${(figures.p50 / idle.p50).toFixed(1)} ×`,
  )
  t.diagnostic(`the attackers, in ${seconds.toFixed(0)} s: ${answers}`)
  return figures
}

test('small statements alone', async (t) => {
  let isOver = false
  const working = Promise.all(Array.from({ length: WORKERS }, (_, index) => work(`idle ${index}`, () => isOver)))
  await delay(IDLE_MS)
  isOver = true
  idle = figuresOf(await working)
  t.diagnostic(`idle: ${show(idle)}`)
})

test(`${HOSTILE} hostile statements leave the others answered`, { timeout: 300_000 }, async (t) => {
  const attacking: Attack = { count: HOSTILE, messages: messagesOf, answers: new Map() }
  const { p99 } = await measure(t, attacking)
  assertAnswered(attacking)
  assert.ok((attacking.answers.get('54001') ?? 0) >= HOSTILE / STALL_EVERY, 'nothing broke the parser')
  assert.ok(p99 < STALLED_RATIO * idle.p99, 'the small ones were stalled')
})

test(`${LARGE} statements of a megabyte leave the others answered`, { timeout: 300_000 }, async (t) => {
  const attacking: Attack = { count: LARGE, messages: largeMessage, answers: new Map() }
  const { max } = await measure(t, attacking)
  assertAnswered(attacking)
  assert.ok(max < STALLED_MS, 'the small ones were stalled')
})

function assertAnswered({ count, answers }: Attack): void {
  assert.equal(
    [...answers.values()].reduce((sum, some) => sum + some),
    count,
  )
  assert.equal(answers.get('XX000'), undefined, 'an internal fault')
}
