/**
 * Approve one thing, run another: whatever is different about a call or a statement, about who asks, through what, where or when, it does not run
 * under the approval; and the approval is still good for exactly what was approved, once.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type Agent, connectAgent } from '../demo/agent.ts'
import { sallyport } from '../demo/command.ts'
import { jobToken, login, tokenOf } from '../demo/people.ts'
import { type ApprovalBoundary, startApprovalBoundary } from './approval-boundary.ts'
import type { HttpAnswer, McpHttp } from './mcp-http.ts'
import { psqlClients } from './psql.ts'
import { WireClient } from './wire-client.ts'
import { extended, int32, type WireStatement } from './wire-messages.ts'

let boundary: ApprovalBoundary
let agent: Agent | undefined
let alice: McpHttp
/** Tokens for the database, and for the second one. */
let tokens: Readonly<Record<'alice' | 'frank' | 'second' | 'ci', string>>

before(async () => {
  boundary = await startApprovalBoundary()
  agent = await connectAgent(boundary.boundary, 'alice', { resource: 'pay' })
  alice = boundary.client(agent.token())
  tokens = {
    alice: await tokenOf(boundary.boundary, 'alice'),
    frank: await tokenOf(boundary.boundary, 'frank'),
    second: await tokenOf(boundary.boundary, 'alice', 'second'),
    ci: await jobToken(boundary.boundary),
  }
})

after(async () => {
  await agent?.[Symbol.asyncDispose]()
  await boundary?.[Symbol.asyncDispose]()
})

/** What is tried instead of what was approved; answers in a few words what became of it. */
type Mutation = readonly [name: string, tried: () => Promise<string>]

/** What became of the mutations of one approval, for the record of the test. */
const became: string[] = []

/** How many became what, since it was last said. */
function summary(): string {
  const counts = Map.groupBy(
    became.splice(0),
    (what) => /needs an approval|E \w{5}|SP_\w+|-\d+/.exec(what)?.[0] ?? what,
  )
  return [...counts].map(([what, all]) => `${all.length} ${what}`).join(', ')
}

/** Tries all mutations while one approval waits to be used; none may use it, or have any effect. */
async function tryAll(ref: string, mutations: readonly Mutation[]): Promise<void> {
  for (const [name, tried] of mutations) {
    const what = await tried()
    became.push(what)
    assert.deepEqual(await boundary.effects(), { payments: 0, changed: 0 }, `${name} had an effect: ${what}`)
    assert.equal(await boundary.statusOf(ref), 'approved', `${name}: ${what}`)
    assert.ok(!(await boundary.denyOpen()).includes(ref), name)
  }
}

// ---- calls of a tool

const EXACT = '{"order":741,"amount":150,"currency":"EUR","note":"two  words a/b é","urgent":false}'

/** In a few words; `ran` when it did. */
function callBecame({ status, text }: HttpAnswer): string {
  const code = /"code":"(SP_\w+)"/.exec(text)?.[1] ?? /"code":(-\d+)/.exec(text)?.[1]
  return code ?? (text.includes('done: 1') ? 'ran' : `${status} ${text}`)
}

async function pay(args: string, client = alice, tool = 'pay'): Promise<string> {
  const what = callBecame(await client.call(tool, args))
  assert.notEqual(what, 'ran')
  return what
}

/** The reference under which a call is held. */
async function held(args: string, client = alice, tool = 'pay'): Promise<string> {
  const { text } = await client.call(tool, args)
  return /sallyport approve ([0-9A-Z]+)/.exec(text)?.[1] ?? assert.fail(text)
}

const edit =
  (from: string, to: string): (() => Promise<string>) =>
  async () => {
    assert.notEqual(EXACT.replace(from, to), EXACT)
    return await pay(EXACT.replace(from, to))
  }

