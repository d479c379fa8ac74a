/**
 * Two people and three agents call the same tool at once: every statement in the database is on record under the name of the person whose call
 * caused it, through the agent that called, and linked to that very call; nobody gets what somebody else asked for. With the demo's ledger, and
 * with an MCP server of others, unmodified.
 */
import assert from 'node:assert/strict'
import { after, before, test, type TestContext } from 'node:test'
import type { CallToolResult } from '@modelcontextprotocol/client'
import pg from 'pg'
import { loadConfig, openFoundation } from '#app'
import { type Agent, connectAgent, type Era } from '../demo/agent.ts'
import { type Boundary, startBoundary } from '../demo/boundary.ts'
import { sallyport } from '../demo/command.ts'
import { demoSql } from '../demo/data.ts'
import { login, type PersonName } from '../demo/people.ts'
import { dbhubPins, dbhubResource } from './dbhub.ts'
import { fact, openedTrail, type OpenedRecord } from './opened-trail.ts'
import { testPlan } from './plan.ts'

/** Calls of each agent. */
const CALLS = 200
/** Calls of one agent that are under way at a time: one of them at work, the others waiting for it. */
const AT_ONCE = 16

/** bob's group gets what alice's has by the demo's policies; both get the other server. */
const POLICY = `@id("e2e-ledger") @need("a test") @owner("tests")
permit (principal is Person in Group::"payments-leads", action in Action::"open", resource == Server::"ledger");
@id("e2e-lookup") @need("a test") @owner("tests")
permit (principal is Person in Group::"payments-leads", action in Action::"ledger/lookup_customer", resource == Tool::"ledger/lookup_customer");
@id("e2e-lookup-sql") @need("a test") @owner("tests") @reviewed("a test")
permit (principal is Via in Tool::"ledger/lookup_customer", action in Action::"select", resource == Table::"cards/public/customers")
when { principal in Group::"payments-leads" };

@id("e2e-dbhub-support") @need("a test") @owner("tests")
permit (principal is Person in Group::"support", action in Action::"open", resource == Server::"dbhub");
@id("e2e-dbhub-leads") @need("a test") @owner("tests")
permit (principal is Person in Group::"payments-leads", action in Action::"open", resource == Server::"dbhub");
@id("e2e-execute-support") @need("a test") @owner("tests")
permit (principal is Person in Group::"support", action in Action::"dbhub/execute_sql", resource == Tool::"dbhub/execute_sql");
@id("e2e-execute-leads") @need("a test") @owner("tests")
permit (principal is Person in Group::"payments-leads", action in Action::"dbhub/execute_sql", resource == Tool::"dbhub/execute_sql");
@id("e2e-search-support") @need("a test") @owner("tests")
permit (principal is Person in Group::"support", action in Action::"dbhub/search_objects", resource == Tool::"dbhub/search_objects");
@id("e2e-dbhub-list") @need("a test") @owner("tests")
permit (principal is Person in Group::"support", action in Action::"listTool", resource in Server::"dbhub");
@id("e2e-search-sql") @need("a test") @owner("tests") @reviewed("a test")
permit (principal is Via in Tool::"dbhub/search_objects", action in Action::"select", resource in Schema::"cards/information_schema");
@id("e2e-search-catalog") @need("a test") @owner("tests") @reviewed("a test")
permit (principal is Via in Tool::"dbhub/search_objects", action in Action::"select", resource in Schema::"cards/pg_catalog");
@id("e2e-dbhub-connect") @need("a test") @owner("tests") @reviewed("a test")
permit (principal is Via in Server::"dbhub", action in [Action::"connect", Action::"adhoc"], resource == Database::"cards");
@id("e2e-execute-sql") @need("a test") @owner("tests") @reviewed("a test")
permit (principal is Via in Tool::"dbhub/execute_sql", action in Action::"select", resource == Table::"cards/public/customers");
`

