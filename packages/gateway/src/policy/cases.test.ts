import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import { loadSample } from '../../testkit/policy-sample.ts'
import { parseCases } from './cases.ts'
import { testPolicy } from './policy-test.ts'

const good = { identity: { groups: ['support'] }, resource: 'cards', does: ['select public.orders'], expect: 'allow' }

describe('a tests file that is not right', () => {
  const documents: Readonly<Record<string, { document: unknown; fault: RegExp }>> = {
    nothing: { document: null, fault: /^: / },
    'no cases': { document: { cases: [] }, fault: /^cases: / },
    'an unknown key': { document: { cases: [{ ...good, expects: 'deny' }] }, fault: /^cases.0: .*expects/ },
    'an unknown outcome': { document: { cases: [{ ...good, expect: 'maybe' }] }, fault: /^cases.0.expect: / },
    'a statement that is none': {
      document: { cases: [good, { ...good, does: ['read public.orders'] }] },
      fault: /^cases.1: "read public.orders" is not/,
    },
    'a table without a schema': {
      document: { cases: [{ ...good, does: ['select orders'] }] },
      fault: /"select orders" is not/,
    },
    'two questions': {
      document: { cases: [{ ...good, boundary: 'readTrail' }] },
      fault: /^cases.0: give resource and does, or/,
    },
    'no question': {
      document: { cases: [{ identity: {}, expect: 'deny' }] },
      fault: /^cases.0: give resource and does/,
    },
    'an unknown boundary action': {
      document: { cases: [{ identity: {}, boundary: 'select', expect: 'deny' }] },
      fault: /no boundary action "select"/,
    },
    'a time that is none': { document: { cases: [{ ...good, at: 'noon' }] }, fault: /^cases.0.at: / },
  }
  for (const [name, { document, fault }] of Object.entries(documents)) {
    test(name, () => {
      const parsed = parseCases(document)
      assert.ok(parsed.kind === 'faults')
      assert.match(parsed.faults.join('\n'), fault)
      assert.deepEqual(testPolicy(loadSample(), document), { faults: parsed.faults, results: [], unexercised: [] })
    })
  }
})

test('a case fails on another outcome and on other policies', () => {
  const report = testPolicy(loadSample(), {
    cases: [
      good,
      { ...good, expect: 'deny' },
      { ...good, by: ['support-orders'] },
      { ...good, by: ['support-orders', 'support-connect'] },
    ],
  })
  assert.deepEqual(
    report.results.map(({ passed }) => passed),
    [true, false, false, true],
  )
  assert.equal(report.results[0]?.name, 'support: select public.orders')
  assert.ok(!report.unexercised.includes('support-orders'))
  assert.ok(report.unexercised.includes('ban-contractors'))
})
