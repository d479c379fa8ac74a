import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import { readInputSchema } from './json-schema.ts'
import { projectArguments } from './project.ts'
import { pruneRecord, type ReadTree } from './types.ts'

const schema = readInputSchema(
  JSON.stringify({
    type: 'object',
    properties: {
      amount: { type: 'integer' },
      rate: { type: 'number' },
      text: { type: 'string' },
      dry: { type: 'boolean' },
      tags: { type: 'array', items: { type: 'string' } },
      odd: {},
      customer: {
        type: 'object',
        properties: { id: { type: 'integer' }, name: { type: ['string', 'null'] } },
        required: ['id'],
      },
      open: { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: true },
    },
    required: ['amount'],
  }),
)

/** What Cedar would be handed, as it is written into its JSON. */
function project(text: string | undefined, read: ReadTree = 'whole'): string {
  const projected = projectArguments(text, pruneRecord(schema, read))
  return projected.kind === 'unfit' ? projected.words : JSON.stringify(projected.values)
}

describe('what is passed on', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['{"amount":5}', '{"amount":5}'],
    [' {\n"amount" :\t5 } ', '{"amount":5}'],
    ['{"amount":9007199254740993}', '{"amount":9007199254740993}'],
    ['{"amount":-9223372036854775808}', '{"amount":-9223372036854775808}'],
    ['{"amount":100.0}', '{"amount":100}'],
    ['{"amount":1e2}', '{"amount":100}'],
    ['{"amount":1,"open":{"a":"x","\\u0062":1}}', '{"amount":1,"open":{"a":"x"}}'],
    ['{"amount":1,"rate":1.25}', '{"amount":1,"rate":{"__extn":{"fn":"decimal","arg":"1.2500"}}}'],
    ['{"amount":1,"text":"é \\"\\\\ }"}', '{"amount":1,"text":"é \\"\\\\ }"}'],
    ['{"amount":1,"text":"{\\"__entity\\":1}"}', '{"amount":1,"text":"{\\"__entity\\":1}"}'],
    ['{"amount":1,"dry":false,"tags":["a","b","a"]}', '{"amount":1,"dry":false,"tags":["a","b","a"]}'],
    ['{"amount":1,"customer":{"id":7,"name":null}}', '{"amount":1,"customer":{"id":7}}'],
    ['{"amount":1,"open":{"a":"x","b":{"__entity":1}}}', '{"amount":1,"open":{"a":"x"}}'],
    ['{"amount":1,"odd":{"__entity":{"type":"Group","id":"support"}}}', '{"amount":1}'],
  ]
  for (const [text, values] of cases) test(text, () => assert.equal(project(text), values))
})

