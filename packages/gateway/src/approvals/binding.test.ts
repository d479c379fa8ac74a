import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Bytes, toUtf8 } from '#base'
import type { Operation, ViaFacts } from '#model'
import { alice, bob, answered, held, type HeldFacts, openDesk, person } from './testkit/held.ts'

const agent = { id: 'claude-code', name: 'Claude Code' }
const byAgent = { ...alice, agent }

const statement = (text: string, parameters?: unknown): Partial<Operation> => ({
  payload: toUtf8(JSON.stringify(parameters === undefined ? { statement: text } : { statement: text, parameters })),
})

const DELETE = 'DELETE FROM customers WHERE name = $1 AND id = $2'

const bytes = (...values: number[]): (() => Bytes) => {
  return () => Uint8Array.from(values)
}

const sql: HeldFacts = { operation: { ...statement(DELETE, ['a b', '7']), exact: bytes(1, 2, 3) } }

const refundShape = (definition: string, tool = 'refund'): Operation['shape'] => ({
  verb: 'tools/call',
  accesses: [{ effect: 'callTool', object: { kind: 'tool', name: tool } }],
  template: `${tool}(amount, currency)`,
  fingerprint: 'f9',
  definition,
})
const ledger = { name: 'ledger', kind: 'mcp', tools: [] } as const
const wiki = { name: 'wiki', kind: 'mcp', tools: [] } as const

/** A tool call as its protocol hands it over: the arguments as they were written, in payload and beside it. */
function call(text: string, definition = 'aa', tool = 'refund'): Partial<Operation> {
  return {
    shape: refundShape(definition, tool),
    payload: toUtf8(`{"tool":"${tool}","definition":"${definition}","arguments":${text}}`),
    arguments: text,
  }
}

const refund: HeldFacts = {
  identity: byAgent,
  resource: ledger,
  operation: call('{"amount":500,"currency":"EUR"}'),
}

const lookup: ViaFacts = { server: 'ledger', tool: 'lookup' }

/** Approved is the first; the second is run. */
const mutations: readonly (readonly [string, HeldFacts, HeldFacts])[] = [
  ['another parameter', sql, { operation: { ...statement(DELETE, ['a b', '8']), exact: bytes(1, 2, 3) } }],
  ['another text parameter', sql, { operation: { ...statement(DELETE, ['a  b', '7']), exact: bytes(1, 2, 3) } }],
  ['parameters the other way round', sql, { operation: { ...statement(DELETE, ['7', 'a b']), exact: bytes(1, 2, 3) } }],
  ['one parameter less', sql, { operation: { ...statement(DELETE, ['a b']), exact: bytes(1, 2, 3) } }],
  ['one parameter more', sql, { operation: { ...statement(DELETE, ['a b', '7', null]), exact: bytes(1, 2, 3) } }],
  ['NULL for a parameter', sql, { operation: { ...statement(DELETE, ['a b', null]), exact: bytes(1, 2, 3) } }],
  ['the number for its text', sql, { operation: { ...statement(DELETE, ['a b', 7]), exact: bytes(1, 2, 3) } }],
  ['a binary parameter', sql, { operation: { ...statement(DELETE, ['a b', { int4: '7' }]), exact: bytes(1, 2, 3) } }],
  ['another type of a parameter', sql, { operation: { ...statement(DELETE, ['a b', '7']), exact: bytes(1, 2, 4) } }],
  ['no exact bytes', sql, { operation: statement(DELETE, ['a b', '7']) }],
  [
    'no exact bytes, but empty ones',
    { operation: statement('x') },
    { operation: { ...statement('x'), exact: bytes() } },
  ],
  ['no parameters', sql, { operation: { ...statement(DELETE), exact: bytes(1, 2, 3) } }],
  [
    'upper case in a literal',
    { operation: statement("DELETE FROM t WHERE a='x'") },
    { operation: statement("DELETE FROM t WHERE a='X'") },
  ],
  [
    'whitespace in a literal',
    { operation: statement("DELETE FROM t WHERE a='x y'") },
    { operation: statement("DELETE FROM t WHERE a='x  y'") },
  ],
  ['whitespace outside', { operation: statement('DELETE FROM t') }, { operation: statement('DELETE  FROM t') }],
  ['a comment', { operation: statement('DELETE FROM t') }, { operation: statement('DELETE FROM t --') }],
  ['a semicolon', { operation: statement('DELETE FROM t') }, { operation: statement('DELETE FROM t;') }],
  [
    'another spelling of a number',
    { operation: statement('DELETE FROM t WHERE a=10') },
    { operation: statement('DELETE FROM t WHERE a=1e1') },
  ],
  [
    'prepared, not run',
    sql,
    { operation: { payload: toUtf8(JSON.stringify({ statement: DELETE, prepared: true })), exact: bytes(1, 2, 3) } },
  ],
  [
    'another form of a letter',
    { operation: statement("DELETE FROM t WHERE a='\u00e9'") },
    { operation: statement("DELETE FROM t WHERE a='e\u0301'") },
  ],
  ['another database', sql, { ...sql, resource: { name: 'hr', kind: 'postgres', tables: [] } }],
  ['another kind of resource of that name', sql, { ...sql, resource: { name: 'cards', kind: 'mcp', tools: [] } }],
  ['another person', sql, { ...sql, identity: person('carl', ['support']) }],
  ['a workload of that id', sql, { ...sql, identity: { ...alice, kind: 'workload', mfa: false } }],
  ['through an agent', sql, { ...sql, identity: byAgent }],
  ['not through the agent', refund, { ...refund, identity: alice }],
  ['another client', refund, { ...refund, identity: { ...alice, agent: { id: 'cursor', name: 'Claude Code' } } }],
  ['through a tool', sql, { ...sql, via: lookup }],
  ['another tool behind it', { ...sql, via: lookup }, { ...sql, via: { server: 'ledger', tool: 'refund' } }],
  ['no tool behind it', { ...sql, via: lookup }, { ...sql, via: { server: 'ledger' } }],
  ['another server behind it', { ...sql, via: lookup }, { ...sql, via: { server: 'wiki', tool: 'lookup' } }],
  [
    'server and tool cut elsewhere',
    { ...sql, via: { server: 'a', tool: 'bc' } },
    { ...sql, via: { server: 'ab', tool: 'c' } },
  ],
  ['another argument', refund, { ...refund, operation: call('{"amount":501,"currency":"EUR"}') }],
  ['one argument more', refund, { ...refund, operation: call('{"amount":500,"currency":"EUR","note":""}') }],
  ['one argument less', refund, { ...refund, operation: call('{"amount":500}') }],
  ['another order of keys', refund, { ...refund, operation: call('{"currency":"EUR","amount":500}') }],
  ['another spelling of an amount', refund, { ...refund, operation: call('{"amount":500.0,"currency":"EUR"}') }],
  ['an exponent', refund, { ...refund, operation: call('{"amount":5e2,"currency":"EUR"}') }],
  ['the amount as text', refund, { ...refund, operation: call('{"amount":"500","currency":"EUR"}') }],
  ['an escape in an argument', refund, { ...refund, operation: call('{"amount":500,"currency":"\\u0045UR"}') }],
  ['whitespace between arguments', refund, { ...refund, operation: call('{"amount":500, "currency":"EUR"}') }],
  ['another definition', refund, { ...refund, operation: call('{"amount":500,"currency":"EUR"}', 'ab') }],
  ['another tool', refund, { ...refund, operation: call('{"amount":500,"currency":"EUR"}', 'aa', 'payout') }],
  ['another server', refund, { ...refund, resource: wiki }],
  [
    'another verb',
    sql,
    {
      operation: {
        ...statement(DELETE, ['a b', '7']),
        exact: bytes(1, 2, 3),
        shape: { ...held().operation.shape, verb: 'UPDATE' },
      },
    },
  ],
  ['another need', sql, { ...sql, need: 'security:1 and payments:1' }],
]

