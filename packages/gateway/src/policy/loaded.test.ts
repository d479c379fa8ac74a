import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import type { Access, Session, Shape } from '#model'
import { buildCatalog } from './catalog.ts'
import { LoadedPolicy } from './loaded.ts'
import { parseAll } from './load.ts'
import {
  loadSample,
  person,
  readVector,
  sampleInput,
  sampleResource,
  sampleSession,
  shape,
  shapeOf,
  workload,
} from '../../testkit/policy-sample.ts'

const NOW = Date.UTC(2026, 10, 21)
const loaded = loadSample()
const support = sampleSession(person(['support']), 'cards')
const orders = shape('select public.orders')

describe('the same object comes back while nothing changed', () => {
  test('for the same session, and for another of the same identity', () => {
    const first = loaded.decide(support, orders, NOW)
    assert.equal(loaded.decide(support, orders, NOW + 1e9), first)
    assert.equal(loaded.decide(sampleSession(person(['support']), 'cards', '192.0.2.9'), orders, NOW), first)
    assert.equal(first.shape, orders)
  })
  test('another shape, identity, group, factor or agent has an object of its own', () => {
    const first = loaded.decide(support, orders, NOW)
    const others: readonly (readonly [Session, Shape])[] = [
      [support, shape('select public.orders')],
      [sampleSession(person(['support'], { id: 'p2' }), 'cards'), orders],
      [sampleSession(person(['support', 'dba']), 'cards'), orders],
      [sampleSession(person(['support'], { mfa: true }), 'cards'), orders],
      [sampleSession(person(['support'], { agent: { id: 'a', name: 'a' } }), 'cards'), orders],
    ]
    for (const [session, other] of others) {
      const decided = loaded.decide(session, other, NOW)
      assert.notEqual(decided, first)
      assert.equal(decided.decision.outcome, 'allow')
      assert.equal(decided.shape, other)
    }
  })
  test('groups that policy does not know make no difference', () => {
    const odd = sampleSession(person(['x', 'support', 'support', 'é']), 'cards')
    assert.equal(loaded.decide(odd, orders, NOW), loaded.decide(support, orders, NOW))
  })
})

describe('answers that are kept never outlive what they depend on', () => {
  test('a person who leaves a group', () => {
    assert.equal(loaded.decide(support, orders, NOW).decision.outcome, 'allow')
    assert.equal(loaded.decide(sampleSession(person([]), 'cards'), orders, NOW).decision.outcome, 'deny')
  })
  test('a person and a workload of one id', () => {
    const bot = sampleSession(workload('ci-bot'), 'cards')
    const namesake = sampleSession(person([], { id: 'ci-bot' }), 'cards')
    const archive = shape('select archive.orders')
    assert.equal(loaded.decide(bot, archive, NOW).decision.outcome, 'allow')
    assert.equal(loaded.decide(namesake, archive, NOW).decision.outcome, 'deny')
  })
  test('a reload: each policy set answers for itself, whatever the order they are asked in', () => {
    const closed = loadSample(
      readVector('boundary.cedar').replace('Table::"cards/public/orders");', 'Table::"cards/archive/orders");'),
    )
    const open = loadSample()
    for (let round = 0; round < 3; round++) {
      for (const [policy, outcome] of [
        [loaded, 'allow'],
        [closed, 'deny'],
        [open, 'allow'],
      ] as const) {
        // shapes of its own, so that Cedar is asked each time something was not kept
        assert.equal(policy.decide(support, shape('select public.orders'), NOW).decision.outcome, outcome)
        const other = sampleSession(person(['support'], { id: `p${round}` }), 'cards')
        assert.equal(policy.decide(other, orders, NOW).decision.outcome, outcome)
        assert.equal(policy.decide(support, orders, NOW).decision.policyHash, policy.hash)
      }
    }
    assert.notEqual(closed.hash, loaded.hash)
    assert.equal(open.hash, loaded.hash)
  })
  test('a resource is what it was when policy was loaded, not what the session says', () => {
    const session = { ...sampleSession(person(['hr']), 'hr'), resource: { ...sampleResource('cards'), zone: 'open' } }
    assert.equal(loaded.decide(session, orders, NOW).decision.outcome, 'deny')
  })
  test('time and network are asked about each time', () => {
    const update = shape('update public.people')
    const office = sampleSession(person(['hr']), 'hr', '10.1.2.3')
    const first = loaded.decide(office, update, NOW)
    assert.equal(first.decision.outcome, 'allow')
    assert.equal(loaded.decide(office, update, Date.UTC(2027, 5)).decision.outcome, 'deny')
    const again = loaded.decide(office, update, NOW)
    assert.notEqual(again, first)
    assert.equal(loaded.decide(office, update, NOW + 1), again, 'what says the same is the same object, for the trail')
    assert.equal(loaded.decide(sampleSession(person(['hr']), 'hr', '192.0.2.1'), update, NOW).decision.outcome, 'deny')
    assert.equal(
      loaded.decide(sampleSession(person(['hr']), 'hr', 'fe80::1%eth0'), update, NOW).decision.code,
      'SP_POLICY_DENIED',
    )
    assert.equal(
      loaded.decide(sampleSession(person(['hr']), 'hr', 'garbage'), update, NOW).decision.code,
      'SP_POLICY_ERROR',
    )
    assert.equal(loaded.decide(office, update, Number.NaN).decision.code, 'SP_POLICY_ERROR')
  })
  test('a table that is read beside does not need the time', () => {
    const read = shape('select public.people')
    const session = sampleSession(person(['hr']), 'hr')
    assert.equal(loaded.decide(session, read, NOW), loaded.decide(session, read, NOW + 1))
  })
})

