import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { twinOf } from './actions.ts'
import { askPreparsed, preparse } from './cedar.ts'
import { buildContext } from './facts.ts'
import { lintPolicies } from './lint/index.ts'
import { parseAll } from './load.ts'
import { allFacts, formatSchema } from './schema.ts'
import { policyTexts } from './slices.ts'
import { catalog, drawnBan, drawnIdentity, drawnSqlQuestion } from './testkit/draws.ts'
import { principalOn } from './way.ts'

const RUNS = Math.min(Number(process.env['SALLYPORT_FUZZ_RUNS'] ?? 100), 5_000)
const schema = formatSchema(catalog)
const circumstances = { nowMs: 0, client: { address: '10.0.0.1', port: 1, tls: true } }

test('a ban that the linter takes holds with an approval and through a tool as it does without', () => {
  let matched = 0
  const property = fc.property(
    fc.array(drawnBan, { minLength: 1, maxLength: 8 }),
    fc.array(fc.tuple(drawnIdentity, drawnSqlQuestion), { minLength: 8, maxLength: 8 }),
    (texts, questions) => {
      const { policies, problems } = parseAll([
        { name: 'x', text: texts.map((text, index) => `@id("p${index}") @owner("o") ${text}`).join('\n') },
      ])
      assert.deepEqual(problems, [])
      const own = policies.filter(({ isSystem }) => !isSystem)
      assert.deepEqual(
        lintPolicies(own, catalog).filter(({ rule }) => rule === 'ban'),
        [],
      )
      assert.ok(preparse('bans', schema, policyTexts(policies)))
      for (const [who, { action, target }] of questions) {
        const reasons = (way: Parameters<typeof principalOn>[1], name: string): readonly string[] => {
          const principal = principalOn(who, way, catalog)
          assert.ok(typeof principal !== 'string')
          const answer = askPreparsed('bans', {
            principal: principal.ref,
            action: name,
            resource: target.ref,
            entities: [...principal.entities, ...target.entities],
            context: buildContext(allFacts, principal, circumstances),
          })
          assert.ok(answer.kind === 'deny')
          return answer.reason
        }
        const direct = reasons(undefined, action.name)
        matched += direct.length
        const way = { server: 'ledger', tool: 'refund' }
        assert.deepEqual(reasons(undefined, twinOf(action.name)), direct)
        assert.deepEqual(reasons(way, action.name), direct)
        assert.deepEqual(reasons(way, twinOf(action.name)), direct)
        assert.deepEqual(reasons({ server: 'wiki' }, action.name), direct)
      }
    },
  )
  fc.assert(property, { numRuns: RUNS })
  assert.ok(matched > RUNS, `only ${matched} bans matched: the test would show nothing`)
})
