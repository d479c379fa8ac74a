import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import type { Access, Identity } from '#model'
import { loadSample, person, shape, workload } from '../../testkit/policy-sample.ts'
import { formatExplanation, type Explanation, type ExplainQuestion } from './explanation.ts'

const loaded = loadSample()
const client = { address: '10.0.0.1', port: 1, tls: true }

function explain(
  identity: Identity,
  audience: ExplainQuestion['audience'],
  ...accesses: readonly string[]
): Explanation {
  return explainOn('cards', identity, audience, shape(...accesses).accesses)
}

function explainOn(
  resource: string,
  identity: Identity,
  audience: ExplainQuestion['audience'],
  accesses: readonly Access[],
): Explanation {
  return loaded.explain({
    identity,
    nowMs: 0,
    client,
    audience,
    what: { kind: 'statement', resource, accesses, isIncomplete: false },
  })
}

function nearOf(explanation: Explanation, action: string): Readonly<Record<string, readonly string[]>> {
  const check = explanation.checks.find((candidate) => candidate.action === action)
  return Object.fromEntries((check?.near ?? []).map(({ policy, failed }) => [policy.id, failed]))
}

describe('which permit failed at which part', () => {
  test('a condition', () => {
    assert.deepEqual(nearOf(explain(person(['dba']), 'caller', 'select public.cards'), 'select')['dba-tables'], [
      'context.mfa',
    ])
  })
  test('the first condition of a chain that failed', () => {
    const hr = shape('update public.people').accesses
    const elsewhere = { ...client, address: '192.0.2.1' }
    const what = { kind: 'statement', resource: 'hr', accesses: hr, isIncomplete: false } as const
    const far = loaded.explain({ identity: person(['hr']), nowMs: 0, client: elsewhere, audience: 'caller', what })
    assert.deepEqual(nearOf(far, 'update')['hr-office'], ['context.net.isInRange(ip("10.0.0.0/8"))'])
    const late = loaded.explain({ identity: person(['hr']), nowMs: Date.UTC(2028), client, audience: 'caller', what })
    assert.deepEqual(nearOf(late, 'update')['hr-office'], ['context.now < datetime("2027-01-01")'])
    const unknown = loaded.explain({
      identity: person(['hr']),
      nowMs: 0,
      audience: 'caller',
      what: { ...what, accesses: shape('delete public.people').accesses },
    })
    assert.equal(unknown.decision.outcome, 'deny')
  })
  test('the resource', () => {
    const near = nearOf(explain(person(['support']), 'caller', 'select public.customers'), 'select')
    assert.deepEqual(near['support-orders'], ['resource == Table::"cards/public/orders"'])
  })
  test('the action, when all else held', () => {
    const near = nearOf(explain(person(['support']), 'caller', 'update public.orders'), 'update')
    assert.deepEqual(near['support-orders'], ['action in Action::"select"'])
    assert.equal(near['support-connect'], undefined, 'about something else altogether')
  })
  test('the principal, for those who may see it', () => {
    const near = nearOf(explain(person([]), 'owner', 'select public.orders'), 'select')
    assert.deepEqual(near['support-orders'], ['principal is Person in Group::"support"'])
  })
  test('several parts', () => {
    const near = nearOf(explain(workload('deploy-bot'), 'owner', 'select public.orders'), 'select')
    assert.deepEqual(near['ci-archive'], [
      'principal == Workload::"ci-bot"',
      'resource == Table::"cards/archive/orders"',
    ])
  })
  test('an unless, a chain with brackets, comments and an or', () => {
    const policy = loadSample(`
      @id("a") @need("n") @owner("o")
      permit (principal is Person in Group::"hr", action in Action::"connect", resource == Database::"hr")
      when { // first; (
        (context.mfa || true) /// ,
        && context has agent
        && context.agent == Agent::"x" }
      unless { context.mfa };
      @id("b") @need("n") @owner("o")
      permit (principal is Person in Group::"hr", action in Action::"connect", resource == Database::"hr")
      when { context.mfa || context has agent && false } unless { false };
      @id("c") @need("n") @owner("o")
      permit (principal is Person in Group::"hr", action in Action::"connect", resource == Database::"hr")
      when { true } unless { [1, 2].contains(1) && !context.mfa };`)
    const what = { kind: 'connect', resource: 'hr' } as const
    const near = (identity: Identity): unknown =>
      nearOf(policy.explain({ identity, nowMs: 0, client, audience: 'caller', what }), 'connect')
    assert.deepEqual(near(person(['hr'])), {
      a: ['context has agent'],
      b: ['context.mfa || context has agent && false'],
      c: ['unless [1, 2].contains(1) && !context.mfa'],
    })
    assert.deepEqual(near(person(['hr'], { agent: { id: 'y', name: 'y' } })), {
      a: ['context.agent == Agent::"x"'],
      b: ['context.mfa || context has agent && false'],
      c: ['unless [1, 2].contains(1) && !context.mfa'],
    })
  })
})