describe('codes and words', () => {
  const dba = sampleSession(person(['dba'], { mfa: true }), 'cards')
  const cases: readonly {
    readonly name: string
    readonly session: Session
    readonly shape: Shape
    readonly code: string
    readonly reason: string
  }[] = [
    {
      name: 'no permit',
      session: support,
      shape: shape('delete public.customers'),
      code: 'SP_POLICY_DENIED',
      reason: 'no permit for delete on cards.public.customers',
    },
    {
      name: 'forbidden',
      session: sampleSession(person(['dba', 'contractors'], { mfa: true }), 'cards'),
      shape: shape('update public.orders'),
      code: 'SP_POLICY_FORBIDDEN',
      reason: 'update on cards.public.orders is forbidden by "ban-contractors"',
    },
    {
      name: 'held',
      session: dba,
      shape: shape('delete public.orders'),
      code: 'SP_POLICY_NEEDS_APPROVAL',
      reason: 'delete on cards.public.orders needs an approval: payments-leads:1 and security:1',
    },
    {
      name: 'a name nobody listed is not repeated',
      session: support,
      shape: shape('select public.4111111111111111'),
      code: 'SP_POLICY_FORBIDDEN',
      reason: 'select on an unlisted table of cards is forbidden by "sys/unlisted-cde"',
    },
    {
      name: 'incomplete',
      session: dba,
      shape: shapeOf([], 'COPY'),
      code: 'SP_OPERATION_INCOMPLETE',
      reason: 'it is not fully understood',
    },
    {
      name: 'incomplete outside the CDE',
      session: sampleSession(person(['hr']), 'hr'),
      shape: shapeOf([], 'COPY'),
      code: 'SP_OPERATION_INCOMPLETE',
      reason: 'it is not fully understood',
    },
    {
      name: 'no such resource',
      session: { ...support, resource: { name: 'gone', kind: 'postgres', tables: [] } },
      shape: orders,
      code: 'SP_RESOURCE_UNKNOWN',
      reason: 'the policy in force knows no such resource',
    },
    {
      name: 'the gate comes first',
      session: sampleSession(person([]), 'cards'),
      shape: orders,
      code: 'SP_POLICY_DENIED',
      reason: 'no permit for connect on cards',
    },
  ]
  for (const { name, session, shape: asked, code, reason } of cases) {
    test(name, () => {
      const { decision } = loaded.decide(session, asked, NOW)
      assert.deepEqual({ code: decision.code, reason: decision.reason }, { code, reason })
      assert.equal(decision.policyHash, loaded.hash)
    })
  }
  test('an allow has neither', () => {
    const { decision } = loaded.decide(support, orders, NOW)
    assert.deepEqual(Object.keys(decision).sort(), ['outcome', 'policies', 'policyHash'])
    assert.ok(Object.isFrozen(decision))
  })
  test('connect and the boundary', () => {
    assert.equal(loaded.decideConnect(person(['support']), sampleResource('cards'), NOW).outcome, 'allow')
    assert.equal(
      loaded.decideConnect(person([]), sampleResource('cards'), NOW).reason,
      'no permit for connect on cards',
    )
    assert.equal(loaded.decideBoundary(person(['auditors']), 'readTrail', NOW).outcome, 'allow')
    assert.equal(
      loaded.decideBoundary(person(['auditors']), 'revoke', NOW).reason,
      'no permit for revoke on the boundary',
    )
    assert.equal(loaded.decideBoundary(person(['auditors']), 'openPayload', NOW).code, 'SP_POLICY_NEEDS_APPROVAL')
  })
})

