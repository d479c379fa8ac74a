/**
 * Revocation while it matters: alice runs a long statement in one session and does nothing in another; bob takes her access away in each of
 * the ways there are. Sessions end within five seconds, what ran is gone from the database, the token is worth nothing, and all of it is on
 * record.
 */
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test, type TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { RecordList, RecordView, SessionView } from '#api'
import { type Boundary, startBoundary } from '../demo/boundary.ts'
import { type CommandResult, finish, sallyport, spawnSallyport } from '../demo/command.ts'
import { api, connect, login, tokenOf } from '../demo/people.ts'
import { fact } from './opened-trail.ts'
import { testPlan } from './plan.ts'

/** What the README promises. */
const WITHIN_MS = 5_000
const REASON = 'suspicious export'

const plan = testPlan({
  sql: [],
  tables: [],
  policy: `@id("e2e-leads") @need("a test") @owner("tests")
permit (principal is Person in Group::"payments-leads",
  action in [Action::"listSessions", Action::"endSession", Action::"revoke"], resource == Boundary::"sallyport");`,
})

let boundary: Boundary
let direct: pg.Client

before(async () => {
  boundary = await startBoundary(plan)
  const { host, port, user, password } = boundary.database
  direct = new pg.Client({ host, port, user, password, database: 'cards' })
  await direct.connect()
  await login(boundary, 'bob')
  await login(boundary, 'dana')
})

after(async () => {
  await direct.end()
  await boundary.stop(false)
})

/** Two sessions of alice's with one token. */
interface Sessions {
  readonly token: string
  readonly busy: Watched
  readonly idle: Watched
  /** As `sallyport sessions` shows the busy one. */
  readonly view: SessionView
}

interface Watched {
  readonly client: pg.Client
  /** How the server said goodbye, and when. */
  readonly farewell: Promise<{ readonly error: pg.DatabaseError; readonly atMs: number }>
}

let sessions: Sessions

beforeEach(async () => {
  await login(boundary, 'alice')
  const token = await tokenOf(boundary, 'alice')
  const busy = watch(await connect(boundary, 'alice', token))
  const idle = watch(await connect(boundary, 'alice', token))
  await idle.client.query('select 1')
  busy.client.query('select pg_sleep(60)').catch((error: unknown) => busy.client.emit('error', error as Error))
  await until(async () => (await sleeping()) === 1)
  const { stdout } = await bob('sessions', '--json')
  const all = (JSON.parse(stdout) as { sessions: readonly SessionView[] }).sessions
  const view = all.find(({ running }) => running === 1) ?? assert.fail(stdout)
  sessions = { token, busy, idle, view }
})

afterEach(async () => {
  await Promise.all([sessions.busy, sessions.idle].map(({ client }) => client.end().catch(() => undefined)))
})

function watch(client: pg.Client): Watched {
  const { promise, resolve } = Promise.withResolvers<Awaited<Watched['farewell']>>()
  client.on('error', (error) => {
    if (error instanceof pg.DatabaseError) resolve({ error, atMs: performance.now() })
  })
  return { client, farewell: promise }
}

/** How many of the long statements the database runs. */
async function sleeping(): Promise<number> {
  const text = `select from pg_stat_activity where state = 'active' and query = 'select pg_sleep(60)'`
  return (await direct.query(text)).rowCount ?? 0
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 2 * WITHIN_MS
  while (!(await holds())) {
    assert.ok(performance.now() < deadline, 'it does not come true')
    await delay(20)
  }
}

async function bob(...args: readonly string[]): Promise<CommandResult> {
  const result = await sallyport(boundary, ...args, '--profile', 'bob')
  assert.equal(result.exitCode, 0, result.stderr)
  return result
}

async function revoke(...target: readonly string[]): Promise<void> {
  const { stderr } = await bob('token', 'revoke', ...target, '--reason', REASON)
  assert.match(stderr, /^revoked; open sessions end within five seconds$/m)
}

async function revokeByToken(): Promise<void> {
  const command = ['token', 'revoke', '--token-stdin', '--reason', REASON, '--profile', 'bob']
  const child = spawnSallyport(boundary, ...command)
  child.stdin.end(`${sessions.token}\n`)
  const { exitCode, stderr } = await finish(child)
  assert.equal(exitCode, 0, stderr)
}

const ways: readonly {
  readonly name: string
  readonly act: () => Promise<unknown>
  /** Whether the login behind the token is over too, so that it gives no new token. */
  readonly endsLogin: boolean
}[] = [
  { name: 'the person', act: () => revoke('--person', 'alice@example.com'), endsLogin: true },
  { name: 'the login', act: () => revoke('--login', sessions.view.grantId), endsLogin: true },
  { name: 'the token itself', act: revokeByToken, endsLogin: false },
  { name: 'the token by its id', act: () => revoke('--id', sessions.view.tokenId), endsLogin: false },
]

