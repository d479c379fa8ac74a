import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import { parse } from 'yaml'
import { loadSample, readVector, sampleInput, sampleSession, shapeOf } from '../../testkit/policy-sample.ts'
import { parseCases } from './cases.ts'
import { formatExplanation } from './explanation.ts'
import { loadPolicy } from './load.ts'
import { testPolicy } from './policy-test.ts'

describe('decisions: testdata/policy/cases.yaml', () => {
  const document: unknown = parse(readVector('cases.yaml'))
  const loaded = loadSample()
  const report = testPolicy(loaded, document)

  test('the file is understood', () => {
    assert.deepEqual(report.faults, [])
    assert.ok(report.results.length > 50)
  })
  for (const result of report.results) {
    test(result.name, () => {
      assert.ok(result.passed, formatExplanation(result.explanation).join('\n'))
    })
  }
  test('a session gets the same decisions as the cases', () => {
    const cases = parseCases(document)
    assert.ok(cases.kind === 'cases')
    for (const { name, identity, what, nowMs, address, expect, by, needs } of cases.cases) {
      if (what.kind !== 'statement') continue
      const shape = shapeOf(what.accesses, what.isIncomplete ? 'not understood' : undefined)
      const session = sampleSession(identity, what.resource, address ?? 'nowhere')
      const { decision } = loaded.decide(session, shape, nowMs, {
        ...(what.via === undefined ? {} : { via: what.via }),
        ...(what.arguments === undefined ? {} : { arguments: what.arguments }),
      })
      assert.equal(decision.outcome, expect, name)
      assert.deepEqual(decision.policies, by, name)
      if (needs !== undefined) assert.equal(decision.need, needs, name)
    }
  })
  test('only what is meant to lose against another permit determines nothing', () => {
    assert.deepEqual(report.unexercised, ['fraud-orders-held'])
  })
})

describe('refused at load: testdata/policy/refused.txt', () => {
  const sections = readVector('refused.txt').split(/^(?=== )/m)
  test('there are many', () => assert.ok(sections.length > 60))
  for (const section of sections) {
    const [, name = '', expectations = '', body = ''] = /^== (.*)\n((?:expect: .*\n)+)\n([^]*)$/.exec(section) ?? []
    test(name, () => {
      const loaded = loadPolicy({ ...sampleInput(), files: [{ name: 'refused.cedar', text: body.trimEnd() + '\n' }] })
      assert.ok(loaded.kind === 'problems', 'it was loaded')
      const found = loaded.problems.map(
        ({ rule, line, column, message }) => `expect: ${rule} ${line}:${column} ${message}\n`,
      )
      assert.equal(found.join(''), expectations)
      for (const { file, fix } of loaded.problems) assert.ok(file === 'refused.cedar' && fix !== '')
    })
  }
})