describe('what cannot be asked is denied', () => {
  const cases: readonly { readonly name: string; readonly accesses: readonly Access[]; readonly code: string }[] = [
    {
      name: 'an effect on the wrong kind of object',
      accesses: [{ effect: 'select', object: { kind: 'database' } }],
      code: 'SP_POLICY_ERROR',
    },
    {
      name: 'an effect that there is not',
      accesses: [{ effect: 'constructor' as 'select', object: { kind: 'database' } }],
      code: 'SP_POLICY_ERROR',
    },
    {
      name: 'a name too long for any database',
      accesses: [{ effect: 'select', object: { kind: 'table', schema: 'public', name: 'x'.repeat(256) } }],
      code: 'SP_OPERATION_TOO_LARGE',
    },
    {
      name: 'more tables than anybody joins',
      accesses: Array.from({ length: 300 }, (_, index) => ({
        effect: 'select',
        object: { kind: 'table', schema: 'public', name: `t${index}` },
      })),
      code: 'SP_OPERATION_TOO_LARGE',
    },
    {
      name: 'a name that is no text',
      accesses: [{ effect: 'select', object: { kind: 'table', schema: 'public', name: '\ud800' } }],
      code: 'SP_POLICY_ERROR',
    },
  ]
  for (const { name, accesses, code } of cases) {
    test(name, () => {
      const { decision } = loaded.decide(sampleSession(person(['hr']), 'hr'), shapeOf(accesses), NOW)
      assert.equal(decision.outcome, 'deny')
      assert.equal(decision.code, code)
    })
  }
  test('the same table many times is one question', () => {
    const many = Array.from({ length: 1_000 }, () => 'select public.people')
    assert.equal(loaded.decide(sampleSession(person(['hr']), 'hr'), shape(...many), NOW).decision.outcome, 'allow')
  })
  test('an identity that cannot be written in UTF-8', () => {
    const session = sampleSession(person(['support'], { id: '\udc00' }), 'cards')
    assert.equal(loaded.decide(session, orders, NOW).decision.code, 'SP_POLICY_ERROR')
    assert.equal(
      loaded.decideConnect(person(['support'], { id: '\udc00' }), sampleResource('cards'), NOW).outcome,
      'deny',
    )
  })
  test('something that is no shape at all', () => {
    const decided = loaded.decide(support, { verb: 'X' } as Shape, NOW)
    assert.equal(decided.decision.code, 'SP_POLICY_ERROR')
  })
})

describe("what Cedar cannot evaluate is denied, and not in Cedar's words", () => {
  const overflow = `
    @id("gates") @need("n") @owner("o") permit (principal is Person in Group::"hr", action in [Action::"connect", Action::"adhoc", Action::"read"], resource in Database::"hr");
    @id("overflows") @owner("o") forbid (principal, action in Action::"select", resource in Database::"hr")
    when { context.now.toTime() < duration("9223372036854775807ms") && context.now.offset(duration("9223372036854775807ms")) > context.now };`
  const policy = loadSample(overflow)
  test('a ban that overflows denies', () => {
    const decided = policy.decide(sampleSession(person(['hr']), 'hr'), shape('select public.people'), NOW)
    assert.equal(decided.decision.outcome, 'deny')
    assert.equal(decided.decision.code, 'SP_POLICY_ERROR')
    assert.equal(decided.decision.reason, 'policy could not be evaluated for select on hr.public.people')
    assert.deepEqual(decided.decision.policies, [])
  })
  test('and nothing else', () => {
    assert.equal(policy.decide(sampleSession(person(['hr']), 'hr'), shape(), NOW).decision.outcome, 'allow')
  })
})

test('the gate for incomplete statements works; only the linter keeps it shut outside the CDE', () => {
  const text = `permit_(hr)`.replace(
    'permit_(hr)',
    '@id("all") permit (principal is Person in Group::"hr", action in [Action::"connect", Action::"adhoc", Action::"incomplete"], resource);',
  )
  const input = sampleInput()
  const { policies } = parseAll([{ name: 'x.cedar', text }])
  const unlinted = new LoadedPolicy({
    policies,
    catalog: buildCatalog(input),
    hash: 'hash',
    canonicalText: '',
    sources: [],
  })
  const hr = unlinted.decide(sampleSession(person(['hr']), 'hr'), shapeOf([], 'COPY'), NOW).decision
  assert.deepEqual([hr.outcome, hr.policies], ['allow', ['all']])
  const cards = unlinted.decide(sampleSession(person(['hr']), 'cards'), shapeOf([], 'COPY'), NOW).decision
  assert.deepEqual([cards.outcome, cards.policies], ['deny', ['sys/incomplete-cde']])
})

test('many identities and shapes are forgotten and asked again', () => {
  const read = Array.from({ length: 40 }, (_, index) => shape(`select public.t${index}`))
  for (let index = 0; index < 50; index++) {
    const session = sampleSession(person(['hr'], { id: `p${index}` }), 'hr')
    for (const one of read) assert.equal(loaded.decide(session, one, NOW).decision.outcome, 'allow')
  }
})
