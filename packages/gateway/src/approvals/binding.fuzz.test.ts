import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Secret, toUtf8 } from '#base'
import type { HeldOperation } from '#model'
import { bindingOf } from './binding.ts'
import { alice, held } from './testkit/held.ts'

const runs = Math.min(Number(process.env['SALLYPORT_FUZZ_RUNS'] ?? 100_000), 20_000)
const key = new Secret(new Uint8Array(32).fill(7))

/** Few and short texts, so that two operations are often nearly the same, and parts could be taken for each other if they had no lengths. */
const text = fc.string({ unit: fc.constantFrom('a', 'b', '\0', '"', 'é'), maxLength: 3 })
const maybe = fc.option(text, { nil: undefined })
const facts = fc.record({
  identity: text,
  agent: maybe,
  server: maybe,
  tool: maybe,
  resource: text,
  verb: text,
  definition: maybe,
  payload: text,
  given: maybe,
  exact: maybe,
})
type Facts = (typeof facts extends fc.Arbitrary<infer T> ? T : never) & object

function operationOf({
  identity,
  agent,
  server,
  tool,
  resource,
  verb,
  definition,
  payload,
  given,
  exact,
}: Facts): HeldOperation {
  return held({
    identity: { ...alice, id: identity, ...(agent === undefined ? {} : { agent: { id: agent, name: 'x' } }) },
    resource: { name: resource, kind: 'postgres', tables: [] },
    operation: {
      shape: { ...held().operation.shape, verb, ...(definition === undefined ? {} : { definition }) },
      payload: toUtf8(payload),
      ...(given === undefined ? {} : { arguments: given }),
      ...(exact === undefined ? {} : { exact: () => toUtf8(exact) }),
    },
    ...(server === undefined ? {} : { via: { server, ...(tool === undefined ? {} : { tool }) } }),
  })
}

/** What is bound, written so that the same is the same text. */
function boundOf({ server, tool, ...rest }: Facts): string {
  const named = { ...rest, server, tool: server === undefined ? undefined : tool }
  return JSON.stringify(named, (_, value: unknown) => value ?? null)
}

test('two operations have the same digest exactly when they are the same', () => {
  fc.assert(
    fc.property(facts, facts, fc.constantFrom(...(['none', 'some'] as const)), (one, other, mix) => {
      // Half of the pairs differ in one part only.
      const second = mix === 'none' ? other : { ...one, payload: other.payload, given: other.given }
      const isSame = boundOf(one) === boundOf(second)
      assert.equal(bindingOf(operationOf(one), key) === bindingOf(operationOf(second), key), isSame)
    }),
    { numRuns: runs },
  )
})