describe('who sees what', () => {
  test('the caller sees only permits for themselves and their groups', () => {
    for (const identity of [person([]), person(['support']), person(['hr']), workload('deploy-bot')]) {
      for (const check of explain(identity, 'caller', 'select public.cards', 'delete public.orders').checks) {
        for (const { failed } of check.near)
          assert.ok(!failed.some((part) => part.startsWith('principal')), failed.join())
      }
    }
  })
  test('a denial by a ban names the ban, not the permits', () => {
    const explanation = explain(person(['dba', 'contractors'], { mfa: true }), 'owner', 'update public.orders')
    const check = explanation.checks.find(({ action }) => action === 'update')
    assert.deepEqual(
      check?.policies.map(({ id, effect, owner }) => ({ id, effect, owner })),
      [{ id: 'ban-contractors', effect: 'forbid', owner: 'security' }],
    )
    assert.deepEqual(check.near, [])
  })
  test('a hold lists which policy wants whom', () => {
    const explanation = explain(person(['dba'], { mfa: true }), 'caller', 'delete public.orders')
    const check = explanation.checks.find(({ action }) => action === 'delete')
    assert.deepEqual(
      check?.policies.map(({ id, approvers }) => [id, approvers]),
      [
        ['dba-tables', undefined],
        ['guard-delete', 'payments-leads:1 and security:1'],
      ],
    )
  })
})

test('an explanation says what a decision says', () => {
  const explanation = explain(person(['support']), 'caller', 'select public.orders')
  assert.equal(explanation.decision.outcome, 'allow')
  assert.deepEqual(explanation.decision.policies, ['support-connect', 'support-orders'])
  assert.deepEqual(formatExplanation(explanation), [
    'allow',
    '  allow  connect on cards',
    '         permit "support-connect" (sample.cedar:3, owner support-lead)',
    '  allow  adhoc on cards',
    '         permit "support-connect" (sample.cedar:3, owner support-lead)',
    '  allow  select on cards.public.orders',
    '         permit "support-orders" (sample.cedar:10, owner support-lead)',
  ])
})

test('what cannot be asked is explained by its decision alone', () => {
  const explanation = explainOn('gone', person(['support']), 'caller', [])
  assert.deepEqual(explanation.checks, [])
  assert.deepEqual(formatExplanation(explanation), ['deny: the policy in force knows no such resource'])
})

test('the boundary is explained too', () => {
  const explanation = loaded.explain({
    identity: person(['auditors']),
    nowMs: 0,
    audience: 'caller',
    what: { kind: 'boundary', action: 'revoke' },
  })
  assert.deepEqual(nearOf(explanation, 'revoke')['auditors-read'], [
    'action in [Action::"readTrail", Action::"explain"]',
  ])
})

describe('what comes through a tool', () => {
  const through = (identity: Identity, tool: string, ...accesses: readonly string[]): Explanation =>
    loaded.explain({
      identity,
      nowMs: 0,
      client,
      audience: 'caller',
      what: {
        kind: 'statement',
        resource: 'cards',
        accesses: shape(...accesses).accesses,
        isIncomplete: false,
        via: { server: 'ledger', tool },
      },
    })
  test('both hops are named', () => {
    const explanation = through(person(['support', 'x']), 'lookup_customer', 'select public.customers')
    assert.deepEqual(explanation.hops, ['person p1 in support', 'ledger/lookup_customer'])
    assert.deepEqual(formatExplanation(explanation), [
      'allow',
      '  asked by person p1 in support, through ledger/lookup_customer',
      '  allow  connect on cards',
      '         permit "lookup-adhoc" (sample.cedar:182, owner support-lead)',
      '  allow  adhoc on cards',
      '         permit "lookup-adhoc" (sample.cedar:182, owner support-lead)',
      '  allow  select on cards.public.customers',
      '         permit "lookup-sql" (sample.cedar:175, owner support-lead)',
    ])
  })
  test("a person's own permit is shown as one that does not count there", () => {
    const explanation = through(person(['support']), 'lookup_customer', 'select public.orders')
    assert.equal(
      explanation.decision.reason,
      'no permit for select on cards.public.orders through ledger/lookup_customer',
    )
    const check = explanation.checks.find(({ action }) => action === 'select')
    const near = (check?.near ?? []).map(({ policy, failed, kind }) => [policy.id, failed, kind])
    assert.deepEqual(near, [
      ['lookup-sql', ['resource == Table::"cards/public/customers"'], 'failed'],
      ['support-orders', ['principal is Person in Group::"support"'], 'direct'],
    ])
    assert.ok(
      formatExplanation(explanation).some((line) =>
        line.endsWith('it is for people themselves, not for what an MCP server does in their name'),
      ),
    )
  })
  test('who may use the tool is a condition', () => {
    const explanation = through(person([]), 'lookup_customer', 'select public.customers')
    assert.deepEqual(nearOf(explanation, 'select'), { 'lookup-sql': ['principal in Group::"support"'] })
  })
  test('a way that policy does not know', () => {
    const explanation = through(person(['support']), 'gone', 'select public.customers')
    assert.deepEqual(formatExplanation(explanation), ['deny: the policy in force knows no such tool'])
  })
})

