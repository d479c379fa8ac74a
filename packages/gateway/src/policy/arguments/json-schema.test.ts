import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import fc from 'fast-check'
import { readInputSchema } from './json-schema.ts'
import { formatRecord } from './types.ts'

const cases: readonly { readonly name: string; readonly schema: unknown; readonly is: string }[] = [
  { name: 'a text', schema: { type: 'string' }, is: 'String' },
  { name: 'a text with a format', schema: { type: 'string', format: 'date-time' }, is: 'String' },
  { name: 'one of some texts', schema: { enum: ['a', 'b'] }, is: 'String' },
  { name: 'one text', schema: { const: 'a' }, is: 'String' },
  { name: 'a whole number', schema: { type: 'integer', minimum: 0 }, is: 'Long' },
  { name: 'one of some whole numbers', schema: { enum: [1, 2] }, is: 'Long' },
  { name: 'a number', schema: { type: 'number' }, is: 'decimal' },
  { name: 'a truth value', schema: { type: 'boolean' }, is: 'Bool' },
  { name: 'a list', schema: { type: 'array', items: { type: 'integer' } }, is: 'Set<Long>' },
  {
    name: 'an object',
    schema: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
    is: '{ "a": String }',
  },
  { name: 'an object without a type', schema: { properties: { a: { type: 'string' } } }, is: '{ "a"?: String }' },
  { name: 'a map', schema: { type: 'object', additionalProperties: { type: 'string' } }, is: '{  }' },
  { name: 'alternatives of one kind', schema: { oneOf: [{ const: 'a' }, { type: 'string' }] }, is: 'String' },
  { name: 'a reference', schema: { $ref: '#/$defs/word' }, is: 'String' },
  { name: 'a reference with an odd name', schema: { $ref: '#/$defs/a~1b' }, is: 'Bool' },
]
for (const { name, schema, is } of cases) {
  test(`${name} is ${is}`, () => {
    assert.equal(formatRecord(read(schema, ['x'])), `{ "x": ${is} }`)
    assert.equal(formatRecord(read(schema)), `{ "x"?: ${is} }`)
  })
}

for (const schema of [
  { type: ['string', 'null'] },
  { type: ['null', 'string'] },
  { anyOf: [{ type: 'string' }, { type: 'null' }] },
  { anyOf: [{ $ref: '#/$defs/word' }, { const: null }] },
  { enum: ['a', null] },
]) {
  test(`${JSON.stringify(schema)} may be absent, required or not`, () => {
    assert.equal(formatRecord(read(schema, ['x'])), '{ "x"?: String }')
  })
}

