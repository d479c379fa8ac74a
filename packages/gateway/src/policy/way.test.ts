import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import type { Identity, Session, Shape, ToolServer, ViaLink } from '#model'
import {
  loadSample,
  person,
  sampleInput,
  sampleResource,
  sampleSession,
  shape,
  shapeOf,
  workload,
} from '../../testkit/policy-sample.ts'
import { buildCatalog } from './catalog.ts'
import { buildVia } from './entities.ts'
import { parseAll } from './load.ts'
import { LoadedPolicy } from './loaded.ts'

const NOW = Date.UTC(2026, 10, 21)
const loaded = loadSample()
const support = person(['support'])
const customers = shape('select public.customers')
const lookup = { server: 'ledger', tool: 'lookup_customer' }

function link(server: string, tools: readonly string[] = []): ViaLink {
  return { server, childId: 'child', tools, running: () => [] }
}

function child(identity: Identity, server = 'ledger'): Session {
  return { ...sampleSession(identity, 'cards'), via: link(server, ['lookup_customer', 'refund']) }
}

function call(tool: string, changes: Partial<Shape> = {}): Shape {
  return { ...shapeOf([{ effect: 'callTool', object: { kind: 'tool', name: tool } }]), verb: 'tools/call', ...changes }
}

describe('SQL that comes through an MCP server', () => {
  const session = child(support)
  test('is decided for the tool whose call it is', () => {
    assert.equal(loaded.decide(session, customers, NOW, { via: lookup }).decision.outcome, 'allow')
    const refund = loaded.decide(session, customers, NOW, { via: { server: 'ledger', tool: 'refund' } }).decision
    assert.equal(refund.reason, 'no permit for select on cards.public.customers through ledger/refund')
  })
  test('is kept for each way', () => {
    const first = loaded.decide(session, customers, NOW, { via: lookup })
    assert.equal(loaded.decide(session, customers, NOW + 1, { via: { ...lookup } }), first)
    assert.equal(loaded.decide(child(support), customers, NOW, { via: lookup }), first)
    assert.notEqual(loaded.decide(session, customers, NOW, { via: { server: 'ledger' } }), first)
    assert.notEqual(loaded.decide(sampleSession(support, 'cards'), customers, NOW), first)
  })
  test("is never the person's own, also when nobody says which call it is for", () => {
    const orders = shape('select public.orders')
    assert.equal(loaded.decide(sampleSession(support, 'cards'), orders, NOW).decision.outcome, 'allow')
    for (const asked of [{}, { via: { server: 'ledger' } }, { via: lookup }]) {
      assert.equal(loaded.decide(session, orders, NOW, asked).decision.outcome, 'deny')
    }
    const { reason } = loaded.decide(session, orders, NOW).decision
    assert.equal(reason, 'no permit for connect on cards through ledger')
  })
  test('comes through the server of its session, through one that policy knows, and a tool that it knows', () => {
    const cases: readonly (readonly [Session, { server: string; tool?: string }, RegExp])[] = [
      [session, { server: 'wiki', tool: 'execute_sql' }, /another MCP server/],
      [child(support, 'gone'), { server: 'gone' }, /no such MCP server/],
      [session, { server: 'ledger', tool: 'gone' }, /no such tool/],
      [session, { server: 'ledger', tool: '' }, /no such tool/],
    ]
    for (const [asking, via, reason] of cases) {
      const { decision } = loaded.decide(asking, customers, NOW, { via })
      assert.equal(decision.outcome, 'deny')
      assert.match(decision.reason ?? '', reason)
    }
  })
  test('a start-up query is below the server alone', () => {
    const hr = { ...child(support), resource: sampleResource('hr') }
    assert.equal(loaded.decide(hr, shape(), NOW).decision.outcome, 'allow')
    assert.equal(loaded.decide(hr, shape('select public.people'), NOW).decision.outcome, 'deny')
  })
  test('MCP servers are not called through others', () => {
    const tools = { ...child(support), resource: sampleResource('wiki') }
    assert.equal(loaded.decide(tools, shapeOf([]), NOW, { via: lookup }).decision.outcome, 'deny')
    assert.deepEqual(loaded.decideList(tools, ['x'], NOW), [false])
  })
  test('the way is part of who it is, and cannot be imitated', () => {
    const catalog = buildCatalog(sampleInput())
    const ledger = catalog.servers.get('ledger')
    assert.ok(ledger)
    const ids = [
      buildVia(person([], { id: 'a' }), ledger, undefined, catalog),
      buildVia(person([], { id: 'a' }), ledger, ledger.tools.get('refund'), catalog),
      buildVia(person([], { id: 'a/ledger' }), ledger, undefined, catalog),
      buildVia(workload('a'), ledger, undefined, catalog),
    ].map(({ ref }) => ref.id)
    assert.deepEqual(ids, [
      'Person/a/ledger',
      'Person/a/ledger/refund',
      'Person/a%2Fledger/ledger',
      'Workload/a/ledger',
    ])
  })
})

