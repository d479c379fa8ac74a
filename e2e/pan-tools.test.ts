/**
 * Card numbers by the thousand through the tools of an MCP server: in every place that a result, an error or arguments have for them, and through
 * the SQL behind a tool. None leaves whole, none is in the trail, in an opened payload, in a request for approval, in the store, in a log or in
 * what the command line shows; and nothing else is altered among as many look-alikes.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { RecordList } from '#api'
import { loadConfig, openFoundation, verifyTrailFolder } from '#app'
import { type Boundary, startBoundary } from '../demo/boundary.ts'
import { type CommandResult, sallyport } from '../demo/command.ts'
import { SERVICE_USER } from '../demo/data.ts'
import { api, apiToken, jobToken, login, type PersonName, tokenOf } from '../demo/people.ts'
import { ANSWER_KINDS, ARGUMENT_KINDS, nested, written } from './card-answers.ts'
import { card, chance, LOOKALIKES, Sieve } from './cards.ts'
import { type HttpAnswer, McpHttp } from './mcp-http.ts'
import { fact, openedTrail } from './opened-trail.ts'
import { type OwnServer, ownPins, ownResource } from './own-server.ts'
import { jobPolicy, testPlan } from './plan.ts'

const TOTAL = 10_000
const LOOKALIKE_COUNT = 3_000
const LOOKALIKES_EACH = 20

/** Numbers that go another way than in answers and arguments. */
const DESCRIBED = 2
const COMPLAINED = 50
const STORED = 100
const REFUSED = 40
const HELD = 60
const ASIDE = 48

const POLICY = `${jobPolicy({ 'public.kept': ['insert', 'select'] })}
@id("e2e-open") @need("a test") @owner("tests")
permit (principal is Workload in Group::"ci", action in Action::"open", resource == Server::"told");
@id("e2e-list") @need("a test") @owner("tests")
permit (principal is Workload in Group::"ci", action in Action::"listTool", resource in Server::"told");
${['answer', 'complain', 'take', 'store']
  .map(
    (tool) => `@id("e2e-${tool}") @need("a test") @owner("tests")
permit (principal is Workload in Group::"ci", action in Action::"told/${tool}", resource == Tool::"told/${tool}");`,
  )
  .join('\n')}
@id("e2e-open-alice") @need("a test") @owner("tests")
permit (principal is Person in Group::"support", action in Action::"open", resource == Server::"told");
@id("e2e-keep") @need("a test") @owner("tests") @approvers("payments-leads:1")
permit (principal is Person in Group::"support", action in Action::"told/keep.approved", resource == Tool::"told/keep");
@id("e2e-connect") @need("a test") @owner("tests") @reviewed("a test")
permit (principal is Via in Tool::"told/store", action in [Action::"connect", Action::"adhoc"], resource == Database::"cards");
@id("e2e-sql") @need("a test") @owner("tests") @reviewed("a test")
permit (principal is Via in Tool::"told/store", action in [Action::"insert", Action::"select"], resource == Table::"cards/public/kept");
`

const below = chance(20_261_122)
const numbers = Array.from({ length: TOTAL }, () => card(below))
const sieve = new Sieve(numbers)
let next = 0
/** The next numbers, each used once. */
function some(count: number): readonly string[] {
  next += count
  assert.ok(next <= TOTAL, 'more numbers are used than there are')
  return numbers.slice(next - count, next)
}

/** So many numbers in groups of a size. */
function groups(count: number, each: number): readonly (readonly string[])[] {
  return Array.from({ length: count / each }, () => some(each))
}

const lookalikes = Array.from({ length: LOOKALIKE_COUNT / LOOKALIKES_EACH }, () =>
  Array.from({ length: LOOKALIKES_EACH }, (_, index) => LOOKALIKES[index % LOOKALIKES.length]?.(below) ?? ''),
)
const described = some(DESCRIBED)
const complaints = groups(COMPLAINED, 10).map((group) => group.map(written).join(' and '))
const answers = ANSWER_KINDS.map((kind) => groups(kind.count, kind.each).map(kind.make))
const alike = lookalikes.map((texts) => {
  const structuredContent = Object.fromEntries(texts.map((text, index) => [`t${index}`, text]))
  const content = [...texts, nested(texts, 2)].map((text) => ({ type: 'text', text }))
  return `"result":${JSON.stringify({ content, structuredContent })}`
})
const LINES = [`For cards like ${described.map(written).join(', ')}.`, ...complaints, ...answers.flat(), ...alike]