const ARGUMENTS: readonly Mutation[] = [
  ['another amount', edit('150', '151')],
  ['an amount of another sign', edit('150', '-150')],
  ['a number with a fraction of zero', edit('150', '150.0')],
  ['a number with an exponent', edit('150', '1.5e2')],
  ['a number with another exponent', edit('150', '15E+1')],
  ['a number as a string', edit('150', '"150"')],
  ['another order', edit('741', '742')],
  ['another string', edit('EUR', 'USD')],
  ['another case', edit('EUR', 'eur')],
  ['white space within a string', edit('two  words', 'two words')],
  ['white space at the end of a string', edit('é"', 'é "')],
  ['a letter as an escape', edit('EUR', String.raw`\u0045UR`)],
  ['a slash as an escape', edit('a/b', String.raw`a\/b`)],
  ['a letter in another composition', edit('é', 'é'.normalize('NFD'))],
  ['an invisible character', edit('EUR', 'EUR\u200b')],
  ['another order of the names', edit('"order":741,"amount":150', '"amount":150,"order":741')],
  ['white space between the names', edit('"order":741,', '"order": 741, ')],
  ['a line end at the end', edit('false}', 'false\n}')],
  ['another truth', edit('false', 'true')],
  ['null for a truth', edit('false', 'null')],
  ['an argument less', edit(',"urgent":false', '')],
  ['an argument more', edit('false}', 'false,"more":1}')],
  ['a name in another case', edit('"note"', '"Note"')],
  ['a name as an escape', edit('"note"', String.raw`"n\u006fte"`)],
  ['the same name twice', edit('"amount":150', '"amount":150,"amount":9000')],
  ['no arguments', () => pay('{}')],
]

const AROUND: readonly Mutation[] = [
  ['another tool with the same definition', () => pay(EXACT, alice, 'pay_twin')],
  [
    'the same tool of another server',
    async () => {
      await using other = await connectAgent(boundary.boundary, 'alice', { resource: 'pay2' })
      using client = boundary.client(other.token(), 'pay2')
      return await pay(EXACT, client)
    },
  ],
  [
    'another agent of the same name',
    async () => {
      await using other = await connectAgent(boundary.boundary, 'alice', { resource: 'pay' })
      using client = boundary.client(other.token())
      return await pay(EXACT, client)
    },
  ],
  [
    'the same person without an agent',
    async () => {
      using client = boundary.client(await tokenOf(boundary.boundary, 'alice', 'pay'))
      return await pay(EXACT, client)
    },
  ],
  [
    'another person',
    async () => {
      await using other = await connectAgent(boundary.boundary, 'frank', { resource: 'pay' })
      using client = boundary.client(other.token())
      return await pay(EXACT, client)
    },
  ],
  [
    'a job',
    async () => {
      using client = boundary.client(tokens.ci)
      return await pay(EXACT, client)
    },
  ],
]

test('an approved call, and calls that are not it', async (t) => {
  const ref = await held(EXACT)
  assert.equal(await held(EXACT), ref, 'the same call is another request')
  await boundary.approve(ref)
  await tryAll(ref, [...ARGUMENTS, ...AROUND])
  assert.equal(callBecame(await alice.call('pay', EXACT)), 'ran')
  assert.equal(await boundary.statusOf(ref), 'used')
  assert.notEqual(await held(EXACT), ref)
  assert.deepEqual(await boundary.effects(), { payments: 1, changed: 0 })
  await boundary.denyOpen()
  await boundary.undo()
  t.diagnostic(`${ARGUMENTS.length + AROUND.length + 1} mutations of a call; ${summary()}; after use: held anew`)
})

test('an approved call twice at once runs once', async (t) => {
  for (let round = 0; round < 5; round++) {
    const args = EXACT.replace('741', String(800 + round))
    const ref = await held(args)
    await boundary.approve(ref)
    const answers = await Promise.all(Array.from({ length: 4 }, async () => callBecame(await alice.call('pay', args))))
    assert.deepEqual(answers.toSorted(), [
      'SP_POLICY_NEEDS_APPROVAL',
      'SP_POLICY_NEEDS_APPROVAL',
      'SP_POLICY_NEEDS_APPROVAL',
      'ran',
    ])
    assert.deepEqual(await boundary.effects(), { payments: 1, changed: 0 })
    await boundary.denyOpen()
    await boundary.undo()
  }
  t.diagnostic('5 approvals, 4 calls at once each: 1 ran of each')
})

test('a denied call does not run', async () => {
  const args = EXACT.replace('741', '900')
  const ref = await held(args)
  assert.deepEqual(await boundary.denyOpen(), [ref])
  assert.equal(await pay(args), 'SP_APPROVAL_DENIED')
})