describe('the belt: whoever comes through a server is let through by a permit for that alone', () => {
  const text = (
    permit: string,
  ): string => `@id("gates") permit (principal is Via in Server::"ledger", action in [Action::"connect", Action::"adhoc"], resource);
    ${permit}`
  const decide = (permit: string, asked: Shape = customers): string => {
    const input = sampleInput()
    const { policies, problems } = parseAll([{ name: 'x.cedar', text: text(permit) }])
    assert.deepEqual(problems, [])
    const set = { policies, catalog: buildCatalog(input), hash: 'h', canonicalText: '', sources: [] }
    const { decision } = new LoadedPolicy(set).decide(child(support), asked, NOW, { via: lookup })
    return decision.outcome
  }
  test('a permit that the linter would have refused does not count', () => {
    assert.equal(
      decide('@id("wide") permit (principal in Group::"support", action in Action::"select", resource);'),
      'deny',
    )
    assert.equal(decide('@id("wide") permit (principal, action, resource);'), 'deny')
    assert.equal(decide('@id("wide") permit (principal in Tool::"ledger/lookup_customer", action, resource);'), 'deny')
  })
  test('nor does it with an approval', () => {
    assert.equal(
      decide(
        '@id("wide") @approvers("security:1") permit (principal in Group::"support", action in Action::"select.approved", resource);',
      ),
      'deny',
    )
  })
  test('beside one that counts it changes nothing', () => {
    assert.equal(
      decide(`@id("wide") permit (principal, action, resource);
        @id("narrow") permit (principal is Via in Tool::"ledger/lookup_customer", action in Action::"select", resource);`),
      'allow',
    )
  })
})

describe('whether a child may connect', () => {
  const cards = sampleResource('cards')
  const connect = (identity: Identity, tools: readonly string[], server = 'ledger', resource = cards): unknown => {
    const { outcome, code, reason } = loaded.decideConnect(identity, resource, NOW, undefined, link(server, tools))
    return outcome === 'allow' ? outcome : [outcome, code, reason]
  }
  test('when one of its tools might', () => {
    assert.equal(connect(support, ['export', 'lookup_customer']), 'allow')
    assert.equal(connect(person([]), ['refund']), 'allow')
  })
  test('not for tools that it does not have', () => {
    const denial = ['deny', 'SP_POLICY_DENIED', 'no permit for connect on cards through ledger']
    assert.deepEqual(connect(support, []), denial)
    assert.deepEqual(connect(support, ['export', 'run_report', 'gone']), denial)
  })
  test('for the server alone', () => assert.equal(connect(person([]), [], 'ledger', sampleResource('hr')), 'allow'))
  test('not of a server that there is not, nor to another server', () => {
    assert.deepEqual(connect(support, ['x'], 'gone'), [
      'deny',
      'SP_POLICY_DENIED',
      'the policy in force knows no such MCP server',
    ])
    assert.deepEqual(connect(support, ['lookup_customer'], 'ledger', sampleResource('wiki')), [
      'deny',
      'SP_POLICY_DENIED',
      'an MCP server is not reached through another',
    ])
  })
})