describe('a tool call', () => {
  const call = (identity: Identity, tool: string, args?: string): Explanation =>
    loaded.explain({
      identity,
      nowMs: 0,
      client,
      audience: 'caller',
      what: {
        kind: 'statement',
        resource: 'ledger',
        accesses: [{ effect: 'callTool', object: { kind: 'tool', name: tool } }],
        isIncomplete: false,
        ...(args === undefined ? {} : { arguments: args }),
      },
    })
  test('names the condition on an argument that failed', () => {
    const explanation = call(person(['support']), 'refund', '{"amount":5000,"currency":"EUR"}')
    assert.deepEqual(nearOf(explanation, 'ledger/refund'), {
      'refund-small': ['context.args.amount <= 100'],
      'refund-large': ['context.args.amount <= 1000'],
      'refund-usd': ['context.args.currency == "USD"'],
    })
    assert.doesNotMatch(formatExplanation(explanation).join('\n'), /5000/)
  })
  test('says when an argument is not what it must be, or not known', () => {
    const reasonOf = (args?: string): string | undefined => call(person(['support']), 'refund', args).checks[1]?.reason
    assert.match(
      reasonOf('{"amount":"4111111111111111","currency":"EUR"}') ?? '',
      /: argument "amount" is no whole number/,
    )
    assert.match(reasonOf() ?? '', /: the arguments are not known$/)
  })
  test('without the arguments it says what depends on them', () => {
    const explanation = call(person(['support']), 'refund')
    assert.deepEqual(
      explanation.checks[1]?.near.map(({ policy, failed, kind }) => [policy.id, failed.length, kind]),
      [
        ['refund-small', 3, 'unknown'],
        ['refund-large', 2, 'unknown'],
        ['refund-usd', 3, 'unknown'],
      ],
    )
    assert.ok(
      formatExplanation(explanation).some((line) =>
        line.endsWith('): depends on context.args.amount > 100; context.args.amount <= 1000'),
      ),
    )
    assert.deepEqual(call(person([]), 'refund').checks[1]?.near, [])
  })
  test('a held one says who has to approve it', () => {
    const explanation = call(person(['support']), 'refund', '{"amount":500,"currency":"EUR"}')
    assert.equal(explanation.decision.need, 'payments-leads:1')
    assert.deepEqual(
      explanation.checks[1]?.policies.map(({ id, approvers }) => [id, approvers]),
      [['refund-large', 'payments-leads:1']],
    )
  })
  test('who is no support sees the gate, and nothing of the permits of others', () => {
    const explanation = call(person([]), 'refund', '{"amount":50,"currency":"EUR"}')
    assert.equal(explanation.decision.reason, 'no permit for open on ledger')
    assert.deepEqual(
      explanation.checks.flatMap(({ near }) => near),
      [],
    )
  })
  test('listing is explained too', () => {
    const list = (tool: string): readonly string[] =>
      formatExplanation(
        loaded.explain({
          identity: person(['support']),
          nowMs: 0,
          audience: 'caller',
          what: { kind: 'list', resource: 'ledger', tool },
        }),
      )
    assert.deepEqual(list('refund'), [
      'allow',
      '  allow  listTool on ledger/refund',
      '         permit "ledger-list" (sample.cedar:100, owner support-lead)',
    ])
    assert.deepEqual(list('gone'), ['deny: the policy in force knows no such tool'])
  })
})