describe('revoking', () => {
  for (const { name, act, endsLogin } of ways) {
    test(`${name} ends both sessions`, async (t) => {
      const story = startStory()
      report(t, await endedBy(act, [sessions.busy, sessions.idle], `session ended by bob@example.com: "${REASON}"`))
      await assert.rejects(connect(boundary, 'alice', sessions.token), { code: '28P01', severity: 'FATAL' })
      const another = await sallyport(boundary, 'token', 'cards', '--profile', 'alice')
      assert.equal(another.exitCode, endsLogin ? 4 : 0, another.stderr)
      await story.tells({ revoke: 1, 'close revoked': 2, 'token-refused': 1, 'outcome cancelled': 1 })
    })
  }
})

test('ending one session ends that one only', async (t) => {
  const story = startStory()
  const act = (): Promise<unknown> => bob('sessions', 'end', sessions.view.id, '--reason', REASON)
  report(t, await endedBy(act, [sessions.busy], `session ended by bob@example.com: "${REASON}"`))
  assert.equal((await sessions.idle.client.query('select 1')).rowCount, 1)
  await sessions.idle.client.end()
  const another = await connect(boundary, 'alice', sessions.token)
  await another.end()
  await story.tells({ 'end-session': 1, 'close revoked': 1, 'close client': 2, 'outcome cancelled': 1 })
})

test('logging out ends what came of the login', async (t) => {
  const story = startStory()
  const act = async (): Promise<void> => {
    assert.equal((await sallyport(boundary, 'logout', '--profile', 'alice')).exitCode, 0)
  }
  report(t, await endedBy(act, [sessions.busy, sessions.idle], /^session ended by alice@example\.com: "/))
  await assert.rejects(connect(boundary, 'alice', sessions.token), { code: '28P01' })
  await story.tells({ 'close revoked': 2, 'token-refused': 1, 'outcome cancelled': 1 })
})

test('who may not revoke does not', async () => {
  const asked = ['token', 'revoke', '--person', 'bob@example.com', '--reason', REASON, '--profile', 'alice']
  const { exitCode, stderr } = await sallyport(boundary, ...asked)
  assert.equal(exitCode, 3, stderr)
  assert.equal(await sleeping(), 1)
  await revoke('--person', 'alice@example.com')
})

/** The milliseconds from the command on until clients were told and until the database runs nothing any more. */
interface Took {
  readonly told: number
  readonly gone: number
  readonly commandEnded: number
}

async function endedBy(
  act: () => Promise<unknown>,
  ended: readonly Watched[],
  message: string | RegExp,
): Promise<Took> {
  const began = performance.now()
  const acted = act().then(() => performance.now() - began)
  const farewells = await Promise.all(ended.map(({ farewell }) => farewell))
  await until(async () => (await sleeping()) === 0)
  const took = {
    told: Math.max(...farewells.map(({ atMs }) => atMs)) - began,
    gone: performance.now() - began,
    commandEnded: await acted,
  }
  for (const { error } of farewells) {
    assert.equal(error.severity, 'FATAL')
    assert.equal(error.code, '57P01')
    if (typeof message === 'string') assert.equal(error.message, message)
    else assert.match(error.message, message)
  }
  assert.ok(took.told < WITHIN_MS && took.gone < WITHIN_MS, JSON.stringify(took))
  return took
}

function report(t: TestContext, { told, gone, commandEnded }: Took): void {
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`
  t.diagnostic(
    `from the start of the command (${seconds(commandEnded)} itself): clients told after ${seconds(told)}, gone from the database after ${seconds(gone)}`,
  )
}

/** What is on record from now on. */
function startStory(): { tells(expected: Readonly<Record<string, number>>): Promise<void> } {
  const fromMs = Date.now()
  return {
    // The index follows the checkpoints, of which there is one a second.
    tells: async (expected) => {
      let seen: Readonly<Record<string, number>> = {}
      const deadline = performance.now() + WITHIN_MS
      do {
        await delay(200)
        const path = `/records?from=${fromMs}&limit=1000`
        const { records } = await api<RecordList>(boundary, 'dana', path)
        seen = chaptersOf(records)
      } while (
        performance.now() < deadline &&
        Object.entries(expected).some(([key, count]) => (seen[key] ?? 0) < count)
      )
      for (const [key, count] of Object.entries(expected))
        assert.equal(seen[key], count, `${key} in ${JSON.stringify(seen)}`)
    },
  }
}

/** Counts records by what they tell: the activity of an event (with how a session ended), the status of an outcome. */
function chaptersOf(records: readonly RecordView[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { leaf } of records) {
    const words =
      fact(leaf, 'unmapped', 'phase') === 'outcome'
        ? ['outcome', fact(leaf, 'unmapped', 'status')]
        : [fact(leaf, 'unmapped', 'activity'), fact(leaf, 'unmapped', 'details', 'end')]
    const key = words.filter((word) => typeof word === 'string').join(' ')
    counts[key] = (counts[key] ?? 0) + 1
  }
  return counts
}