let folder: string
let boundary: Boundary
let callers: readonly McpHttp[]
const captured: Buffer[] = []
const shown: string[] = []

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-told-'))
  writeFileSync(join(folder, 'lines'), LINES.join('\n'))
  const server: OwnServer = {
    name: 'told',
    script: new URL('./tools/told.ts', import.meta.url),
    ...{ code: [folder], arguments: [join(folder, 'lines')], database: 'cards' },
  }
  boundary = await startBoundary(
    testPlan({
      sql: ['create table kept (value text)', `alter table kept owner to ${SERVICE_USER}`],
      ...{ tables: ['public.kept'], policy: POLICY, resources: ownResource(server) },
      policyFiles: await ownPins([server]),
      databaseSettings: { log_statement: "'none'", log_min_error_statement: 'panic' },
    }),
  )
  for (const person of ['alice', 'bob', 'dana'] as const) await login(boundary, person)
  // The first speaks 2025-11-25: to it results pass as they are.
  callers = await Promise.all(
    (['legacy', 'modern', 'modern'] as const).map(async (era) => client(await jobToken(boundary), era)),
  )
})

after(async () => {
  for (const caller of callers) caller[Symbol.dispose]()
  await boundary.stop(false)
  rmSync(folder, { recursive: true, force: true })
})

function client(token: string, era: 'legacy' | 'modern'): McpHttp {
  return new McpHttp({ url: `${boundary.url}/mcp/told`, token, era, onBytes: (chunk) => captured.push(chunk) })
}

/** Does something with each item, by all callers at once. */
async function byAll<T>(items: readonly T[], act: (caller: McpHttp, item: T) => Promise<void>): Promise<void> {
  let at = 0
  const work = async (caller: McpHttp): Promise<void> => {
    for (let item = items[at++]; item !== undefined; item = items[at++]) await act(caller, item)
  }
  await Promise.all(callers.map(work))
}

/** How often each thing became of a kind of calls. */
class Tally {
  readonly #counts = new Map<string, number>()

  note(answer: HttpAnswer): string {
    const what = becameOf(answer)
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1)
    return what
  }

  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts)
  }
}

/** How a call ended: refused with this code, or else with a card number truncated or not. */
function becameOf({ text }: HttpAnswer): string {
  return /"code":"(SP_\w+)"/.exec(text)?.[1] ?? (readable(text).includes('***') ? 'truncated' : 'clean')
}

test('card numbers in results and errors', async (t) => {
  // The sieve finds what is not truncated.
  const inAnswers = ANSWER_KINDS.reduce((sum, { count }) => sum + count, 0)
  assert.ok(wholeIn(answers.flat().join('\n')) >= inAnswers, 'the sieve does not find what is there')
  let line = 1 + complaints.length
  for (const [index, kind] of ANSWER_KINDS.entries()) {
    const tally = new Tally()
    const lines = (answers[index] ?? []).map(() => line++)
    await byAll(lines, async (caller, at) => {
      tally.note(await caller.call('answer', `{"line":${at}}`))
    })
    t.diagnostic(`${kind.count} as ${kind.name}: ${JSON.stringify(tally.counts)}`)
    const expected = kind.isRefused === true ? 'SP_MASK_NUMERIC' : 'truncated'
    assert.deepEqual(tally.counts, { [expected]: kind.count / kind.each }, kind.name)
  }
})

test('look-alikes in strings stay as they are', async (t) => {
  const [caller] = callers
  let altered = 0
  for (const [index, line] of alike.entries()) {
    const answer = await caller?.call('answer', `{"line":${1 + complaints.length + answers.flat().length + index}}`)
    if (answer?.text.endsWith(`,${line}}`) !== true) altered++
  }
  t.diagnostic(`${LOOKALIKE_COUNT} look-alikes in three places each: answers altered: ${altered} of ${alike.length}`)
  assert.equal(altered, 0)
})

test('card numbers in arguments', async (t) => {
  for (const kind of ARGUMENT_KINDS) {
    const tally = new Tally()
    await byAll(groups(kind.count, kind.each), async (caller, group) => {
      tally.note(await caller.call('take', kind.make(group)))
    })
    t.diagnostic(`${kind.count} as ${kind.name}: said again: ${JSON.stringify(tally.counts)}`)
    const known = ['truncated', 'SP_MASK_NUMERIC']
    assert.deepEqual(
      Object.keys(tally.counts).filter((key) => !known.includes(key)),
      [],
      kind.name,
    )
  }
})