// ---- statements

/** A statement with parameters, as a driver sends it. */
const UPDATE: WireStatement = {
  text: 'update limits set note = $1 where id = $2',
  types: [0, 0],
  parameters: [{ value: 'two  words' }, { value: '1' }],
}
/** A plain one. */
const PLAIN = "update limits set note = 'two  words' where id = 2"

interface Who {
  readonly user?: string
  readonly password?: string
  readonly database?: string
}

async function connectTo({
  user = 'alice',
  password = tokens.alice,
  database = 'cards',
}: Who = {}): Promise<WireClient> {
  const { postgresPort: port } = boundary.boundary
  return await WireClient.connect({ host: '127.0.0.1', port, user, password, database })
}

/** What became of statements of one session, up to the first that failed: that one's code or the last one's tag. */
async function playAll(who: Who, ...steps: readonly (string | WireStatement)[]): Promise<string> {
  await using client = await connectTo(who)
  let last = ''
  for (const step of steps) {
    const lines = await client.play(typeof step === 'string' ? { query: step } : { raw: extended(step) })
    last = lines.findLast((line) => line.startsWith('C ') || line.startsWith('E ')) ?? lines.join(', ')
    if (last.startsWith('E ')) return steps.at(-1) === step ? last : `${last} before it`
  }
  return last
}

/** The reference under which a statement is held; `others` wait already. */
async function heldStatement(statement: string | WireStatement, who: Who = {}, others = 0): Promise<string> {
  assert.equal(await playAll(who, statement), 'E 42501')
  const [request, ...more] = await boundary.openRequests()
  assert.equal(more.length, others)
  return request?.ref ?? assert.fail('nothing is held')
}

const instead =
  (...steps: readonly (string | WireStatement)[]): (() => Promise<string>) =>
  () =>
    playAll({}, ...steps)

const bound = (value: string | Buffer | null, more: Partial<WireStatement> = {}, format: 0 | 1 = 0): WireStatement => ({
  ...UPDATE,
  parameters: [{ value, format }, { value: '1' }],
  ...more,
})
const id = (value: string | Buffer | null, format: 0 | 1 = 0, types: readonly number[] = [0, 0]): WireStatement => ({
  ...UPDATE,
  types,
  parameters: [{ value: 'two  words' }, { value, format }],
})

const PARAMETERS: readonly Mutation[] = [
  ['another value', instead(bound('two  swords'))],
  ['white space within a value', instead(bound('two words'))],
  ['white space behind a value', instead(bound('two  words '))],
  ['a value in another case', instead(bound('Two  words'))],
  ['NULL', instead(bound(null))],
  ['no value at all', instead(bound(''))],
  ['another row', instead(id('2'))],
  ['a number with a zero before it', instead(id('01'))],
  ['a number with a space before it', instead(id(' 1'))],
  ['declared types', instead({ ...UPDATE, types: [25, 23] })],
  ['another declared type', instead({ ...UPDATE, types: [1043, 0] })],
  ['no declared types', instead({ ...UPDATE, types: [] })],
  ['a number in binary', instead(id(int32(1), 1, [0, 23]))],
  ['a text in binary', instead(bound('two  words', {}, 1))],
  [
    'values in exchanged places',
    instead({
      ...UPDATE,
      text: 'update limits set note = $2 where id = $1',
      parameters: (UPDATE.parameters ?? []).toReversed(),
    }),
  ],
  ['a literal for a parameter', instead("update limits set note = 'two  words' where id = 1")],
  ['PREPARE and EXECUTE', instead(`prepare s (text, int) as ${UPDATE.text}`, "execute s ('two  words', 1)")],
]

