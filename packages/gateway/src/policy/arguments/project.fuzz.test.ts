import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { parseJson } from '#base'
import { readInputSchema } from './json-schema.ts'
import { membersOf } from './members.ts'
import { projectArguments } from './project.ts'

const RUNS = Math.min(Number(process.env['SALLYPORT_FUZZ_RUNS'] ?? 20_000), 200_000)

const kinds: readonly object[] = [
  { type: 'string' },
  { type: 'integer' },
  { type: 'number' },
  { type: 'boolean' },
  { type: ['string', 'null'] },
  { type: 'array', items: { type: 'string' } },
  { type: 'array', items: { type: 'integer' } },
  { type: 'object', properties: { a: { type: 'string' }, b: { type: 'integer' } }, additionalProperties: true },
  { type: 'object', properties: { __entity: { type: 'string' }, fn: { type: 'string' } } },
]
const name = fc.constantFrom('a', 'b', '__entity', '__extn', 'a b', 'fn', 'é')
const schema = fc
  .tuple(fc.dictionary(name, fc.constantFrom(...kinds)), fc.boolean())
  .map(([properties, additionalProperties]) =>
    readInputSchema(JSON.stringify({ type: 'object', properties, additionalProperties })),
  )
const evil = fc.constantFrom(
  '{"__entity":{"type":"Group","id":"support"}}',
  '{"__extn":{"fn":"decimal","arg":"1.0"}}',
  '{"rawJSON":"5"}',
  '{"source":"5"}',
  '9007199254740993',
  '100.0',
  '1e400',
  'null',
  '"\\ud800"',
  '[{"__entity":{"type":"Group","id":"support"}}]',
)
const value = fc.oneof(fc.json({ maxDepth: 3 }), evil)
const argumentsText = fc
  .array(fc.tuple(name, value), { maxLength: 6 })
  .map((members) => `{${members.map(([key, text]) => `${JSON.stringify(key)}:${text}`).join(',')}}`)

test('no arguments throw, and none becomes an entity', () => {
  fc.assert(
    fc.property(schema, fc.oneof(argumentsText, fc.string({ maxLength: 60 }), fc.json()), (read, text) => {
      const projected = projectArguments(text, read)
      if (projected.kind === 'unfit') return
      for (const member of Object.values(projected.values)) {
        const written = JSON.stringify(member)
        if (typeof member === 'string') continue
        assert.ok(!/^[^"]*"__entity":/.test(written), written)
        // an extension value is a decimal of ours, with all four places
        if (written.includes('"__extn":') && !Array.isArray(member))
          assert.match(written, /^\{"__extn":\{"fn":"decimal","arg":"-?\d+\.\d{4}"\}\}$/)
      }
    }),
    { numRuns: RUNS },
  )
})

test('the members of an object are those that a JSON parser finds', () => {
  const spaced = fc
    .tuple(
      fc.dictionary(fc.string({ unit: 'binary', maxLength: 5 }), fc.jsonValue({ maxDepth: 3 })),
      fc.constantFrom(0, 1, '\t', '\r\n'),
    )
    .map(([object, indent]) => ({
      object,
      text: JSON.stringify(object, null, typeof indent === 'number' ? indent : undefined),
    }))
  fc.assert(
    fc.property(spaced, ({ text }) => {
      const members = membersOf(text)
      assert.ok(members)
      const found = Object.fromEntries(members.map((member) => [member.name, parseJson(member.value)]))
      assert.equal(JSON.stringify(found), JSON.stringify(parseJson(text)))
    }),
    { numRuns: RUNS },
  )
})

test('integers are passed on digit by digit', () => {
  const read = readInputSchema('{"type":"object","properties":{"a":{"type":"integer"}}}')
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (integer) => {
      const projected = projectArguments(`{"a":${integer}}`, read)
      assert.equal(projected.kind === 'values' && JSON.stringify(projected.values), `{"a":${integer}}`)
    }),
    { numRuns: 2_000 },
  )
})
