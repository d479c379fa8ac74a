/** MCP clients that others made, unmodified, of both eras of the protocol: they find the login, log in, list and call; and a CI job with its own token. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import type { RecordExplanation, RecordList } from '#api'
import { connectAgent, type Era } from '../demo/agent.ts'
import { type Boundary, startBoundary } from '../demo/boundary.ts'
import { demoSql } from '../demo/data.ts'
import { api, jobToken, login } from '../demo/people.ts'
import { untilShown } from '../demo/showing.ts'
import {
  connectPython,
  connectSdk1,
  type ForeignAnswer,
  type ForeignClient,
  type ForeignLogin,
  type ForeignResult,
} from './foreign-client.ts'
import { fact } from './opened-trail.ts'
import { whyNoPython } from './outside.ts'
import { testPlan } from './plan.ts'

/** The nightly job runs a report. */
const POLICY = `@id("e2e-ci-open") @need("a test") @owner("tests")
permit (principal == Workload::"ci-bot", action in Action::"open", resource == Server::"ledger");
@id("e2e-ci-list") @need("a test") @owner("tests")
permit (principal == Workload::"ci-bot", action in Action::"listTool", resource in Server::"ledger");
@id("e2e-ci-report") @need("a test") @owner("tests")
permit (principal == Workload::"ci-bot", action in Action::"ledger/run_report", resource == Tool::"ledger/run_report");
`

const skipPython = await whyNoPython()

let boundary: Boundary

before(async () => {
  boundary = await startBoundary({
    ...testPlan({ sql: [], tables: [], policy: POLICY }),
    sql: demoSql,
    panColumns: ['public.customers.pan'],
  })
  await login(boundary, 'dana')
})

after(() => boundary.stop(false))

const TOOLS = ['lookup_customer', 'refund', 'run_report']

/** A client to be, and what it speaks when it is connected. */
interface Kind {
  readonly name: string
  readonly protocol: string
  /** What it calls itself when it registers. */
  readonly agent: string
  readonly connect: (login: ForeignLogin) => Promise<ForeignClient>
  readonly skip?: string | false
}

const KINDS: readonly Kind[] = [
  {
    ...{ name: 'the TypeScript SDK 2, as before 2026', protocol: '2025-11-25', agent: 'claude-code' },
    connect: (login) => connectSdk2('legacy', login),
  },
  {
    ...{ name: 'the TypeScript SDK 2, as of 2026', protocol: '2026-07-28', agent: 'claude-code' },
    connect: (login) => connectSdk2('modern', login),
  },
  {
    ...{ name: 'the TypeScript SDK 1', protocol: '2025-11-25', agent: 'typescript-v1-agent' },
    connect: connectSdk1,
  },
  {
    ...{ name: 'the Python SDK, as before 2026', protocol: '2025-11-25', agent: 'python-agent', skip: skipPython },
    connect: (login) => connectPython('legacy', login),
  },
  {
    ...{ name: 'the Python SDK, finding out', protocol: '2026-07-28', agent: 'python-agent', skip: skipPython },
    connect: (login) => connectPython('auto', login),
  },
]

/** The SDK that this checkout has itself, in the form of the others. */
async function connectSdk2(era: Era, { url, person, token }: ForeignLogin): Promise<ForeignClient> {
  const client = person === undefined ? await connectBearer(era, url, token ?? '') : await connectPerson(era, person)
  const { tools } = await client.listTools()
  return {
    protocol: client.getNegotiatedProtocolVersion() ?? '',
    tools: tools.map(({ name }) => name),
    call: async (name, args) => {
      try {
        return { result: (await client.callTool({ name, arguments: { ...args } })) as ForeignResult }
      } catch (error) {
        return { error: String(error) }
      }
    },
    [Symbol.asyncDispose]: () => client.close(),
  }
}

async function connectPerson(era: Era, person: string): Promise<Client> {
  return (await connectAgent(boundary, person, { era })).client
}

async function connectBearer(era: Era, url: string, token: string): Promise<Client> {
  const client = new Client(
    { name: 'nightly', version: '1.0.0' },
    era === 'legacy' ? {} : { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  )
  const requestInit = { headers: { authorization: `Bearer ${token}` } }
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }))
  return client
}

function textOf({ result }: ForeignAnswer): string {
  return result?.content[0]?.text ?? ''
}

for (const { name, protocol, agent, connect, skip } of KINDS) {
  describe(name, { skip }, () => {
    test('logs alice in with the browser, lists, calls, and is told what to do about what is held', async () => {
      await using client = await connect({ url: address(), person: 'alice' })
      assert.equal(client.protocol, protocol)
      assert.deepEqual(client.tools, TOOLS)
      const found = await client.call('lookup_customer', { id: 2 })
      assert.deepEqual(JSON.parse(textOf(found)), [
        { id: 2, name: 'Barbara Hamilton', city: 'Ghent', pan: '************3222', note: null },
      ])
      const held = await client.call('refund', { order: 7, amount: 500, currency: 'EUR' })
      assert.equal(held.result?.isError, true)
      const ref = /An approver runs: sallyport approve (\w+)/.exec(textOf(held))?.[1]
      assert.ok(ref !== undefined, textOf(held))
      const refused = await client.call('refund', { order: 7, amount: 5000, currency: 'EUR' })
      assert.match(textOf(refused), /no permit for calling ledger\/refund \[ref \w+\]/)
      const unknown = await client.call('drop_everything', {})
      assert.match(unknown.error ?? '', /Unknown tool: drop_everything \[ref \w+\]/)
      await assertRecorded(ref, agent)
    })

    test('works for a CI job with its own token, within what policy lets the job do', async () => {
      await using client = await connect({ url: address(), token: await jobToken(boundary) })
      assert.equal(client.protocol, protocol)
      assert.deepEqual(client.tools, TOOLS)
      const report = await client.call('run_report', { name: 'customers_by_city' })
      assert.deepEqual((JSON.parse(textOf(report)) as unknown[])[0], { city: 'Amsterdam', customers: 71 })
      const refused = await client.call('lookup_customer', { id: 2 })
      assert.match(textOf(refused), /refused for ci-bot: no permit for calling ledger\/lookup_customer \[ref \w+\]/)
    })
  })
}

const address = (): string => `${boundary.url}/mcp/ledger`

/** The call is on record under alice, through the agent that called. */
async function assertRecorded(ref: string, agent: string): Promise<void> {
  await untilShown(boundary)
  const { record, names } = await api<RecordExplanation>(boundary, 'dana', `/records/${ref}`)
  assert.equal(fact(record.leaf, 'actor', 'app_name'), agent)
  assert.equal(names[String(fact(record.leaf, 'actor', 'user', 'uid'))], 'alice@example.com')
  assert.equal(fact(record.leaf, 'unmapped', 'decision', 'outcome'), 'hold')
}

test('the SQL behind the job’s call is the job’s, through that tool', async () => {
  await untilShown(boundary)
  const { records } = await api<RecordList>(boundary, 'dana', '/records?tool=run_report&limit=100')
  const statements = records.filter(({ leaf }) => fact(leaf, 'unmapped', 'via', 'tool') === 'run_report')
  assert.ok(statements.length > 0)
  for (const { leaf } of statements) {
    assert.equal(fact(leaf, 'actor', 'user', 'name'), 'ci-bot')
    assert.equal(fact(leaf, 'unmapped', 'caused_by', 'kind'), 'exact')
  }
})
