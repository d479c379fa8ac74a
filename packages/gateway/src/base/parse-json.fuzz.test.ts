import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseJson } from '#base'

/** Each first text has what V8 takes the second's name for. */
const misread: readonly (readonly [string, string, unknown])[] = [
  ['{"\\\\":0}', '{"\\u0061":1}', { a: 1 }],
  ['{"a":0,"\\\\":0}', '{"a":0,"\\"":0}', { a: 0, '"': 0 }],
  ['{"x":1,"\\\\u007":0}', '{"x":1,"\\u0074able":"cards"}', { x: 1, table: 'cards' }],
  ['{"x":1,"\\\\u007":0}', '[{"x":1,"\\u0074able":{"\\n" :[]}}]', [{ x: 1, table: { '\n': [] } }]],
]
for (const [before, text, value] of misread) {
  test(`an escaped name is itself after ${before}: ${text}`, () => {
    for (let times = 0; times < 3; times++) JSON.parse(before)
    assert.deepEqual(parseJson(text), value)
  })
}

test('what is no JSON is refused, a name with a wrong escape too', () => {
  for (const text of ['', '{', '{"\\x":1}', '{"\\n":1,}', '{"a":"\\n"} x']) {
    assert.throws(() => parseJson(text), SyntaxError, text)
  }
})

/** A text and what it says: JSON.parse is no judge here. */
interface Written {
  readonly text: string
  readonly value: unknown
}

/** Both ways of writing a name, so that names meet that are the same. */
const name = fc
  .array(
    fc.constantFrom(
      ...[
        ['a', 'a'],
        ['\\u0061', 'a'],
        ['\\\\', '\\'],
        ['\\"', '"'],
        ['\\n', '\n'],
        [':', ':'],
        ['0', '0'],
      ].map(([raw = '', read = '']) => ({ raw, read })),
      { raw: '__proto__', read: '__proto__' },
      { raw: '\\u00e9', read: 'é' },
    ),
    { maxLength: 3 },
  )
  .map((parts) => ({ raw: parts.map(({ raw }) => raw).join(''), read: parts.map(({ read }) => read).join('') }))
const { json } = fc.letrec<{ json: Written }>((tie) => ({
  json: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(
      { text: 'null', value: null },
      { text: '1.5', value: 1.5 },
      { text: '"\\\\"', value: '\\' },
      { text: '"\\":"', value: '":' },
      { text: '"\\u0061"', value: 'a' },
    ),
    fc.array(tie('json'), { maxLength: 3 }).map((list) => ({
      text: `[${list.map(({ text }) => text).join(' , ')}]`,
      value: list.map(({ value }) => value),
    })),
    fc.array(fc.tuple(name, tie('json')), { maxLength: 4 }).map((members) => ({
      text: `{ ${members.map(([{ raw }, { text }]) => `"${raw}" :${text}`).join(', ')} }`,
      value: Object.fromEntries(members.map(([{ read }, { value }]) => [read, value])),
    })),
  ),
}))

test('it reads what is written', () => {
  fc.assert(
    fc.property(json, ({ text, value }) => {
      assert.deepEqual(parseJson(text), value, text)
    }),
    { numRuns: Number(process.env['SALLYPORT_FUZZ_RUNS'] ?? 100_000) },
  )
})