const TEXTS: readonly Mutation[] = [
  ['white space within a literal', instead(PLAIN.replace('two  words', 'two words'))],
  ['white space outside of literals', instead(PLAIN.replace(' set ', '  set '))],
  ['a line end for a space', instead(PLAIN.replace(' set ', '\nset '))],
  ['a comment', instead(`${PLAIN} /* as approved */`)],
  ['a comment to the end of the line', instead(`${PLAIN} -- as approved`)],
  ['a keyword in another case', instead(PLAIN.replace('update', 'UPDATE'))],
  ['a name in another case', instead(PLAIN.replace('limits', 'Limits'))],
  ['a name in quotes', instead(PLAIN.replace('limits', '"limits"'))],
  ['a name with its schema', instead(PLAIN.replace('limits', 'public.limits'))],
  ['a semicolon', instead(`${PLAIN};`)],
  ['brackets', instead(PLAIN.replace('id = 2', '(id = 2)'))],
  ['a literal with escapes', instead(PLAIN.replace("'two  words'", "e'two  words'"))],
  ['a literal between dollars', instead(PLAIN.replaceAll("'", '$q$'))],
  ['another column', instead(PLAIN.replace('note', 'amount').replace("'two  words'", '1'))],
  ['one row more', instead(PLAIN.replace('id = 2', 'id in (2, 3)'))],
  [
    'a parameter for a literal',
    instead({ text: PLAIN.replace("'two  words'", '$1'), parameters: [{ value: 'two  words' }] }),
  ],
  ['the other way through the protocol', instead({ text: PLAIN })],
  ['returning something', instead(`${PLAIN} returning *`)],
  ['within another statement', instead(`with done as (${PLAIN} returning id) select * from done`)],
  ['with a second statement', instead(`${PLAIN}; update limits set note = 'more' where id = 3`)],
  ['explained and analysed', instead(`explain analyze ${PLAIN}`)],
  ['in a DO block', instead(`do $do$ begin ${PLAIN}; end $do$`)],
  ['another way to read dates', instead('set datestyle = german', PLAIN)],
  ['another way to read dates in the same message', instead(`set datestyle = german; ${PLAIN}`)],
  ['another time zone', instead("set timezone = 'Pacific/Auckland'", PLAIN)],
  ['another place to look names up', instead('set search_path = pg_temp', PLAIN)],
  ['another reading of backslashes', instead('set standard_conforming_strings = off', PLAIN)],
  ['another person', () => playAll({ user: 'frank', password: tokens.frank }, PLAIN)],
  ['a job', () => playAll({ user: 'ci-bot', password: tokens.ci }, PLAIN)],
  ['another database', () => playAll({ database: 'second', password: tokens.second }, PLAIN)],
]

test('an approved statement with parameters, and statements that are not it', async (t) => {
  const ref = await heldStatement(UPDATE)
  await boundary.approve(ref)
  await tryAll(ref, PARAMETERS)
  assert.equal(await playAll({}, UPDATE), 'C UPDATE 1')
  assert.deepEqual(await boundary.effects(), { payments: 0, changed: 1 })
  assert.notEqual(await heldStatement(UPDATE), ref)
  await boundary.denyOpen()
  await boundary.undo()
  t.diagnostic(`${PARAMETERS.length + 1} mutations of parameters; ${summary()}; after use: held anew`)
})

test('an approved plain statement, and statements that are not it', async (t) => {
  const ref = await heldStatement(PLAIN)
  await boundary.approve(ref)
  const [psql = assert.fail('there is no psql')] = await psqlClients()
  const { postgresPort } = boundary.boundary
  const env = {
    ...{ PGHOST: '127.0.0.1', PGPORT: String(postgresPort), PGUSER: 'alice', PGDATABASE: 'cards' },
    ...{ PGPASSWORD: tokens.alice, PGSSLMODE: 'disable' },
  }
  const byPsql = (sql: string): Mutation => [
    `psql: ${sql.slice(-24)}`,
    async () => {
      const { code, stderr } = await psql.run(['-At', '-c', sql], { env })
      assert.equal(code, 1, stderr)
      return /\[ref \w+\]/.test(stderr) ? 'E 42501' : stderr
    },
  ]
  await tryAll(ref, [...TEXTS, byPsql(`${PLAIN} `), byPsql(`${PLAIN} -- again`)])
  const { code, stdout, stderr } = await psql.run(['-At', '-c', PLAIN], { env })
  assert.deepEqual([code, stdout], [0, 'UPDATE 1\n'], stderr)
  assert.deepEqual(await boundary.effects(), { payments: 0, changed: 1 })
  await boundary.undo()
  t.diagnostic(`${TEXTS.length + 2} mutations of a text; ${summary()}`)
})

