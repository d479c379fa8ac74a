/**
 * Kills the gateway with SIGKILL under clients that call a tool and clients that write themselves, again and again, and compares the database's own
 * log with the trail: nothing may have reached the database without a durable intent; what a tool sent is linked to the call that asked for it;
 * no intent is without an outcome after recovery; no MCP server outlives its gateway.
 *
 * `SALLYPORT_KILLS` sets how often (10 unless given; 100 is what a release asks for).
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { loadConfig, openFoundation, verifyTrailFolder } from '#app'
import { type Boundary, startBoundary } from '../demo/boundary.ts'
import { SERVICE_USER } from '../demo/data.ts'
import { connect, jobToken, login, tokenOf } from '../demo/people.ts'
import { type HttpAnswer, McpHttp, NotBegun } from './mcp-http.ts'
import { fact, type OpenedRecord, openedTrail } from './opened-trail.ts'
import { type OwnServer, ownPins, ownResource } from './own-server.ts'
import { jobPolicy, testPlan } from './plan.ts'
import { alive, commandOf, descendantsOf, type RunningProcess } from './process-tree.ts'

const KILLS = Number(process.env['SALLYPORT_KILLS'] ?? 10)
const WRITERS = 8
/** Each statement stays in the database this long (the tool has the same), so that most have one in flight when the gateway dies. */
const STATEMENT_SECONDS = 0.02
/** The gateway lives between these once all clients were answered. */
const LIFE_MS = [60, 400] as const
/** What MCP servers may outlive their gateway. */
const SERVERS_GONE_MS = 1_000
/** A gateway that was killed is up again, and answers, within this. */
const LIFE_TIMEOUT_MS = 60_000

/** Who calls: four jobs with a token each, and so a server each; two people, each with two clients on one login, which share a server. */
const CALLERS = ['ci-bot', 'ci-bot', 'ci-bot', 'ci-bot', 'alice', 'alice', 'bob', 'bob'] as const

const SERVER: OwnServer = {
  name: 'marks',
  script: new URL('./tools/marks.ts', import.meta.url),
  database: 'cards',
}

const POLICY = `${jobPolicy({ 'public.marks': ['insert', 'select'] })}
${['Person in Group::"support"', 'Person in Group::"payments-leads"', 'Workload in Group::"ci"']
  .map(
    (who, index) => `@id("e2e-open-${index}") @need("a test") @owner("tests")
permit (principal is ${who}, action in Action::"open", resource == Server::"marks");
@id("e2e-call-${index}") @need("a test") @owner("tests")
permit (principal is ${who}, action in Action::"marks/mark", resource == Tool::"marks/mark");`,
  )
  .join('\n')}
@id("e2e-connect") @need("a test") @owner("tests") @reviewed("a test")
permit (principal is Via in Tool::"marks/mark", action in [Action::"connect", Action::"adhoc"], resource == Database::"cards");
@id("e2e-sql") @need("a test") @owner("tests") @reviewed("a test")
permit (principal is Via in Tool::"marks/mark", action in [Action::"insert", Action::"select"], resource == Table::"cards/public/marks");
`

/** A literal of every statement: whether a client wrote it itself or through the tool, the kill, the client, and its turn. */
const LITERAL = /(?:mark|call)-\d+-\d+-\d+\./g

test(
  `${KILLS} kills under ${CALLERS.length} calling and ${WRITERS} writing clients: nothing in the database without a durable intent`,
  { timeout: 3_600_000 },
  async (t) => {
    const boundary = await startBoundary(
      testPlan({
        sql: ['create table marks (mark text)', `alter table marks owner to ${SERVICE_USER}`],
        ...{ tables: ['public.marks'], policy: POLICY, resources: ownResource(SERVER) },
        policyFiles: await ownPins([SERVER]),
        portOffset: 1_000,
      }),
    )
    t.after(() => boundary.stop(false))
    for (const person of ['alice', 'bob'] as const) await login(boundary, person)
    const callers = await Promise.all(CALLERS.map((who, index) => Caller.begin(boundary, who, index)))
    const lives: Life[] = []
    for (let kill = 0; kill < KILLS; kill++) lives.push(await liveAndDie(boundary, callers, kill))
    await boundary.gateway().stop()
    report(t, { lives, found: await readTrail(boundary), reached: literalsOf(await boundary.database.log()) })
    await assertAnswered(boundary, lives)
    const { exitCode, lines } = await verifyTrailFolder(boundary.trailFolder)
    t.diagnostic(lines.at(-1) ?? '')
    assert.equal(exitCode, 0, lines.join('\n'))
  },
)

/** What one life of the gateway saw. */
interface Life {
  /** Clients of each kind whose call or statement was under way at the kill. */
  readonly calling: number
  readonly writing: number
  /** What clients were told is done. */
  readonly answered: readonly string[]
  /** Processes below the gateway when it was killed, and those that were still there a second later. */
  readonly processes: number
  readonly servers: number
  readonly left: readonly string[]
}