test('an approval covers exactly what was approved', async () => {
  assert.ok(mutations.length >= 40)
  for (const [name, approved, run] of mutations) {
    await using under = await openDesk()
    const { desk } = under
    const { ref } = await desk.ask(held(approved), 5)
    assert.equal(await answered(desk, ref, bob), 'approved')
    assert.equal(await desk.covers(held(run)), false, name)
    assert.equal(await desk.take(held(run)), undefined, name)
    assert.equal(await desk.covers(held(approved)), true, `${name}: the approved one itself`)
    assert.equal((await desk.take(held(approved)))?.request, ref, name)
    assert.equal(await desk.take(held(approved)), undefined, `${name}: a second time`)
  }
})

test('neither connection nor session, token, time, template or scrubbed payload is part of it', async () => {
  await using under = await openDesk()
  const { desk } = under
  const { ref } = await desk.ask(held(sql), 5)
  await answered(desk, ref, bob)
  const elsewhere = held({
    ...sql,
    identity: { ...alice, name: 'Alice B.', groups: ['support', 'more'] },
    session: {
      id: 's2',
      tokenId: 'tok_2',
      grantId: 'grt_2',
      startedAtMs: 99,
      client: { address: '::1', port: 9, tls: false },
    },
    scrubbed: '{}',
  })
  assert.equal(await desk.covers(elsewhere), true)
  assert.equal(
    await desk.covers({
      ...elsewhere,
      decided: { ...elsewhere.decided, shape: { ...elsewhere.decided.shape, template: 'x' } },
    }),
    true,
  )
})

test('what is on record of a binding is keyed: another key, another digest', async () => {
  await using one = await openDesk()
  await using other = await openDesk()
  const digests = new Set<string>()
  for (const { desk, store } of [one, other]) {
    const { ref } = await desk.ask(held(sql), 5)
    digests.add((await store.requests.find(ref))?.digest ?? '')
  }
  assert.equal(digests.size, 2)
})

test('the key survives a restart', async () => {
  await using under = await openDesk()
  const { ref } = await under.desk.ask(held(sql), 5)
  await answered(under.desk, ref, bob)
  assert.equal(await (await under.again()).covers(held(sql)), true)
})