test('an approved statement at once in several sessions, or twice in one message, runs once at most', async () => {
  const statement = PLAIN.replace('id = 2', 'id = 4')
  const ref = await heldStatement(statement)
  await boundary.approve(ref)
  const clients = await Promise.all(Array.from({ length: 4 }, () => connectTo()))
  const lines = await Promise.all(clients.map((client) => client.play({ query: statement })))
  await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()))
  const ran = lines.filter((each) => each.includes('C UPDATE 1'))
  assert.equal(ran.length, 1, lines.join(' | '))
  assert.equal(await boundary.statusOf(ref), 'used')
  await boundary.denyOpen()
  await boundary.undo()
  const twice = PLAIN.replace('id = 2', 'id = 5')
  await boundary.approve(await heldStatement(twice))
  // One of them has no approval, and what PostgreSQL gets in one message is done whole or not at all.
  assert.equal(await playAll({}, `${twice}; ${twice}`), 'E 42501')
  assert.deepEqual(await boundary.effects(), { payments: 0, changed: 0 })
  await boundary.denyOpen()
})

// ---- the SQL behind a tool

const ADJUST = '{"id":3,"amount":900}'
/** What the tool sends, and what it would send for another row. */
const adjustSql = (row: string): WireStatement => ({
  text: 'update limits set amount = $1 where id = $2',
  parameters: [{ value: '900' }, { value: row }],
})

/** What a tool says became of its SQL. */
async function adjust(args: string, { tool = 'adjust', client = alice } = {}): Promise<string> {
  const { result } = JSON.parse((await client.call(tool, args)).text) as { result: { content: { text: string }[] } }
  return result.content[0]?.text ?? ''
}

describe('the SQL behind a tool', () => {
  test('approved for a tool it does not run through another, nor without one', async (t) => {
    const said = await adjust(ADJUST)
    const ref = /\[ref (\w+)\]/.exec(said)?.[1] ?? assert.fail(said)
    const [request] = await boundary.openRequests()
    assert.deepEqual([request?.ref, request?.server, request?.tool], [ref, 'pay', 'adjust'])
    await boundary.approve(ref)
    await tryAll(ref, [
      ['another tool that sends the same', () => adjust(ADJUST, { tool: 'adjust_twin' })],
      ['other arguments of the tool', () => adjust(ADJUST.replace('900', '901'))],
      ['without a tool', () => playAll({}, adjustSql('3'))],
      [
        'another agent',
        async () => {
          await using other = await connectAgent(boundary.boundary, 'alice', { resource: 'pay' })
          using client = boundary.client(other.token())
          return await adjust(ADJUST, { client })
        },
      ],
    ])
    assert.equal(await adjust(ADJUST), 'done: 1')
    assert.deepEqual(await boundary.effects(), { payments: 0, changed: 1 })
    await boundary.undo()
    t.diagnostic(`4 mutations; ${summary()}`)
  })

  test('approved without a tool it does not run through one', async () => {
    const ref = await heldStatement(adjustSql('6'))
    await boundary.approve(ref)
    await tryAll(ref, [['a tool', () => adjust(ADJUST.replace('3', '6'))]])
    assert.equal(await playAll({}, adjustSql('6')), 'C UPDATE 1')
    await boundary.undo()
    summary()
  })
})

// ---- time, logins, definitions: the gateway is stopped in between

test('an approval that was not used in time is over, and so is a request that was not answered', async () => {
  await boundary.setClocks(', useSeconds: 2, answerSeconds: 4')
  const args = EXACT.replace('741', '950')
  const plain = PLAIN.replace('id = 2', 'id = 7')
  const [ref, statement] = [await held(args), await heldStatement(plain, {}, 1)]
  await boundary.approve(ref)
  await boundary.approve(statement)
  const open = await held(EXACT.replace('741', '951'))
  await until(async () => (await boundary.statusOf(ref)) === 'expired')
  await until(async () => (await boundary.statusOf(statement)) === 'expired')
  assert.notEqual(await held(args), ref)
  assert.equal(await playAll({}, plain), 'E 42501')
  await until(async () => (await boundary.statusOf(open)) === 'expired')
  const late = await sallyport(boundary.boundary, 'approve', open, '--profile', 'bob')
  assert.equal(late.exitCode, 7, late.stderr)
  assert.notEqual(await held(EXACT.replace('741', '951')), open)
  assert.deepEqual(await boundary.effects(), { payments: 0, changed: 0 })
  await boundary.setClocks('')
  await boundary.denyOpen()
})