test('card numbers in SQL behind a tool, in a refused call, in what a server says aside', async (t) => {
  const tally = new Tally()
  await byAll(some(STORED), async (caller, number) => {
    tally.note(await caller.call('store', JSON.stringify({ value: written(number, Number(number.at(-2))) })))
  })
  await byAll(groups(REFUSED, 10), async (caller, group) => {
    const answer = await caller.call('lose', JSON.stringify(group.map(written)).replace(/^\[(.*)\]$/s, '{"all":[$1]}'))
    assert.match(answer.text, /SP_POLICY_DENIED/)
  })
  await byAll(
    complaints.map((_, index) => 1 + index),
    async (caller, line) => {
      assert.match((await caller.call('complain', `{"line":${line}}`)).text, /complained/)
    },
  )
  const listed = await Promise.all(callers.map((caller) => caller.request('tools/list')))
  for (const { text } of listed) assert.match(text, /Writes a line to its log.*\*{6}/)
  t.diagnostic(
    `${STORED} through SQL: ${JSON.stringify(tally.counts)}; ${COMPLAINED} on its error and output streams; ${DESCRIBED} in descriptions`,
  )
  assert.equal(tally.counts['truncated'], STORED)
})

test('card numbers beside the arguments: names of tools and methods, headers, addresses, names of clients', async () => {
  const [, caller = assert.fail()] = callers
  const meta = (name: string): string =>
    `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"${name}","version":"${name}"},"io.modelcontextprotocol/clientCapabilities":{},"note":"${name}"}`
  const modern = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' }
  for (const [tool = '', method = '', header = '', address = '', name = '', session = ''] of groups(ASIDE, 6)) {
    assert.match((await caller.call(tool, '{}')).text, /SP_TOOL_UNKNOWN/)
    assert.match((await caller.request(method)).text, /-32601/)
    await caller.call('take', '{}', {
      'user-agent': header,
      'x-card': header,
      'mcp-name': 'take',
      'mcp-param-card': header,
    })
    await caller.post(
      `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{${meta(name)}}}`,
      modern,
      `?card=${address}`,
    )
    await caller.post(
      `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"${name}","version":"1"}}}`,
    )
    await caller.post(`{"jsonrpc":"2.0","id":1,"method":"ping"}`, { 'mcp-session-id': session })
  }
})

test('card numbers in a call that waits for its approval', async (t) => {
  using alice = client(await tokenOf(boundary, 'alice', 'told'), 'modern')
  for (const [index, group] of groups(HELD, 5).entries()) {
    const args = ARGUMENT_KINDS[index % 3]?.make(group) ?? '{}'
    const ref = heldRef(await alice.call('keep', args))
    shown.push(
      await text(api(boundary, 'bob', `/requests/${ref}`)),
      await text(api(boundary, 'dana', `/requests/${ref}`)),
    )
    const reason = `for ${written(group[0] ?? '', index)}`
    if (index === 0) await as('bob', 'show', ref)
    if (index === 0) await as('bob', 'approve', ref, '--reason', reason)
    else await answer(ref, index < 6 ? 'approve' : 'deny', reason)
    if (index >= 6) continue
    const ran = becameOf(await alice.call('keep', args))
    assert.ok(['truncated', 'SP_MASK_NUMERIC'].includes(ran), ran)
  }
  await as('bob', 'requests', '--all')
  await as('dana', 'requests', '--all', '--json')
  t.diagnostic(`${HELD} in held calls; approved, run, denied`)
})