describe('what is refused, in words without a value', () => {
  const cases: readonly (readonly [string | undefined, string])[] = [
    [undefined, 'the arguments are not known'],
    ['', 'the arguments are no object'],
    ['[]', 'the arguments are no object'],
    ['"amount"', 'the arguments are no object'],
    ['{"amount":1} x', 'the arguments are no object'],
    ['{"amount":1,}', 'the arguments are no object'],
    ['{"amount"', 'the arguments are no object'],
    ['{"amount":1', 'the arguments are no object'],
    ['{amount:1}', 'the arguments are no object'],
    ['{"amount":}', 'the arguments cannot be read'],
    ['{"amount":01}', 'the arguments cannot be read'],
    ['{"amount":1,"\\x":2}', 'the arguments cannot be read'],
    ['{}', 'argument "amount" is missing'],
    ['{"amount":null}', 'argument "amount" is no whole number of 64 bits'],
    ['{"amount":"4111111111111111"}', 'argument "amount" is no whole number of 64 bits'],
    ['{"amount":1.5}', 'argument "amount" is no whole number of 64 bits'],
    ['{"amount":9223372036854775808}', 'argument "amount" is no whole number of 64 bits'],
    ['{"amount":{"source":"5"}}', 'argument "amount" is no whole number of 64 bits'],
    ['{"amount":[5]}', 'argument "amount" is no whole number of 64 bits'],
    ['{"amount":1,"amount":2}', 'argument "amount" is there twice'],
    ['{"amount":1,"amoun\\u0074":2}', 'argument "amount" is there twice'],
    ['{"\\u0061mount":1}', 'the name of argument "amount" is written with an escape'],
    ['{"amount":1,"customer":{"i\\u0064":1}}', 'the name of argument "customer.id" is written with an escape'],
    ['{"amount":1,"customer":{"id":1,"id":2}}', 'argument "customer.id" is there twice'],
    [
      '{"amount":1,"customer":{"id":1,"n\\u0061":2}}',
      'argument "customer" has a member that the tool does not declare',
    ],
    ['{"amount":1,"rate":1.00001}', 'argument "rate" is no number of at most four decimal places'],
    [
      '{"amount":1,"rate":{"__extn":{"fn":"decimal","arg":"1.0"}}}',
      'argument "rate" is no number of at most four decimal places',
    ],
    ['{"amount":1,"text":{"__entity":{"type":"Group","id":"support"}}}', 'argument "text" is no text'],
    ['{"amount":1,"text":"\\ud800"}', 'argument "text" is no well-formed text'],
    ['{"amount":1,"dry":0}', 'argument "dry" is neither true nor false'],
    ['{"amount":1,"tags":"a"}', 'argument "tags" is no list'],
    ['{"amount":1,"tags":[{"__entity":{"type":"Group","id":"support"}}]}', 'argument "tags" is no text'],
    [
      `{"amount":1,"tags":[${Array.from({ length: 1_001 }, () => '"a"').join()}]}`,
      'argument "tags" is too long for policy',
    ],
    [`{"amount":1,"text":"${'x'.repeat(70_000)}"}`, 'argument "text" is too long for policy'],
    ['{"amount":1,"customer":[]}', 'argument "customer" is no object'],
    ['{"amount":1,"customer":7}', 'argument "customer" is no object'],
    ['{"amount":1,"customer":{}}', 'argument "customer.id" is missing'],
    ['{"amount":1,"customer":{"id":1,"root":true}}', 'argument "customer" has a member that the tool does not declare'],
    ['{"amount":1,"__proto__":{"amount":2}}', 'there is an argument that the tool does not declare'],
    ['{"amount":1,"4111111111111111":2}', 'there is an argument that the tool does not declare'],
    [`{${Array.from({ length: 1_001 }, (_, index) => `"a${index}":1`).join()}}`, 'the arguments are no object'],
  ]
  for (const [text, words] of cases) test(text?.slice(0, 70) ?? 'nothing', () => assert.equal(project(text), words))
})

test('no name is taken for another that was read before', () => {
  const read = pruneRecord(schema, 'whole')
  for (let times = 0; times < 3; times++) projectArguments('{"amount":1,"open":{"q":1,"\\\\":"x"}}', read)
  assert.equal(
    project('{"amount":1,"open":{"q":1,"\\u0061":"x"}}'),
    'the name of argument "open.a" is written with an escape',
  )
})

test('what is not read is not looked at, however wrong or large it is', () => {
  const read: ReadTree = new Map([['amount', 'whole']])
  assert.equal(project('{"amount":1,"text":{"__entity":1},"rate":"x","customer":[]}', read), '{"amount":1}')
  const large = `{"text":"${'\\"x'.repeat(300_000)}","tags":${'['.repeat(100)}${']'.repeat(100)},"amount":1}`
  const before = process.threadCpuUsage()
  assert.equal(project(large, read), '{"amount":1}')
  assert.ok(process.threadCpuUsage(before).user < 200_000)
})

test('of a member only what is read', () => {
  const read: ReadTree = new Map<string, ReadTree>([
    ['amount', 'whole'],
    ['customer', new Map([['name', 'whole']])],
  ])
  assert.equal(
    project('{"amount":1,"customer":{"name":"a","id":"wrong"}}', read),
    '{"amount":1,"customer":{"name":"a"}}',
  )
  assert.equal(project('{"amount":1,"customer":{"name":5}}', read), 'argument "customer.name" is no text')
})