test('an approval outlives a restart, not another definition of the tool', async () => {
  const args = EXACT.replace('741', '960')
  const ref = await held(args)
  await boundary.approve(ref)
  await boundary.setWords(' And more.', false)
  assert.equal(await pay(args), 'SP_TOOL_CHANGED')
  assert.equal(await boundary.statusOf(ref), 'approved')
  await boundary.setWords(' And more.', true)
  assert.notEqual(await held(args), ref)
  assert.equal(await boundary.statusOf(ref), 'approved')
  await boundary.setWords('', true)
  assert.equal(callBecame(await alice.call('pay', args)), 'ran')
  assert.deepEqual(await boundary.effects(), { payments: 1, changed: 0 })
  await boundary.denyOpen()
  await boundary.undo()
})

test('an approved call is decided when it has its turn: what was forbidden while it waited does not run, nor is its approval used', async () => {
  const [slow, next] = [EXACT.replace('741', '980'), EXACT.replace('741', '981')]
  const [slowRef, nextRef] = [await held(slow), await held(next)]
  await boundary.approve(slowRef)
  await boundary.approve(nextRef)
  const lock = await boundary.lock('payments')
  const running = alice.call('pay', slow)
  await lock.untilWaitedFor()
  const waiting = alice.call('pay', next)
  const ban = 'forbid (principal, action in Action::"pay/pay", resource in Tool::"pay/pay");'
  await boundary.reload({ 'ban.cedar': `@id("ban") @owner("tests") ${ban}` })
  assert.equal(await boundary.statusOf(slowRef), 'used')
  await lock.release()
  assert.equal(callBecame(await running), 'ran')
  assert.equal(callBecame(await waiting), 'SP_POLICY_FORBIDDEN')
  assert.deepEqual(await boundary.effects(), { payments: 1, changed: 0 })
  assert.equal(await boundary.statusOf(nextRef), 'approved')
  await boundary.reload({ 'ban.cedar': '' })
  assert.equal(callBecame(await alice.call('pay', next)), 'ran')
  await boundary.denyOpen()
  await boundary.undo()
})

test('pins come in force without a restart, from the next call on', async () => {
  // One that was not asked before: a denial counts for as long as its request would have been open.
  const args = EXACT.replace('741', '990')
  await boundary.reload(await boundary.pinsWith(' And more.'))
  assert.equal(await pay(args), 'SP_TOOL_CHANGED')
  await boundary.reload(await boundary.pinsWith(''))
  assert.equal(await pay(args), 'SP_POLICY_NEEDS_APPROVAL')
  await boundary.denyOpen()
})

test('an approval ends with the access of whom it was given to', async () => {
  const args = EXACT.replace('741', '970')
  const plain = PLAIN.replace('id = 2', 'id = 8')
  const [ref, statement] = [await held(args), await heldStatement(plain, {}, 1)]
  await boundary.approve(ref)
  await boundary.approve(statement)
  const waiting = await held(EXACT.replace('741', '971'))
  const revoke = ['token', 'revoke', '--person', 'alice@example.com', '--reason', 'a test', '--profile', 'erin']
  const revoked = await sallyport(boundary.boundary, ...revoke)
  assert.equal(revoked.exitCode, 0, revoked.stderr)
  assert.equal((await alice.call('pay', args)).status, 401)
  await assert.rejects(playAll({}, plain))
  await login(boundary.boundary, 'alice')
  tokens = { ...tokens, alice: await tokenOf(boundary.boundary, 'alice') }
  assert.equal(await playAll({}, plain), 'E 42501')
  assert.deepEqual(await boundary.effects(), { payments: 0, changed: 0 })
  for (const over of [ref, statement, waiting]) assert.equal(await boundary.statusOf(over), 'expired')
})

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!(await holds())) {
    assert.ok(performance.now() < deadline, 'it does not come true')
    await delay(100)
  }
}