async function answer(ref: string, given: 'approve' | 'deny', reason: string): Promise<void> {
  const response = await fetch(`${boundary.url}/api/v1/requests/${ref}/${given}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiToken(boundary, 'bob')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ reason }),
  })
  const said = await response.text()
  assert.equal(response.status, 200, said)
  shown.push(said)
}

function heldRef({ text: said }: HttpAnswer): string {
  return /sallyport approve ([0-9A-Z]+)/.exec(said)?.[1] ?? assert.fail(said)
}

async function text(answer: Promise<unknown>): Promise<string> {
  return JSON.stringify(await answer)
}

async function as(person: PersonName, ...args: readonly string[]): Promise<CommandResult> {
  const result = await sallyport(boundary, ...args, '--profile', person)
  assert.equal(result.exitCode, 0, `${args.join(' ')}: ${result.stderr}`)
  shown.push(result.stdout, result.stderr)
  return result
}

test('none of them is whole anywhere', async (t) => {
  assert.equal(next, TOTAL)
  await readEverything()
  await boundary.gateway().stop()
  const trail = await inTrail()
  const whole = {
    client: wholeIn(Buffer.concat(captured).toString('utf8')),
    shown: wholeIn(shown.join('\n')),
    log: wholeIn(readFileSync(boundary.gatewayLog, 'utf8')),
    payloads: trail.whole,
    folder: inFolder(boundary.folder),
    evidence: inFolder(join(folder, 'evidence')),
  }
  t.diagnostic(
    `${TOTAL} numbers; whole: ${JSON.stringify(whole)}; ${trail.payloads} payloads opened; masking records count ${trail.masked} truncations`,
  )
  const { exitCode, lines } = await verifyTrailFolder(boundary.trailFolder)
  assert.equal(exitCode, 0, lines.join('\n'))
  assert.ok(trail.payloads > 1_000)
  assert.deepEqual(whole, { client: 0, shown: 0, log: 0, payloads: 0, folder: 0, evidence: 0 })
})

/** What somebody who may read the trail is shown by the command line, and what an assessor is given. */
async function readEverything(): Promise<void> {
  await as('dana', 'log', '--all', '--limit', '1000')
  await as('dana', 'log', '--all', '--limit', '1000', '--json')
  const { records } = await api<RecordList>(boundary, 'dana', '/records?phase=intent&resource=told&limit=1000')
  const calls = records.filter(({ leaf }) => fact(leaf, 'unmapped', 'verb') === 'tools/call')
  for (const { ref } of calls.filter((_, index) => index % 300 === 0)) await as('dana', 'why', ref, '--payload')
  const sessions = [...new Set(records.map(({ leaf }) => String(fact(leaf, 'actor', 'session', 'uid'))))]
  assert.ok(sessions.length >= 2)
  for (const session of sessions.slice(0, 2)) await as('dana', 'sessions', 'show', session, '--transcript')
  const day = (before: number): string => new Date(Date.now() - before).toISOString().slice(0, 10)
  const period = ['--from', day(86_400_000), '--to', day(0), '--disclose', 'statements']
  await as('dana', 'evidence', 'build', ...period, '-o', join(folder, 'evidence'))
}

/** Whole numbers in a text, as they stand there, behind escapes, and in what is base64. */
function wholeIn(said: string): number {
  return sieve.count(readable(said))
}

/** A text without escapes, and behind it what is base64 in it. */
function readable(said: string): string {
  const plain = said
    .replaceAll(/\\+u([0-9a-f]{4})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replaceAll('%20', ' ')
  const decoded = [...plain.matchAll(/[A-Za-z0-9+/_-]{16,}/g)].map(([data]) =>
    Buffer.from(data, 'base64').toString('latin1'),
  )
  return [plain, ...decoded].join('\n')
}

async function inTrail(): Promise<{ readonly whole: number; readonly payloads: number; readonly masked: number }> {
  await using foundation = await openFoundation(loadConfig(boundary.config), { environment: {}, logLevel: 'error' })
  let [whole, payloads, masked] = [0, 0, 0]
  for (const { leaf, payload } of openedTrail(boundary.trailFolder, foundation.trail.payloadKeys)) {
    if (payload !== undefined) payloads++
    whole += wholeIn(payload ?? '') + wholeIn(JSON.stringify(leaf))
    const columns = fact(leaf, 'unmapped', 'masking', 'columns') as readonly { readonly masked: number }[] | undefined
    for (const column of columns ?? []) masked += column.masked
  }
  return { whole, payloads, masked }
}

/** In all files of a folder, but the pinned definitions: those were reviewed, and hold what the server says of itself. */
function inFolder(folderOf: string): number {
  return readdirSync(folderOf, { recursive: true, encoding: 'utf8' })
    .filter((name) => name !== 'policy/told.tools.json')
    .map((name) => join(folderOf, name))
    .filter((path) => statSync(path).isFile())
    .reduce((sum, path) => sum + wholeIn(readFileSync(path, 'latin1')), 0)
}
