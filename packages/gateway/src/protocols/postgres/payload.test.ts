import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Bytes, fromUtf8, type Json, toHex, toUtf8 } from '#base'
import { createScrubber } from '#masking'
import type { BindMessage, Format } from './codec/index.ts'
import { describeParameters, exactMeaning, exactParameters, statementPayload } from './payload.ts'

function describe(value: Bytes | undefined, format: Format, type = 0): Json | undefined {
  return describeParameters(
    {
      ...{ kind: 'bind', portal: '', statement: '', resultFormats: [] },
      ...{ parameterFormats: [format], parameters: [value] },
    },
    [type],
  )[0]
}

function hex(text: string): Bytes {
  return Uint8Array.from(Buffer.from(text, 'hex'))
}

function fromLatin1(bytes: Bytes): string {
  return Buffer.from(bytes).toString('latin1')
}

/** PostgreSQL 18, array_send; everything of four bytes. */
function arrayOf(type: number, elements: readonly (Bytes | undefined)[], sizes = [elements.length]): Bytes {
  const int = (value: number): Buffer => {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(value)
    return bytes
  }
  return Buffer.concat([
    ...[int(sizes.length), int(elements.includes(undefined) ? 1 : 0), int(type)],
    ...sizes.flatMap((size) => [int(size), int(1)]),
    ...elements.flatMap((element) => [int(element?.length ?? -1), element ?? Buffer.alloc(0)]),
  ])
}

const cases: readonly (readonly [
  name: string,
  value: Bytes | undefined,
  format: Format,
  type: number,
  expected: Json,
])[] = [
  ['NULL', undefined, 0, 0, null],
  ['text', toUtf8('4111 1111'), 0, 25, '4111 1111'],
  ['text that is not UTF-8', hex('ff41'), 0, 25, { binary: 'ÿA' }],
  ['binary text', toUtf8('4111'), 1, 25, { binary: '4111' }],
  ['int8', hex('000e9b08a568f1c7'), 1, 20, { int8: '4111111111111111' }],
  ['int4', hex('ffffffff'), 1, 23, { int4: '-1' }],
  ['int2', hex('0010'), 1, 21, { int2: '16' }],
  ['float8', hex('432d36114ad1e38e'), 1, 701, { float8: '4111111111111111' }],
  ['numeric', hex('0004000300000000100f045704570457'), 1, 1700, { numeric: '4111111111111111' }],
  ['numeric with a fraction', hex('000200000000000200011388'), 1, 1700, { numeric: '1.5000' }],
  ['numeric below one', hex('0001ffff0000000403e8'), 1, 1700, { numeric: '0.1000' }],
  ['a negative numeric', hex('00010000400000000005'), 1, 1700, { numeric: '-5' }],
  ['a numeric of a type not said', hex('0004000300000000100f045704570457'), 1, 0, { numeric: '4111111111111111' }],
  ['eight bytes of a type not said', hex('000e9b08a568f1c7'), 1, 0, { int8: '4111111111111111' }],
  ['an int8 that is none', hex('0001'), 1, 20, { binary: '\u0000\u0001' }],
  ['other bytes', hex('00ff0034'), 1, 17, { binary: '\u0000ÿ\u00004' }],
  ['int8[]', arrayOf(20, [hex('000e9b08a568f1c7'), undefined]), 1, 1016, { 'int8[]': ['4111111111111111', null] }],
  [
    'numeric[] of a type not said',
    arrayOf(1700, [hex('0004000300000000100f045704570457')]),
    1,
    0,
    { 'numeric[]': ['4111111111111111'] },
  ],
  [
    'numeric[] with what is no number in it',
    arrayOf(1700, [hex('00000000c0000000'), hex('00010000400000000005')]),
    1,
    1231,
    { 'numeric[]': ['\0\0\0\0À\0\0\0', '-5'] },
  ],
  [
    'text[] of two dimensions',
    arrayOf(25, [toUtf8('4111'), toUtf8('é')], [2, 1]),
    1,
    1009,
    { 'binary[]': ['4111', 'é'] },
  ],
  ['an empty array', arrayOf(20, [], []), 1, 1016, { 'int8[]': [] }],
  [
    'an array with less in it than it says',
    arrayOf(25, [toUtf8('a')], [2]),
    1,
    1009,
    { binary: fromLatin1(arrayOf(25, [toUtf8('a')], [2])) },
  ],
  [
    'an array with more in it than it says',
    arrayOf(25, [toUtf8('a')], [0]),
    1,
    1009,
    { binary: fromLatin1(arrayOf(25, [toUtf8('a')], [0])) },
  ],
]