describe('a session on an MCP server', () => {
  const session = sampleSession(support, 'ledger')
  test('opens and lists', () => {
    assert.equal(loaded.decideConnect(support, sampleResource('ledger'), NOW).outcome, 'allow')
    assert.equal(loaded.decideConnect(person([]), sampleResource('ledger'), NOW).reason, 'no permit for open on ledger')
    const list = shapeOf([])
    assert.equal(loaded.decide(session, list, NOW).decision.outcome, 'allow')
    assert.equal(loaded.decide(session, list, NOW), loaded.decide(session, list, NOW))
  })
  test('sees the tools that it may list, in order; others are not there', () => {
    const tools = ['refund', 'gone', 'lookup_customer', '', 'execute_sql']
    assert.deepEqual(loaded.decideList(session, tools, NOW), [true, false, true, false, false])
    assert.deepEqual(
      loaded.decideList(sampleSession(person([]), 'ledger'), tools, NOW),
      tools.map(() => false),
    )
    assert.deepEqual(
      loaded.decideList(sampleSession(support, 'cards'), tools, NOW),
      tools.map(() => false),
    )
    assert.deepEqual(
      loaded.decideList({ ...session, resource: { name: 'gone', kind: 'mcp', tools: [] } }, tools, NOW),
      tools.map(() => false),
    )
  })
  test('a call whose arguments no policy reads is kept, one whose arguments matter is asked each time', () => {
    const lookupCall = call('lookup_customer')
    const first = loaded.decide(session, lookupCall, NOW, { arguments: '{"email":"a"}' })
    assert.equal(first.decision.outcome, 'allow')
    assert.equal(loaded.decide(session, lookupCall, NOW, { arguments: '{"email":"b"}' }), first)
    const refund = call('refund')
    const decide = (amount: number): string =>
      loaded.decide(session, refund, NOW, { arguments: `{"amount":${amount},"currency":"EUR"}` }).decision.outcome
    assert.deepEqual([50, 500, 5_000, 50].map(decide), ['allow', 'hold', 'deny', 'allow'])
  })
  test('codes and words', () => {
    const { tools } = sampleResource('ledger') as ToolServer
    const hash = tools.find(({ name }) => name === 'refund')?.hash ?? ''
    const cases: readonly (readonly [Shape, string | undefined, string, string])[] = [
      [call('gone'), '{}', 'SP_TOOL_UNKNOWN', 'the policy in force knows no such tool'],
      [
        call('refund', { definition: 'f'.repeat(64) }),
        '{}',
        'SP_TOOL_CHANGED',
        'the policy in force was loaded with another definition of the tool',
      ],
      [call('refund', { incomplete: 'x' }), '{}', 'SP_OPERATION_INCOMPLETE', 'it is not fully understood'],
      [call('refund'), undefined, 'SP_OPERATION_INCOMPLETE', 'calling ledger/refund: the arguments are not known'],
      [
        call('refund', { definition: hash }),
        '{"currency":"EUR"}',
        'SP_OPERATION_INCOMPLETE',
        'calling ledger/refund: argument "amount" is missing',
      ],
      [call('refund'), '{"amount":5000,"currency":"EUR"}', 'SP_POLICY_DENIED', 'no permit for calling ledger/refund'],
      [
        call('refund'),
        '{"amount":500,"currency":"USD"}',
        'SP_POLICY_NEEDS_APPROVAL',
        'calling ledger/refund needs an approval: payments-leads:1 and security:1',
      ],
      [
        { ...call('refund'), accesses: [...call('refund').accesses, ...call('refund').accesses] },
        '{}',
        'SP_POLICY_ERROR',
        'it is no call of one tool',
      ],
    ]
    for (const [asked, args, code, reason] of cases) {
      const { decision } = loaded.decide(session, asked, NOW, args === undefined ? {} : { arguments: args })
      assert.deepEqual({ code: decision.code, reason: decision.reason }, { code, reason })
    }
  })
})