/** Calls and writes with all clients until the gateway is killed, and starts it again. */
async function liveAndDie(boundary: Boundary, callers: readonly Caller[], kill: number): Promise<Life> {
  const token = await jobToken(boundary)
  const writers = await Promise.all(Array.from({ length: WRITERS }, () => connect(boundary, 'ci-bot', token)))
  const turns = new Turns(callers.length + WRITERS)
  const running = [
    ...callers.map((caller, index) => caller.callUntilGone(`call-${kill}-${index}`, turns)),
    ...writers.map((client, index) => writeUntilGone(client, `mark-${kill}-${index}`, turns)),
  ]
  await Promise.race([turns.all, Promise.all(running), timeout()])
  const [least, most] = LIFE_MS
  await delay(least + ((kill * 61) % (most - least)))
  const below = descendantsOf(boundary.gateway().process.pid ?? 0)
  const servers = below.filter(({ pid }) => /^node .*tools\/marks\.ts/.test(commandOf(pid))).length
  const { calling, writing } = turns.underWay
  await boundary.killGateway()
  const [left] = await Promise.all([leftOf(below), boundary.startGateway(), ...running])
  return { calling, writing, answered: turns.answered, processes: below.length, servers, left }
}

async function timeout(): Promise<void> {
  await delay(LIFE_TIMEOUT_MS, undefined, { ref: false })
  assert.fail('not all clients were answered')
}

async function leftOf(processes: readonly RunningProcess[]): Promise<readonly string[]> {
  await delay(SERVERS_GONE_MS)
  return alive(processes).map(({ pid }) => `${pid} ${commandOf(pid)}`)
}

/** Which clients have something under way, what was answered, and when each was answered once. */
class Turns {
  readonly all: Promise<void>
  readonly answered: string[] = []
  readonly #underWay = new Set<string>()
  readonly #once = new Set<string>()
  readonly #ready = Promise.withResolvers<void>()
  readonly #clients: number

  constructor(clients: number) {
    this.#clients = clients
    this.all = this.#ready.promise
  }

