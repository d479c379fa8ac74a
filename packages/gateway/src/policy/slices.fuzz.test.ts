import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { twinOf } from './actions.ts'
import { projectArguments } from './arguments/project.ts'
import { askPreparsed, type CedarAnswer, preparse } from './cedar.ts'
import { buildContext } from './facts.ts'
import { parseAll } from './load.ts'
import { allFacts, formatSchema } from './schema.ts'
import { policyTexts, Slices } from './slices.ts'
import { ensureHeld } from './slots.ts'
import { catalog, drawnIdentity, drawnPolicy, drawnQuestion, drawnWay } from './testkit/draws.ts'
import { principalOn } from './way.ts'

const RUNS = Math.min(Number(process.env['SALLYPORT_FUZZ_RUNS'] ?? 100), 5_000)
const schema = formatSchema(catalog)

test('a slice answers as the whole policy set does', () => {
  let allowed = 0
  let through = 0
  let withArguments = 0
  const asked = fc.tuple(drawnIdentity, drawnWay, drawnQuestion, fc.constantFrom('10.0.0.1', '192.0.2.1'))
  const property = fc.property(
    fc.array(drawnPolicy, { minLength: 1, maxLength: 12 }),
    fc.array(asked, { minLength: 12, maxLength: 12 }),
    (texts, questions) => {
      const { policies, problems } = parseAll([
        { name: 'x', text: texts.map((text, index) => `@id("p${index}") ${text}`).join('\n') },
      ])
      assert.deepEqual(problems, [])
      const slices = new Slices(policies, catalog)
      assert.ok(preparse('whole', schema, policyTexts(policies)))
      for (const [who, way, { action, target, text }, address] of questions) {
        const principal = principalOn(who, action.principals.includes('Via') ? way : undefined, catalog)
        assert.ok(typeof principal !== 'string')
        const projected = action.arguments === undefined ? undefined : projectArguments(text, action.arguments)
        // what does not fit the tool denies whatever the policies say; the slice looks at less of it
        if (projected?.kind === 'unfit') continue
        const circumstances = { nowMs: Date.UTC(2026, 5, 2), client: { address, port: 1, tls: true } }
        const entities = [...principal.entities, ...target.entities]
        const askWhole = (name: string): CedarAnswer =>
          askPreparsed('whole', {
            principal: principal.ref,
            action: name,
            resource: target.ref,
            entities,
            context: buildContext(allFacts, principal, circumstances, projected?.values),
          })
        const slice = slices.get({
          action,
          principal: principal.ref.type,
          server: principal.server,
          root: target.root,
        })
        for (const approved of [false, true]) {
          const name = approved ? twinOf(action.name) : action.name
          const whole = askWhole(name)
          const side = approved ? slice.approved : slice.plain
          if (side === undefined) {
            // an approval can change nothing: whatever its twin is allowed, the plain action is allowed too
            assert.ok(whole.kind !== 'allow' || askWhole(action.name).kind === 'allow' || hasRefusedAction(texts))
            continue
          }
          assert.ok(ensureHeld(side.name, side.content))
          const read = side.args === undefined ? undefined : projectArguments(text, side.args)
          assert.ok(read?.kind !== 'unfit')
          const sliced = askPreparsed(side.name, {
            principal: principal.ref,
            action: name,
            resource: target.ref,
            entities,
            context: buildContext(side.facts, principal, circumstances, read?.values),
          })
          if (sliced.kind === 'allow') allowed++
          if (sliced.kind === 'allow' && principal.through !== undefined) through++
          if (sliced.kind !== 'error' && side.args !== undefined) withArguments++
          assert.deepEqual(
            sliced,
            whole,
            `${name} on ${JSON.stringify(target.ref)} by ${JSON.stringify(principal.ref)}`,
          )
        }
      }
    },
  )
  fc.assert(property, { numRuns: RUNS })
  const counts = { allowed, through, withArguments }
  assert.ok(Math.min(...Object.values(counts)) > RUNS / 20, `too few to show anything: ${JSON.stringify(counts)}`)
})

/**
 * What the linter refuses may differ between an action and its twin: guards without approvers are not seen as guards, and a ban on an action alone
 * (`==`) does not reach its twin.
 */
function hasRefusedAction(texts: readonly string[]): boolean {
  return texts.some(
    (text) =>
      text.includes('unless { action in') ||
      /action (?:in \[[^\]]*\.approved|== [^,]*\.approved)|"approved"/.test(text) ||
      /^forbid \(.*, action == /.test(text),
  )
}