describe('an operation that somebody approved', () => {
  const session = sampleSession(support, 'ledger')
  const large = { arguments: '{"amount":500,"currency":"USD"}' }
  const held = loaded.decide(session, call('refund'), NOW, large).decision
  test('runs when the same people have to approve it', () => {
    assert.equal(held.need, 'payments-leads:1 and security:1')
    const { decision } = loaded.decide(session, call('refund'), NOW, { ...large, approved: held.need })
    assert.deepEqual(decision, { outcome: 'allow', policies: ['refund-large', 'refund-usd'], policyHash: loaded.hash })
  })
  test('does not when others have to, or nobody has to', () => {
    const asked = (approved: string, args: string): unknown => {
      const { decision } = loaded.decide(session, call('refund'), NOW, { arguments: args, approved })
      return [decision.outcome, decision.code, decision.reason]
    }
    const changed = 'policy has changed since the approval was asked for: '
    assert.deepEqual(asked('security:1', large.arguments), [
      'deny',
      'SP_POLICY_DENIED',
      `${changed}it now needs payments-leads:1 and security:1`,
    ])
    assert.deepEqual(asked('security:1', '{"amount":50,"currency":"EUR"}'), [
      'deny',
      'SP_POLICY_DENIED',
      `${changed}it needs none now`,
    ])
    assert.deepEqual(asked('', '{"amount":50,"currency":"EUR"}'), [
      'deny',
      'SP_POLICY_DENIED',
      `${changed}it needs none now`,
    ])
  })
  test('does not when it is denied now', () => {
    const contractor = sampleSession(person(['support', 'contractors']), 'ledger')
    const { decision } = loaded.decide(contractor, call('refund'), NOW, {
      ...large,
      approved: 'payments-leads:1 and security:1',
    })
    assert.deepEqual([decision.outcome, decision.code], ['deny', 'SP_POLICY_FORBIDDEN'])
  })
  test('is asked each time, and leaves nothing behind', () => {
    const dba = sampleSession(person(['dba'], { mfa: true }), 'cards')
    const remove = shape('delete public.orders')
    const need = 'payments-leads:1 and security:1'
    assert.equal(loaded.decide(dba, remove, NOW).decision.need, need)
    const first = loaded.decide(dba, remove, NOW, { approved: need })
    assert.equal(first.decision.outcome, 'allow')
    assert.notEqual(loaded.decide(dba, remove, NOW, { approved: need }), first)
    assert.equal(loaded.decide(dba, remove, NOW).decision.outcome, 'hold')
    assert.equal(loaded.decide(dba, remove, NOW, { approved: 'security:1' }).decision.outcome, 'deny')
  })
  test('through a tool too', () => {
    const remove = shape('delete public.orders')
    const via = { server: 'ledger', tool: 'refund' }
    const { need } = loaded.decide(child(support), remove, NOW, { via }).decision
    assert.ok(need)
    assert.equal(loaded.decide(child(support), remove, NOW, { via, approved: need }).decision.outcome, 'allow')
  })
})

describe('columns with card data', () => {
  const dba = sampleSession(person(['dba'], { mfa: true }), 'cards')
  const select = (columns: object): Shape =>
    shapeOf([{ effect: 'select', object: { kind: 'table', schema: 'public', name: 'cards' }, ...columns }])
  const cases: readonly (readonly [object, string | undefined])[] = [
    [{}, undefined],
    [{ computed: [] }, undefined],
    [{ computed: ['expiry'], unnamed: ['name'] }, undefined],
    [{ computed: ['pan'] }, 'column cards.public.cards.pan is card data: to be shown or compared, not computed with'],
    [{ computed: '*' }, 'column cards.public.cards.pan is card data: to be shown or compared, not computed with'],
    [
      { computed: ['cvv'] },
      'column cards.public.cards.cvv is sensitive authentication data: to be shown or compared, not computed with',
    ],
    [{ unnamed: ['pan'] }, 'column cards.public.cards.pan is card data: only as a column of its own, masked'],
  ]
  for (const [columns, reason] of cases) {
    test(JSON.stringify(columns), () => {
      const { decision } = loaded.decide(dba, select(columns), NOW)
      assert.equal(decision.reason, reason)
      assert.equal(decision.code, reason === undefined ? undefined : 'SP_POLICY_DENIED')
    })
  }
})

test('what policy was loaded from can be shown, and its hash checked', async () => {
  assert.deepEqual(
    loaded.sources.map(({ name }) => name),
    ['system.cedar', 'sample.cedar'],
  )
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(loaded.canonicalText))
  assert.equal(Buffer.from(digest).toString('hex'), loaded.hash)
  const other = { ...sampleInput() }
  const ledger = other.resources.find(({ name }) => name === 'ledger') as ToolServer
  const changed = ledger.tools.map((tool) => (tool.name === 'refund' ? { ...tool, hash: 'f'.repeat(64) } : tool))
  const resources = other.resources.map((resource) =>
    resource.name === 'ledger' ? { ...ledger, tools: changed } : resource,
  )
  assert.notEqual(loadSample(undefined, { resources }).hash, loaded.hash)
  assert.equal(loadSample(undefined, { resources: other.resources.toReversed() }).hash, loaded.hash)
})