/** What DBHub reads of the catalogue; like any table of such a database it has to be listed before policy can name it. */
const CATALOGUE = [
  ...['schemata', 'tables', 'columns'].map((view) => `information_schema.${view}`),
  ...['pg_namespace', 'pg_class', 'pg_description'].map((table) => `pg_catalog.${table}`),
]

/** Who calls: a person through an agent, about customers that nobody else asks for. */
interface Caller {
  readonly person: PersonName
  readonly agent: string
  readonly era: Era
  readonly customerOf: (call: number) => number
}

const CALLERS: readonly Caller[] = [
  { person: 'alice', agent: 'claude-code', era: 'modern', customerOf: (call) => 2 * call + 1 },
  { person: 'bob', agent: 'claude-code', era: 'legacy', customerOf: (call) => 2 * call + 2 },
  { person: 'alice', agent: 'cursor', era: 'legacy', customerOf: (call) => 2 * CALLS + 1 + (call % 100) },
]

let boundary: Boundary
/** Names of customers by their number, read past the boundary. */
let names: ReadonlyMap<number, string>
/** Persons by their stable id. */
let people: ReadonlyMap<string, string>

before(async () => {
  boundary = await startBoundary({
    ...testPlan({
      ...{ sql: [], tables: CATALOGUE, policy: POLICY, resources: await dbhubResource() },
      policyFiles: { 'dbhub.tools.json': await dbhubPins() },
    }),
    sql: demoSql,
    panColumns: ['public.customers.pan'],
  })
  const { host, port, user, password } = boundary.database
  const direct = new pg.Client({ host, port, user, password, database: 'cards' })
  await direct.connect()
  const { rows } = await direct.query<{ id: number; name: string }>('select id, name from customers')
  await direct.end()
  names = new Map(rows.map(({ id, name }) => [id, name]))
  people = new Map(
    await Promise.all((['alice', 'bob'] as const).map(async (person) => [await idOf(person), person] as const)),
  )
})

after(() => boundary.stop(false))

