/** The codec against JSON.parse: what it takes, what it refuses, and where it says that things lie. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fromUtf8, parseJson, toUtf8 } from '#base'
import {
  checkJson,
  elementsOf,
  isArray,
  isObject,
  type JsonLimits,
  membersOf,
  readMessage,
  REQUEST_LIMITS,
  type Span,
  textOf,
  visitLeaves,
  WireError,
} from './index.ts'

const numRuns = Number(process.env['SALLYPORT_FUZZ_RUNS'] ?? 100_000)
const lenient: JsonLimits = { ...REQUEST_LIMITS, allowLoneSurrogates: true }

/** Numbers, escapes and white space in every spelling; names that are the same when unescaped. */
const spelledString = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'a',
        'b',
        ' ',
        '\\n',
        '\\/',
        '\\u0061',
        '\\u0041',
        '\\ud83d\\ude00',
        'é',
        '😀',
        '\\\\',
        '\\"',
        ':',
        ',',
        '{',
        ']',
      ),
      fc.string({ maxLength: 2, unit: 'grapheme' }).map((text) => JSON.stringify(text).slice(1, -1)),
    ),
    { maxLength: 6 },
  )
  .map((parts) => `"${parts.join('')}"`)
const spelledNumber = fc.constantFrom(
  '0',
  '-0',
  '1',
  '-12',
  '1.0',
  '1.50',
  '1e3',
  '1E+03',
  '-0.1e-7',
  '12345678901234567890',
  '1e400',
)
const space = fc.constantFrom('', '', '', ' ', '\n', '\t\r ')
const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom('null', 'true', 'false'),
    spelledNumber,
    spelledString,
    fc
      .tuple(space, fc.array(fc.tuple(tie('json'), space), { maxLength: 4 }))
      .map(
        ([before, elements]) =>
          `[${before}${elements.map(([element, after]) => `${after}${element}${after}`).join(',')}]`,
      ),
    fc
      .tuple(space, fc.array(fc.tuple(spelledString, space, tie('json')), { maxLength: 4 }))
      .map(
        ([before, members]) =>
          `{${before}${members.map(([name, gap, member]) => `${gap}${name}${gap}:${gap}${member}${gap}`).join(',')}}`,
      ),
  ),
}))

/** Whether some object of a text has a name twice: the plainest way to tell, by counting what a reader drops. */
function hasDuplicates(text: string): boolean {
  let written = 0
  const bytes = toUtf8(text)
  visitLeaves(bytes, { start: 0, end: bytes.length }, (kind) => {
    if (kind === 'name') written++
  })
  return written !== countMembers(parseJson(text))
}

function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const inner = Object.values(value).reduce((sum: number, member) => sum + countMembers(member), 0)
  return inner + (Array.isArray(value) ? 0 : Object.keys(value).length)
}

function accepts(text: string, limits = lenient): boolean {
  try {
    checkJson(toUtf8(text), limits)
    return true
  } catch (error) {
    assert.ok(error instanceof WireError, String(error))
    return false
  }
}

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

test('it takes what JSON.parse takes, less duplicate names', () => {
  fc.assert(
    fc.property(json, (text) => {
      assert.equal(accepts(text), !hasDuplicates(text), text)
    }),
    { numRuns: numRuns / 4 },
  )
})

test('it refuses what JSON.parse refuses', () => {
  const broken = fc
    .tuple(
      json,
      fc.nat(),
      fc.nat(3),
      fc.constantFrom('', '"', '}', ']', ',', ':', '\\', 'e', '.', '-', '0', 'null', '\u0000'),
    )
    .map(([text, place, cut, inserted]) => {
      const at = place % (text.length + 1)
      return text.slice(0, at) + inserted + text.slice(at + cut)
    })
  fc.assert(
    fc.property(broken, (text) => {
      if (!text.isWellFormed()) return
      if (!parses(text)) assert.equal(accepts(text), false, text)
      else if (!accepts(text)) assert.ok(hasDuplicates(text), text)
    }),
    { numRuns: numRuns / 2 },
  )
})

test('any bytes: a typed error or what JSON.parse takes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      try {
        const span = checkJson(bytes, lenient)
        JSON.parse(fromUtf8(bytes.subarray(span.start, span.end)))
      } catch (error) {
        assert.ok(error instanceof WireError, String(error))
      }
      try {
        readMessage(bytes, REQUEST_LIMITS)
      } catch (error) {
        assert.ok(error instanceof WireError, String(error))
      }
    }),
    { numRuns: numRuns / 4 },
  )
})

