/**
 * What changes under way: a tool that is not what was reviewed any more, and a caller who is thrown out in the middle of a call.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { RecordList, RecordView, SessionList } from '#api'
import { toUtf8 } from '#base'
import { definitionHash, formatPins, readPins } from '#protocols/mcp'
import { type Agent, connectAgent } from '../demo/agent.ts'
import { type Boundary, startBoundary } from '../demo/boundary.ts'
import { sallyport } from '../demo/command.ts'
import { demoSql } from '../demo/data.ts'
import { api, login } from '../demo/people.ts'
import { REPOSITORY } from '../demo/plan.ts'
import { untilShown } from '../demo/showing.ts'
import { expireNewestToken } from './clients-boundary.ts'
import { fact } from './opened-trail.ts'
import { testPlan } from './plan.ts'
import { alive, descendantsOf, type RunningProcess } from './process-tree.ts'

/** What the README promises. */
const WITHIN_MS = 5_000
const REASON = 'left the company'
const CHANGED = 'run_report'
const DEVIATION = 'its definition is not the one that was reviewed'

const POLICY = `@id("e2e-leads") @need("a test") @owner("tests")
permit (principal is Person in Group::"payments-leads",
  action in [Action::"listSessions", Action::"endSession", Action::"revoke"], resource == Boundary::"sallyport");
`

let boundary: Boundary
let direct: pg.Client

before(async () => {
  boundary = await startBoundary({
    ...testPlan({ sql: [], tables: [], policy: POLICY, policyFiles: { 'ledger.tools.json': formerPins() } }),
    sql: demoSql,
    panColumns: ['public.customers.pan'],
  })
  const { host, port, user, password } = boundary.database
  direct = new pg.Client({ host, port, user, password, database: 'cards' })
  await direct.connect()
  for (const person of ['bob', 'dana'] as const) await login(boundary, person)
})

after(async () => {
  await direct.end()
  await boundary.stop(false)
})

/** The ledger's pins, as they would be had one tool been reviewed with another description. */
function formerPins(): string {
  const pins = readPins(readFileSync(join(REPOSITORY, 'demo/boundary/policy/ledger.tools.json'), 'utf8'))
  assert.equal(pins.kind, 'pins')
  const tools = pins.tools.map(({ name, definition }) => {
    const text = name === CHANGED ? definition.replace('Runs a report', 'Runs a harmless report') : definition
    const bytes = toUtf8(text)
    return { name, definition: bytes, hash: definitionHash(bytes) ?? assert.fail(name) }
  })
  return formatPins('ledger', tools)
}

function textOf(result: unknown): string {
  return (result as { content: { text: string }[] }).content[0]?.text ?? ''
}

test('a tool whose definition is not the one that was reviewed is hidden, not called, and on record', async () => {
  await using agent = await connectAgent(boundary, 'alice', { name: 'reader' })
  const { tools } = await agent.client.listTools()
  assert.deepEqual(
    tools.map(({ name }) => name),
    ['lookup_customer', 'refund'],
  )
  const refused = await agent.client.callTool({ name: CHANGED, arguments: { name: 'customers_by_city' } })
  assert.equal(refused.isError, true)
  assert.match(textOf(refused), /^the tool is not the one that was reviewed, so it is not called/)
  assert.match(textOf(refused), /sallyport mcp pin ledger/)
  const ref = /\[ref (\w+)\]/.exec(textOf(refused))?.[1]
  assert.equal(
    textOf(await agent.client.callTool({ name: 'lookup_customer', arguments: { id: 1 } })).includes('Alan'),
    true,
  )
  const records = await recordsOf('reader')
  const about = records.filter(({ leaf }) => fact(leaf, 'unmapped', 'incomplete') === DEVIATION)
  assert.deepEqual(
    about.map(({ leaf }) => [fact(leaf, 'unmapped', 'verb'), fact(leaf, 'api', 'operation')]),
    [['tools/call', CHANGED]],
  )
  const found = records.filter(({ leaf }) => fact(leaf, 'unmapped', 'activity') === 'tool-changed')
  assert.deepEqual(
    found.map(({ leaf }) => fact(leaf, 'entity', 'uid')),
    [`ledger/${CHANGED}`],
  )
  assert.ok(about.every(({ leaf }) => fact(leaf, 'unmapped', 'decision', 'outcome') === 'deny'))
  assert.ok(about.some((record) => record.ref === ref))
  assert.ok(!records.some(({ leaf }) => fact(leaf, 'unmapped', 'via', 'tool') === CHANGED))
})

for (const era of ['legacy', 'modern'] as const) {
  test(`taken back by its client, ${era}: the statement ends though the server goes on, and the next call is answered`, async (t) => {
    const before = new Set(children().map(({ pid }) => pid))
    const name = `impatient-${era}`
    await using agent = await connectAgent(boundary, 'alice', { name, era })
    const cancel = new AbortController()
    const { answered, servers } = await callAndStick(agent, before, cancel.signal)
    const began = performance.now()
    cancel.abort('enough')
    assert.match(String(await answered), /enough/)
    // The ledger pays no heed to being told, so its process is ended after a while, and what it asked with it.
    await until(async () => (await stuck()) === 0)
    await until(() => Promise.resolve(alive(servers).length === 0))
    t.diagnostic(`statement and server gone ${seconds(performance.now() - began)} after the client took the call back`)
    await direct.query('rollback')
    assert.match(
      textOf(await agent.client.callTool({ name: 'lookup_customer', arguments: { id: 3 } })),
      /Claude Turing/,
    )
    const statuses = (await recordsOf(name))
      .filter(({ leaf }) => fact(leaf, 'unmapped', 'phase') === 'outcome')
      .filter(({ leaf }) => fact(leaf, 'api', 'operation') === 'lookup_customer')
      .map(({ leaf }) => fact(leaf, 'unmapped', 'status'))
    assert.deepEqual(statuses, ['success', 'cancelled', 'success'])
  })
}