for (const [name, value, format, type, expected] of cases) {
  test(`a parameter: ${name}`, () => {
    assert.deepEqual(describe(value, format, type), expected)
  })
}

test('a card number in an array of binary numbers is scrubbed', () => {
  const scrubber = createScrubber({})
  for (const parameter of [
    describe(arrayOf(20, [hex('000e9b08a568f1c7')]), 1, 1016),
    describe(arrayOf(1700, [hex('0004000300000000100f045704570457')]), 1, 1231),
  ]) {
    const text = JSON.stringify(parameter)
    assert.ok(scrubber.scrubText(text).endsWith('["************1111"]}'))
  }
})

test('a huge numeric is not written out', () => {
  assert.deepEqual(describe(hex('00017fff000000000001'), 1, 1700), {
    binary: '\u0000\u0001\u007fÿ\u0000\u0000\u0000\u0000\u0000\u0001',
  })
})

test('a payload is JSON of the statement, its parameters and its way', () => {
  assert.equal(fromUtf8(statementPayload('SELECT $1', ['a'])), '{"statement":"SELECT $1","parameters":["a"]}')
  assert.equal(
    fromUtf8(statementPayload('SELECT 1', undefined, 'prepared')),
    '{"statement":"SELECT 1","prepared":true}',
  )
})

const bound = (
  parameters: readonly (Bytes | undefined)[],
  parameterFormats: readonly Format[] = [],
  more: Partial<BindMessage> = {},
): BindMessage => ({
  kind: 'bind',
  portal: '',
  statement: '',
  resultFormats: [],
  parameterFormats,
  parameters,
  ...more,
})

const exact = (bind: BindMessage, types: readonly number[] = []): string => toHex(exactParameters(bind, types))

test('what an approval is bound to tells apart what the payload writes alike', () => {
  const variants = [
    // Both are shown as {"binary": "é"}.
    exact(bound([hex('e9')], [1])),
    exact(bound([hex('c3a9')], [1])),
    exact(bound([hex('c3a9')], [0])),
    exact(bound([hex('c3a9')], [1]), [25]),
    exact(bound([hex('c3a9')], [1]), [1043]),
    exact(bound([hex('c3a9')], [1]), [25, 0]),
    exact(bound([hex('c3'), hex('a9')], [1])),
    exact(bound([hex('c3'), hex('a9')], [1, 0])),
    exact(bound([hex('c3'), undefined], [1])),
    exact(bound([hex('c3'), hex('')], [1])),
    exact(bound([undefined, hex('c3')], [1])),
    exact(bound([])),
    // numeric NaN of two scales, and -0 beside 0, are shown alike.
    exact(bound([hex('00000000c0000000')], [1]), [1700]),
    exact(bound([hex('00000000c0000001')], [1]), [1700]),
    exact(bound([hex('80000000')], [1]), [700]),
    exact(bound([hex('00000000')], [1]), [700]),
  ]
  assert.equal(new Set(variants).size, variants.length)
})

test('names, formats of the result and how formats are abbreviated are no part of it', () => {
  const one = exact(bound([toUtf8('a'), toUtf8('b')]))
  assert.equal(exact(bound([toUtf8('a'), toUtf8('b')], [0])), one)
  assert.equal(exact(bound([toUtf8('a'), toUtf8('b')], [0, 0])), one)
  assert.equal(exact(bound([toUtf8('a'), toUtf8('b')], [], { portal: 'p', statement: 's', resultFormats: [1] })), one)
})

test('the settings by which a text means something else are part of it, others are not', () => {
  const meaning = (settings: Readonly<Record<string, string>>, parameters?: Bytes): string =>
    toHex(exactMeaning(new Map(Object.entries(settings)), parameters))
  const variants = [
    meaning({}),
    meaning({ DateStyle: 'ISO, MDY' }),
    meaning({ DateStyle: 'ISO, DMY' }),
    meaning({ IntervalStyle: 'postgres' }),
    meaning({ TimeZone: 'UTC' }),
    meaning({ TimeZone: 'UTC' }, toUtf8('a')),
  ]
  assert.equal(new Set(variants).size, variants.length)
  assert.equal(meaning({ application_name: 'x' }), meaning({}))
  assert.equal(meaning({}, new Uint8Array()), meaning({}))
})