/** Rebuilds a value from spans alone. */
function rebuild(bytes: Uint8Array, span: Span): unknown {
  if (isObject(bytes, span)) {
    return Object.fromEntries([...membersOf(bytes, span)].map(([name, member]) => [name, rebuild(bytes, member)]))
  }
  if (isArray(bytes, span)) return elementsOf(bytes, span).map((element) => rebuild(bytes, element))
  return textOf(bytes, span) ?? JSON.parse(fromUtf8(bytes.subarray(span.start, span.end)))
}

test('members and elements lie where they are said to lie', () => {
  fc.assert(
    fc.property(json, (text) => {
      const bytes = toUtf8(text)
      if (!accepts(text)) return
      assert.deepEqual(rebuild(bytes, checkJson(bytes, lenient)), parseJson(text))
    }),
    { numRuns: numRuns / 10 },
  )
})

test('the leaves of a text are its strings, names and numbers, with their places', () => {
  const text = '{"a":[1,{"b c":"x","d":-2.5e3}],"\\u0065":{"4111":true,"f":"y"}}'
  const leaves: string[] = []
  const bytes = toUtf8(text)
  visitLeaves(bytes, { start: 0, end: bytes.length }, (kind, start, end, where) => {
    leaves.push(`${kind} ${fromUtf8(bytes.subarray(start, end))} ${where()}`)
  })
  assert.deepEqual(leaves, [
    'name "a" /#names',
    'number 1 /a/*',
    'name "b c" /a/*/#names',
    'text "x" /a/*/*',
    'name "d" /a/*/#names',
    'number -2.5e3 /a/*/d',
    'name "\\u0065" /#names',
    'name "4111" /e/#names',
    'name "f" /e/#names',
    'text "y" /e/f',
  ])
})

test('limits hold before what they bound is kept', () => {
  const limits: JsonLimits = { ...REQUEST_LIMITS, maxBytes: 200, maxDepth: 3, maxKeys: 4, maxStringBytes: 8 }
  const cases: readonly (readonly [text: string, isTaken: boolean])[] = [
    ['[[[]]]', true],
    ['[[[[]]]]', false],
    ['[{"a":[{}]}]', false],
    ['{"a":1,"b":2,"c":{"d":3}}', true],
    ['{"a":1,"b":2,"c":{"d":3,"e":4}}', false],
    ['"12345678"', true],
    ['"123456789"', false],
    [`"a"${' '.repeat(197)}`, true],
    [`"a"${' '.repeat(198)}`, false],
  ]
  for (const [text, isTaken] of cases) assert.equal(accepts(text, limits), isTaken, text)
  assert.equal(accepts('['.repeat(1_000_000), { ...lenient, maxBytes: 2_000_000 }), false)
})

test('duplicate names are found however they are written, in small and large objects', () => {
  const many = Array.from({ length: 40 }, (_, index) => `"k${index}":${index}`)
  const cases: readonly (readonly [text: string, isTaken: boolean])[] = [
    ['{"a":1,"a":2}', false],
    ['{"a":1,"\\u0061":2}', false],
    ['{"\\u0061":1,"a":2}', false],
    ['{"a":{"a":1},"b":{"a":1}}', true],
    ['{"a":{"a":1},"a":1}', false],
    ['[{"a":1},{"a":1}]', true],
    [`{${many.join()}}`, true],
    [`{${many.join()},"k3":1}`, false],
    [`{${many.join()},"\\u006b39":1}`, false],
    [`{"x":{${many.join()}},"k1":{"k1":1}}`, true],
    [`{"x":{${many.join()}},"x":1}`, false],
    ['{"__proto__":1}', true],
    ['{"__proto__":1,"__proto__":2}', false],
    ['{"\\ud83d\\ude00":1,"😀":2}', false],
    ['{"":1,"":2}', false],
  ]
  for (const [text, isTaken] of cases) assert.equal(accepts(text), isTaken, text)
})

test('half a surrogate pair, bytes that are no UTF-8, a byte order mark', () => {
  for (const text of ['"\\ud800"', '"\\udc00"', '"\\ud800\\ud800"', '"\\ud800x"', '"\\ud800\\n"']) {
    assert.equal(accepts(text, REQUEST_LIMITS), false, text)
    assert.equal(accepts(text), true, text)
  }
  assert.equal(accepts('"\\ud83d\\ude00"', REQUEST_LIMITS), true)
  for (const hex of ['22ff22', '22c022', '22eda08022', 'efbbbf2222', '22f490808022']) {
    assert.throws(() => checkJson(Uint8Array.from(Buffer.from(hex, 'hex')), lenient), WireError)
  }
})