describe('what policy cannot read', () => {
  const unusable: readonly { readonly schema: unknown; readonly reason: RegExp }[] = [
    { schema: {}, reason: /anything/ },
    { schema: true, reason: /anything/ },
    { schema: 'string', reason: /anything/ },
    { schema: { type: 'null' }, reason: /anything/ },
    { schema: { type: 'text' }, reason: /unknown/ },
    { schema: { type: ['string', 'integer'] }, reason: /several types/ },
    { schema: { enum: ['a', 1] }, reason: /several types/ },
    { schema: { anyOf: [{ type: 'string' }, { type: 'integer' }] }, reason: /several types/ },
    {
      schema: {
        oneOf: [
          { type: 'object', properties: {} },
          { type: 'object', properties: {} },
        ],
      },
      reason: /several types/,
    },
    { schema: { anyOf: [] }, reason: /anything/ },
    { schema: { anyOf: {} }, reason: /anything/ },
    { schema: { type: 'array' }, reason: /list of other things/ },
    { schema: { type: 'array', items: {} }, reason: /list of other things/ },
    { schema: { type: 'array', items: { type: 'object' } }, reason: /list of other things/ },
    { schema: { type: 'array', items: { type: 'array', items: { type: 'string' } } }, reason: /list of other things/ },
    { schema: { type: 'array', items: { type: ['string', 'null'] } }, reason: /list of other things/ },
    { schema: { type: 'array', items: [{ type: 'string' }] }, reason: /tuple/ },
    { schema: { type: 'array', prefixItems: [{ type: 'string' }] }, reason: /tuple/ },
    { schema: { type: 'string', allOf: [{ type: 'string' }] }, reason: /allOf/ },
    { schema: { type: 'string', not: { const: 'a' } }, reason: /not/ },
    { schema: { type: 'object', patternProperties: {} }, reason: /patternProperties/ },
    { schema: { type: 'string', if: {}, else: {} }, reason: /if/ },
    { schema: { $ref: 'https://example.com/schema' }, reason: /elsewhere/ },
    { schema: { $ref: '#/$defs/gone' }, reason: /anything/ },
    { schema: { $ref: '#/$defs/loop' }, reason: /contains itself/ },
    { schema: { $ref: '#/__proto__/x' }, reason: /anything/ },
    { schema: nested(20), reason: /deep/ },
  ]
  for (const { schema, reason } of unusable) {
    test(JSON.stringify(schema).slice(0, 80), () => {
      const record = read(schema, ['x'])
      const reasons = [...formatReasons(record)]
      assert.match(reasons.join(), reason)
    })
  }
  test('a name that policy cannot write', () => {
    for (const name of ['__entity', '__proto__', 'é', '', 'a\nb', 'x'.repeat(101)]) {
      const schema = JSON.stringify({ type: 'object', properties: { [`${name}?`]: {} } }).replace(
        `${JSON.stringify(`${name}?`)}:{}`,
        `${JSON.stringify(name)}:{"type":"string"}`,
      )
      const record = readInputSchema(schema)
      assert.equal(formatRecord(record), '{  }', name)
      assert.ok(record.declared.has(name))
    }
  })
  test('a schema that is none', () => {
    for (const text of ['', 'null', '[]', '{', '5', `"${'x'.repeat(2 << 20)}"`]) {
      const record = readInputSchema(text)
      assert.equal(formatRecord(record), '{  }')
      assert.ok(record.isOpen)
    }
  })
  test('thousands of arguments', () => {
    const properties = Object.fromEntries(
      Array.from({ length: 3_000 }, (_, index) => [`a${index}`, { type: 'string' }]),
    )
    const record = readInputSchema(JSON.stringify({ type: 'object', properties }))
    assert.equal(record.members.get('a1999')?.type.kind, 'string')
    assert.equal(record.members.get('a2001')?.type.kind, 'unusable')
  })
})

test('members that are not declared are let be only where the schema says so', () => {
  const isOpen = (schema: object): boolean => readInputSchema(JSON.stringify({ type: 'object', ...schema })).isOpen
  assert.equal(isOpen({}), false)
  assert.equal(isOpen({ additionalProperties: false }), false)
  assert.equal(isOpen({ additionalProperties: true }), true)
  assert.equal(isOpen({ additionalProperties: { type: 'string' } }), true)
  assert.equal(isOpen({ patternProperties: { '^x': {} } }), true)
})

test('whatever the schema, there is an answer', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 5 }), (text) => {
      formatRecord(readInputSchema(text))
      formatRecord(readInputSchema(`{"type":"object","properties":{"x":${text}}}`))
    }),
    { numRuns: 2_000 },
  )
})

function read(schema: unknown, required: readonly string[] = []): ReturnType<typeof readInputSchema> {
  const $defs = {
    word: { type: 'string' },
    'a/b': { type: 'boolean' },
    loop: { anyOf: [{ $ref: '#/$defs/loop' }, { type: 'null' }] },
  }
  return readInputSchema(JSON.stringify({ type: 'object', properties: { x: schema }, required, $defs }))
}

function nested(depth: number): object {
  return depth === 0 ? { type: 'string' } : { type: 'object', properties: { x: nested(depth - 1) } }
}

function* formatReasons(record: ReturnType<typeof readInputSchema>): Generator<string> {
  for (const { type } of record.members.values()) {
    if (type.kind === 'unusable') yield type.reason
    if (type.kind === 'record') yield* formatReasons(type)
  }
}