for (const era of ['legacy', 'modern'] as const) {
  test(`revoked in the middle of a call, ${era}: the call, its statement, its server and the session end`, async (t) => {
    const before = new Set(children().map(({ pid }) => pid))
    const name = `revoked-${era}`
    const agent = await connectAgent(boundary, 'alice', { name, era })
    const { answered, servers } = await callAndStick(agent, before)
    const began = performance.now()
    const said = answered.then((answer) => ({ answer, afterMs: performance.now() - began }))
    const revoked = ['token', 'revoke', '--person', 'alice@example.com', '--reason', REASON, '--profile', 'bob']
    const { exitCode, stderr } = await sallyport(boundary, ...revoked)
    const commandMs = performance.now() - began
    assert.equal(exitCode, 0, stderr)
    const { answer, afterMs } = await said
    assert.match(textOf(answer), /^the session was ended.* \[ref \w+\]/)
    await until(async () => (await stuck()) === 0)
    await until(() => Promise.resolve(alive(servers).length === 0))
    const goneMs = performance.now() - began
    await direct.query('rollback')
    await assert.rejects(agent.client.callTool({ name: 'lookup_customer', arguments: { id: 1 } }))
    await agent.client.close()
    const { sessions } = await api<SessionList>(boundary, 'bob', '/sessions')
    assert.deepEqual(sessions, [])
    const tookMs = storyOf(await recordsOf(name))
    t.diagnostic(
      `from the start of the command (${seconds(commandMs)} itself): answered after ${seconds(afterMs)}, the server's ${servers.length} processes gone after ${seconds(goneMs)}; from the record of the revocation to that of the server's end ${seconds(tookMs)}`,
    )
    assert.ok(tookMs < WITHIN_MS, `${tookMs} ms`)
  })
}

/** Sees that the records tell all of it, each end before the end of what it was part of; the milliseconds from the revocation to the server's end. */
function storyOf(records: readonly RecordView[]): number {
  const story = records.map(({ leaf }) =>
    [['verb'], ['activity'], ['status'], ['details', 'end']]
      .map((path) => fact(leaf, 'unmapped', ...path))
      .toSpliced(2, 0, fact(leaf, 'dst_endpoint', 'svc_name'))
      .filter((word) => typeof word === 'string')
      .join(' '),
  )
  const since = story.lastIndexOf('revoke')
  const [call, session, statement, connection, child] = [
    'tools/call ledger cancelled',
    'close ledger revoked',
    'SELECT cards cancelled',
    'close cards revoked',
    'child-end ledger',
  ].map((words) => story.indexOf(words, since))
  const ends = [call, session, statement, connection, child].map((place) => place ?? -1)
  assert.ok(!ends.includes(-1) && story.length === since + 1 + ends.length, story.join('\n'))
  assert.ok(Number(call) < Number(session) && Number(statement) < Number(connection), story.join('\n'))
  const timeOf = (place: number): number => Number(records[place]?.leaf['time'])
  return timeOf(Number(child)) - timeOf(since)
}

/** The records of an agent's doings and of revocations, oldest first. */
async function recordsOf(agent: string): Promise<readonly RecordView[]> {
  await untilShown(boundary)
  const { records } = await api<RecordList>(boundary, 'dana', '/records?limit=1000')
  const sessionOf = ({ leaf }: RecordView): string => String(fact(leaf, 'actor', 'session', 'uid'))
  const own = records.filter(({ leaf }) => fact(leaf, 'actor', 'app_name') === agent).map(sessionOf)
  return records
    .filter(
      (record) =>
        (sessionOf(record) !== 'undefined' && own.includes(sessionOf(record))) ||
        fact(record.leaf, 'unmapped', 'activity') === 'revoke',
    )
    .toReversed()
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`

/** Calls a tool whose statement has to wait for a lock. */
async function callAndStick(
  agent: Agent,
  before: ReadonlySet<number>,
  signal = new AbortController().signal,
): Promise<{ readonly answered: Promise<unknown>; readonly servers: readonly RunningProcess[] }> {
  await agent.client.callTool({ name: 'lookup_customer', arguments: { id: 1 } })
  const servers = children().filter(({ pid }) => !before.has(pid))
  assert.ok(servers.length > 0, 'no server was started')
  await direct.query('begin; lock table customers in access exclusive mode')
  const answered = agent.client
    .callTool({ name: 'lookup_customer', arguments: { id: 2 } }, { signal })
    .catch((error: unknown) => error)
  await until(async () => (await stuck()) === 1)
  return { answered, servers }
}

function children(): readonly RunningProcess[] {
  return descendantsOf(boundary.gateway().process.pid ?? assert.fail())
}

async function stuck(): Promise<number> {
  const { rowCount } = await direct.query(
    `select from pg_stat_activity where wait_event_type = 'Lock' and query like 'select id, name, city%'`,
  )
  return rowCount ?? 0
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 2 * WITHIN_MS
  while (!(await holds())) {
    assert.ok(performance.now() < deadline, 'it does not come true')
    await delay(20)
  }
}

test('a token that has expired is renewed by the client itself, and nobody logs in again', async () => {
  await using agent = await connectAgent(boundary, 'alice', { name: 'patient' })
  const first = agent.token()
  await boundary.gateway().stop()
  expireNewestToken(boundary)
  await boundary.startGateway()
  assert.match(textOf(await agent.client.callTool({ name: 'lookup_customer', arguments: { id: 3 } })), /Claude Turing/)
  assert.notEqual(agent.token(), first)
})
