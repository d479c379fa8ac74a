import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import { loadSample, person, readVector, sampleInput, sampleSession, shape } from '../../testkit/policy-sample.ts'
import { loadPolicy, type PolicyInput } from './load.ts'
import { formatProblem } from './problems.ts'

const permit = (id: string, more = ''): string =>
  `@id("${id}") @need("n") @owner("o") permit (principal is Person in Group::"hr", action in Action::"connect", resource == Database::"hr")${more};`

function problemsOf(files: PolicyInput['files']): readonly string[] {
  const loaded = loadPolicy({ ...sampleInput(), files })
  return loaded.kind === 'problems' ? loaded.problems.map(formatProblem) : []
}

describe('the hash', () => {
  const hash = loadSample().hash
  test('is SHA-256 in hexadecimal', () => assert.match(hash, /^[0-9a-f]{64}$/))
  test('is the same for the same policy, however it is cut into files and in whatever order things are declared', () => {
    const one = { name: 'a.cedar', text: permit('a') }
    const other = { name: 'b.cedar', text: permit('b') }
    const load = (changes: Partial<PolicyInput>): string => loadSample('', changes).hash
    const input = sampleInput()
    assert.equal(load({ files: [one, other] }), load({ files: [other, one] }))
    assert.equal(load({ files: [one] }), load({ files: [{ ...one, name: 'elsewhere/a.cedar' }] }))
    assert.equal(load({ groups: [...input.groups].reverse() }), load({}))
    assert.equal(load({ resources: [...input.resources].reverse() }), load({}))
  })
  const changes: Readonly<Record<string, Partial<PolicyInput>>> = {
    'a comment': { files: [{ name: 'sample.cedar', text: `${readVector('boundary.cedar')}// x\n` }] },
    'another group': { groups: [...sampleInput().groups, 'more'] },
    'another workload': { workloads: [...sampleInput().workloads, 'more-bot'] },
    'another table': {
      resources: sampleInput().resources.map((resource) =>
        resource.kind === 'postgres' ? { ...resource, tables: [...resource.tables, 'public.more'] } : resource,
      ),
    },
    'a zone': { resources: sampleInput().resources.map((resource) => ({ ...resource, zone: 'cde' })) },
  }
  for (const [name, change] of Object.entries(changes)) {
    test(`${name} changes it`, () => {
      const text = name === 'a zone' ? permit('a', '') : readVector('boundary.cedar')
      const before = loadSample(text).hash
      const loaded = loadPolicy({ ...sampleInput(), files: [{ name: 'sample.cedar', text }], ...change })
      // in the CDE nothing is loaded without a review, which is another way of not being the same
      assert.ok(loaded.kind === 'problems' ? name === 'a zone' : loaded.hash !== before)
    })
  }
})

describe('nothing at all', () => {
  test('no policy is a policy: everything is denied', () => {
    const nothing = loadSample('// nothing here\n', { groups: [], workloads: [], resources: sampleInput().resources })
    const { decision } = nothing.decide(sampleSession(person(['support']), 'cards'), shape(), 0)
    assert.equal(decision.outcome, 'deny')
    assert.equal(decision.code, 'SP_POLICY_DENIED')
    assert.deepEqual(nothing.policyIds, ['sys/unlisted-cde', 'sys/incomplete-cde'])
  })
  test('a group called as nothing is written grants nothing', () => {
    const nothing = loadSample('', { groups: [] })
    assert.equal(nothing.decide(sampleSession(person(['%']), 'cards'), shape(), 0).decision.outcome, 'deny')
  })
})

describe('limits', () => {
  test('an oversized file', () => {
    assert.match(
      problemsOf([{ name: 'big.cedar', text: ' '.repeat((1 << 20) + 1) }]).join(),
      /^big.cedar:1:1: longer than 1048576/,
    )
  })
  test('too many files', () => {
    const files = Array.from({ length: 1_001 }, (_, index) => ({ name: `${index}.cedar`, text: '' }))
    assert.match(problemsOf(files).join(), /more than 1000 policy files/)
  })
  test('text that is no Unicode', () => {
    assert.match(problemsOf([{ name: 'x.cedar', text: '// \ud800' }]).join(), /not well-formed Unicode/)
  })
  const nests: Readonly<Record<string, string>> = {
    brackets: `when { ${'('.repeat(2_000)}true${')'.repeat(2_000)} }`,
    sets: `when { ${'['.repeat(2_000)}true${']'.repeat(2_000)}.isEmpty() }`,
    sums: `when { 1${' + 1'.repeat(3_000)} == 1 }`,
    ifs: `when { ${'if true then '.repeat(1_000)}true${' else false'.repeat(1_000)} }`,
    dots: `when { context${'.mfa'.repeat(3_000)} }`,
    clauses: 'when { context.mfa } '.repeat(3_000),
  }
  for (const [name, nest] of Object.entries(nests)) {
    test(`${name} that would overflow Cedar's stack are refused before Cedar sees them`, () => {
      assert.match(problemsOf([{ name: 'deep.cedar', text: permit('a', nest) }]).join(), /^deep.cedar:1:\d+: /)
      // a stack overflow would break Cedar for good: the next policy would not load
      assert.deepEqual(problemsOf([{ name: 'ok.cedar', text: permit('a') }]), [])
    })
  }
  test('what is just within the limits works', () => {
    const wide = `when { ${Array.from({ length: 200 }, () => 'context.mfa').join(' && ')} }`
    const deep = `unless { ${'('.repeat(30)}1 + 1 == 3${')'.repeat(30)} }`
    const policy = loadSample(permit('a', `${wide} ${deep}`))
    assert.equal(
      policy.decideConnect(person(['hr'], { mfa: true }), sampleSession(person([]), 'hr').resource, 0).outcome,
      'allow',
    )
  })
})

test('problems of several files come sorted, each with its own place', () => {
  const files = [
    { name: 'b.cedar', text: `\n${permit('x').replace('Group::"hr"', 'Group::"hrr"')}` },
    { name: 'a.cedar', text: `${permit('x')}\n\n  ${permit('y').replace('@need("n") ', '')}` },
  ]
  assert.deepEqual(problemsOf(files), [
    'a.cedar:3:24: "y": @need is missing; write @need("…"): the business need that this access serves',
    'b.cedar:2:1: "x": this @id is taken by a.cedar:1; give each policy an id of its own',
    'b.cedar:2:64: "x": there is no Group::"hrr"; correct it, or add the group to the configuration',
  ])
})

test('a policy that cannot be loaded leaves the one in force as it was', () => {
  const inForce = loadSample()
  const session = sampleSession(person(['support']), 'cards')
  assert.equal(inForce.decide(session, shape('select public.orders'), 0).decision.outcome, 'allow')
  assert.notEqual(problemsOf([{ name: 'x.cedar', text: 'permit (principal, action, resource);' }]).length, 0)
  assert.equal(inForce.decide(session, shape('select public.orders'), 0).decision.outcome, 'allow')
})