async function idOf(person: PersonName): Promise<string> {
  await login(boundary, person)
  const { stdout } = await sallyport(boundary, 'whoami', '--profile', person)
  return /\(person (usr_\w+);/.exec(stdout)?.[1] ?? assert.fail(stdout)
}

/** A server, one of its tools, and how a customer is asked for. */
interface Way {
  readonly server: string
  readonly tool: string
  readonly argumentsFor: (customer: number) => Record<string, unknown>
  /** The customer that a call asked for, from its arguments as recorded; and a statement, from its text and parameters. */
  readonly customerIn: (payload: string) => number | undefined
}

const WAYS: readonly Way[] = [
  {
    server: 'ledger',
    tool: 'lookup_customer',
    argumentsFor: (id) => ({ id }),
    customerIn: (payload) => {
      const { arguments: call, parameters } = JSON.parse(payload) as {
        arguments?: { id: number }
        parameters?: string[]
      }
      return call?.id ?? Number(parameters?.[0])
    },
  },
  {
    server: 'dbhub',
    tool: 'execute_sql',
    argumentsFor: (id) => ({ sql: `select id, name, pan from customers where id = ${id}` }),
    customerIn: (payload) => Number(/where id = (\d+)/.exec(payload)?.[1]),
  },
]

/** What an agent got, and for whom it asked. */
interface Answer {
  readonly customer: number
  readonly result: CallToolResult
}

/** Calls of one agent, one after the other has been sent, `AT_ONCE` on their way. */
async function callAll(agent: Agent, caller: Caller, way: Way): Promise<readonly Answer[]> {
  const answers: Answer[] = []
  let next = 0
  const work = async (): Promise<void> => {
    while (next < CALLS) {
      const customer = caller.customerOf(next++)
      const result = await agent.client.callTool({ name: way.tool, arguments: way.argumentsFor(customer) })
      answers.push({ customer, result })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return answers
}

/** Answers that hold anything but the one customer who was asked for. */
function leaked(answers: readonly Answer[]): number {
  return answers.filter(({ customer, result }) => {
    const text = JSON.stringify(result)
    const own = names.get(customer) ?? assert.fail(`there is no customer ${customer}`)
    const ids = [...text.matchAll(/\\"id\\":\s*(\d+)/g)].map(([, id]) => Number(id))
    const others = [...new Set(names.values())].filter((name) => name !== own && text.includes(name))
    return ids.length === 0 || ids.some((id) => id !== customer) || !text.includes(own) || others.length > 0
  }).length
}

const calledMs = new Map<Way, number>()

for (const way of WAYS) {
  test(`${CALLERS.length} agents of two people call ${way.server} ${CALLS} times each, and get their own`, async () => {
    const agents = await Promise.all(
      CALLERS.map(({ person, agent: name, era }) =>
        connectAgent(boundary, person, { name, era, resource: way.server }),
      ),
    )
    const began = performance.now()
    const answers = await Promise.all(
      agents.map((agent, index) => callAll(agent, CALLERS[index] ?? assert.fail(), way)),
    )
    calledMs.set(way, performance.now() - began)
    await Promise.all(agents.map((agent) => agent[Symbol.asyncDispose]()))
    for (const [index, own] of answers.entries()) {
      assert.equal(own.length, CALLS)
      assert.deepEqual(
        own.filter(({ result }) => result.isError === true),
        [],
      )
      assert.equal(leaked(own), 0, `what ${CALLERS[index]?.person} got`)
    }
  })
}

test('an unmodified server finds its way through the catalogue, within what policy lets that tool see', async () => {
  await using agent = await connectAgent(boundary, 'alice', { name: 'explorer', resource: 'dbhub' })
  const { tools } = await agent.client.listTools()
  assert.deepEqual(
    tools.map(({ name }) => name),
    ['execute_sql', 'search_objects'],
  )
  for (const [object_type, expected] of [
    ['table', ['customers', 'job_runs', 'orders']],
    ['column', ['city', 'email', 'id', 'name', 'note', 'pan']],
  ] as const) {
    const place = object_type === 'table' ? {} : { table: 'customers' }
    const found = await agent.client.callTool({
      name: 'search_objects',
      arguments: { object_type, schema: 'public', ...place },
    })
    const text = (found.content as { text: string }[])[0]?.text ?? ''
    assert.notEqual(found.isError, true, text)
    const { data } = JSON.parse(text) as { data: { results: { name: string }[] } }
    assert.deepEqual(data.results.map(({ name }) => name).toSorted(), expected)
  }
  const refused = await agent.client.callTool({ name: 'execute_sql', arguments: { sql: 'select id from orders' } })
  assert.match(
    JSON.stringify(refused),
    /SELECT on .*cards.* refused for alice@example\.com: .*dbhub\/execute_sql.*\[ref \w+\]/,
  )
})

/** What the trail says of a way. */
interface Linked {
  readonly calls: number
  readonly statements: number
  /** Statements under another name, agent or tool than their call's, or of another customer. */
  readonly wrong: readonly OpenedRecord[]
  /** Statements that are not linked to exactly one call, and calls without exactly one statement. */
  readonly loose: number
}

function linksOf(records: readonly OpenedRecord[], way: Way): Linked {
  const calls = new Map(
    records
      .filter(
        ({ leaf }) => fact(leaf, 'unmapped', 'phase') === 'intent' && fact(leaf, 'unmapped', 'verb') === 'tools/call',
      )
      .filter(({ leaf }) => fact(leaf, 'api', 'operation') === way.tool)
      .map((record) => [record.sequence, record]),
  )
  const statements = records.filter(
    ({ leaf }) => fact(leaf, 'unmapped', 'phase') === 'intent' && fact(leaf, 'unmapped', 'via', 'tool') === way.tool,
  )
  const causes = statements.map(({ leaf }) => causeOf(leaf, calls))
  const caused = Map.groupBy(causes, (cause) => cause?.sequence)
  return {
    calls: calls.size,
    statements: statements.length,
    wrong: statements.filter((statement, index) => isWrong(statement, causes[index], way)),
    loose:
      causes.filter((cause) => cause === undefined).length +
      [...calls.keys()].filter((call) => caused.get(call)?.length !== 1).length,
  }
}

/** The one call that a statement is said to come from. */
function causeOf(leaf: OpenedRecord['leaf'], calls: ReadonlyMap<number, OpenedRecord>): OpenedRecord | undefined {
  const { kind, records } = fact(leaf, 'unmapped', 'caused_by') as { kind: string; records: { index: number }[] }
  return kind === 'exact' && records.length === 1 ? calls.get(records[0]?.index ?? -1) : undefined
}

function isWrong(statement: OpenedRecord, call: OpenedRecord | undefined, way: Way): boolean {
  if (call === undefined) return true
  const same = [
    ['actor', 'user', 'uid'],
    ['actor', 'app_uid'],
    ['actor', 'app_name'],
    ['unmapped', 'grant_id'],
  ].every(
    (path) => fact(statement.leaf, ...path) !== undefined && fact(statement.leaf, ...path) === fact(call.leaf, ...path),
  )
  const customer = way.customerIn(call.payload ?? '{}')
  const person = people.get(String(fact(statement.leaf, 'actor', 'user', 'uid')))
  const agent = fact(statement.leaf, 'actor', 'app_name')
  const caller = CALLERS.find((each) => each.person === person && each.agent === agent)
  const isOwn = Array.from({ length: CALLS }, (_, index) => caller?.customerOf(index)).includes(customer)
  return (
    !same ||
    !isOwn ||
    fact(statement.leaf, 'unmapped', 'via', 'server') !== way.server ||
    fact(statement.leaf, 'unmapped', 'decision', 'outcome') !== 'allow' ||
    way.customerIn(statement.payload ?? '{}') !== customer
  )
}

test('each statement is on record under the right name, linked to the call that caused it', async (t) => {
  await boundary.gateway().stop()
  await using foundation = await openFoundation(loadConfig(boundary.config), { environment: {}, logLevel: 'error' })
  const records = [...openedTrail(boundary.trailFolder, foundation.trail.payloadKeys)].filter(
    ({ leaf }) => fact(leaf, 'actor', 'app_name') !== 'explorer',
  )
  for (const way of WAYS) {
    report(t, way, linksOf(records, way))
    assert.equal(linksOf(confused(records, way), way).wrong.length, 2, 'the comparison does not see what it looks for')
  }
})

/** The records, as they would be had the first two callers' statements changed places. */
function confused(records: readonly OpenedRecord[], way: Way): readonly OpenedRecord[] {
  const statements = records.filter(({ leaf }) => fact(leaf, 'unmapped', 'via', 'tool') === way.tool)
  const userOf = ({ leaf }: OpenedRecord): unknown => fact(leaf, 'actor', 'user', 'uid')
  const [one] = statements
  const other = statements.find((record) => one !== undefined && userOf(record) !== userOf(one))
  if (one === undefined || other === undefined) return []
  return records.map((record) =>
    record === one ? { ...one, leaf: other.leaf } : record === other ? { ...other, leaf: one.leaf } : record,
  )
}

function report(t: TestContext, way: Way, { calls, statements, wrong, loose }: Linked): void {
  const total = CALLERS.length * CALLS
  t.diagnostic(
    `${way.server}: ${calls} calls in ${((calledMs.get(way) ?? 0) / 1000).toFixed(1)} s, ${statements} statements behind them; under a wrong name or of another's customer: ${wrong.length}; not linked one to one: ${loose}`,
  )
  assert.equal(calls, total)
  assert.equal(statements, total)
  assert.deepEqual(wrong, [])
  assert.equal(loose, 0)
}