  get underWay(): { readonly calling: number; readonly writing: number } {
    const calling = [...this.#underWay].filter((client) => client.startsWith('call')).length
    return { calling, writing: this.#underWay.size - calling }
  }

  begin(client: string): void {
    this.#underWay.add(client)
  }

  end(client: string, literal: string): void {
    this.#underWay.delete(client)
    this.answered.push(literal)
    this.#once.add(client)
    if (this.#once.size === this.#clients) this.#ready.resolve()
  }
}

/** A client of the MCP server that goes on after each restart with what it has: its token, its session. */
class Caller {
  readonly #client: McpHttp
  readonly #renew: () => Promise<string>

  private constructor(client: McpHttp, renew: () => Promise<string>) {
    this.#client = client
    this.#renew = renew
  }

  static async begin(boundary: Boundary, who: (typeof CALLERS)[number], index: number): Promise<Caller> {
    const renew = async (): Promise<string> =>
      who === 'ci-bot' ? await jobToken(boundary) : await tokenOf(boundary, who, 'marks')
    const era = index % 2 === 0 ? 'modern' : 'legacy'
    return new Caller(new McpHttp({ url: `${boundary.url}/mcp/marks`, token: await renew(), era }), renew)
  }

  async callUntilGone(name: string, turns: Turns): Promise<void> {
    for (let turn = 0; ; turn++) {
      const literal = `${name}-${turn}.`
      turns.begin(name)
      const answer = await this.#call(literal)
      if (answer === undefined) return
      // Only a written mark is one; a call that reached the gateway while it died may have been refused, and is not the test's matter.
      assert.match(answer.text, new RegExp(`"written: ${literal}"`))
      turns.end(name, literal)
    }
  }

  /** Undefined when the gateway is gone. */
  async #call(literal: string): Promise<HttpAnswer | undefined> {
    const ask = (): Promise<HttpAnswer> => this.#client.call('mark', JSON.stringify({ mark: literal }))
    try {
      const answer = await ask().catch((error: unknown) => {
        if (error instanceof NotBegun && error.answer.status === 401) return error.answer
        throw error
      })
      if (answer.status !== 401) return answer
      this.#client.token = await this.#renew()
      return await ask()
    } catch (error) {
      if (error instanceof Error && 'code' in error) return undefined
      throw error
    }
  }
}

/** By turns simple queries and parameters. */
async function writeUntilGone(client: pg.Client, name: string, turns: Turns): Promise<void> {
  const sleep = `pg_sleep(${STATEMENT_SECONDS}) is not null`
  for (let turn = 0; ; turn++) {
    const literal = `${name}-${turn}.`
    turns.begin(name)
    try {
      if (turn % 2 === 0) await client.query(`insert into marks select '${literal}' where ${sleep}`)
      else await client.query(`insert into marks select $1::text where ${sleep}`, [literal])
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === '42501') throw error
      return
    }
    turns.end(name, literal)
  }
}

function literalsOf(text: string): ReadonlySet<string> {
  return new Set(text.match(LITERAL))
}

/** What the trail holds, recovered once more on the way. */
interface Found {
  /** Intents on the database, by each literal in their payloads. */
  readonly statements: ReadonlyMap<string, OpenedRecord>
  /** The literals of each call, by the number of its intent. */
  readonly calls: ReadonlyMap<number, ReadonlySet<string>>
  readonly intents: number
  readonly withoutOutcome: readonly number[]
  readonly unknown: number
}

async function readTrail(boundary: Boundary): Promise<Found> {
  await using foundation = await openFoundation(loadConfig(boundary.config), { environment: {}, logLevel: 'error' })
  const statements = new Map<string, OpenedRecord>()
  const calls = new Map<number, ReadonlySet<string>>()
  const intents = new Set<number>()
  const outcomes: number[] = []
  let unknown = 0
  for (const record of openedTrail(boundary.trailFolder, foundation.trail.payloadKeys)) {
    const { sequence, leaf, payload = '' } = record
    const phase = fact(leaf, 'unmapped', 'phase')
    if (phase === 'outcome') {
      outcomes.push(Number(fact(leaf, 'unmapped', 'intent')))
      if (fact(leaf, 'unmapped', 'status') === 'unknown') unknown++
    }
    if (phase !== 'intent') continue
    intents.add(sequence)
    if (fact(leaf, 'unmapped', 'verb') === 'tools/call') calls.set(sequence, literalsOf(payload))
    else for (const literal of literalsOf(payload)) statements.set(literal, record)
  }
  const counts = Map.groupBy(outcomes, (intent) => intent)
  const withoutOutcome = [...intents].filter((intent) => counts.get(intent)?.length !== 1)
  return { statements, calls, intents: intents.size, withoutOutcome, unknown }
}

/** Whether what came through the tool is on record as that: whose server, which tool, and the one call that holds the same literal. */
function isLinked(literal: string, { statements, calls }: Found): boolean {
  const leaf = statements.get(literal)?.leaf
  const via = [fact(leaf, 'unmapped', 'via', 'server'), fact(leaf, 'unmapped', 'via', 'tool')]
  const cause = fact(leaf, 'unmapped', 'caused_by') as { kind: string; records: { index: number }[] } | undefined
  if (literal.startsWith('mark')) return via.every((part) => part === undefined) && cause === undefined
  const [call, ...others] = cause?.records ?? []
  return (
    via.join('/') === 'marks/mark' &&
    cause?.kind === 'exact' &&
    others.length === 0 &&
    calls.get(call?.index ?? -1)?.has(literal) === true
  )
}

interface Result {
  readonly lives: readonly Life[]
  readonly found: Found
  readonly reached: ReadonlySet<string>
}

function report(t: { diagnostic(message: string): void }, { lives, found, reached }: Result): void {
  const sum = (of: (life: Life) => number): number => lives.reduce((total, life) => total + of(life), 0)
  const withoutIntent = [...reached].filter((literal) => !found.statements.has(literal))
  const unlinked = [...reached].filter((literal) => !isLinked(literal, found))
  const through = [...reached].filter((literal) => literal.startsWith('call')).length
  const left = lives.flatMap((life) => life.left)
  t.diagnostic(
    `${lives.length} kills; in flight at a kill: ${sum(({ calling }) => calling)} calls, ${sum(({ writing }) => writing)} statements of clients; ` +
      `${reached.size} statements reached the database, ${through} through the tool; without intent: ${withoutIntent.length}; not linked as they should be: ${unlinked.length}`,
  )
  t.diagnostic(
    `${found.intents} intents (${found.calls.size} calls), without exactly one outcome: ${found.withoutOutcome.length}; unknown: ${found.unknown}; ` +
      `${sum(({ servers }) => servers)} MCP servers (${sum(({ processes }) => processes)} processes) below the killed gateways, alive a second later: ${left.length}`,
  )
  assert.ok(through >= lives.length * CALLERS.length, 'the callers hardly called')
  assert.ok(reached.size - through >= lives.length * WRITERS, 'the writers hardly wrote')
  assert.ok(sum(({ calling }) => calling) >= lives.length * CALLERS.length * 0.9, 'calls were hardly ever in flight')
  // Four jobs and two logins.
  assert.equal(
    sum(({ servers }) => servers),
    lives.length * 6,
  )
  assert.deepEqual(withoutIntent, [])
  assert.deepEqual(unlinked, [])
  assert.deepEqual(found.withoutOutcome, [])
  assert.deepEqual(left, [])
}

/** What a client was told is done, is. */
async function assertAnswered(boundary: Boundary, lives: readonly Life[]): Promise<void> {
  const { host, port, user, password } = boundary.database
  const direct = new pg.Client({ host, port, user, password, database: 'cards' })
  await direct.connect()
  const { rows } = await direct.query<{ mark: string }>('select mark from marks')
  await direct.end()
  const marks = new Set(rows.map(({ mark }) => mark))
  const answered = lives.flatMap((life) => life.answered)
  assert.deepEqual(
    answered.filter((literal) => !marks.has(literal)),
    [],
  )
}
