import assert from 'node:assert/strict'
import { test } from 'node:test'
import canonicalize from 'canonicalize'
import fc from 'fast-check'
import { canonicalJson, claimedSequence, isCanonical, parseRecord } from './record.ts'
import { fuzzRuns } from './testkit/fuzz-runs.ts'

const payload = { alg: 'A256GCM', key_id: 'd1', key_sha256: 'a'.repeat(64), sha256: 'b'.repeat(64), size: 5 }

const parse = (record: unknown): ReturnType<typeof parseRecord> => parseRecord(Buffer.from(canonicalJson(record)))

test('a record says what the verifier needs', () => {
  const intent = parse({
    metadata: { sequence: 7, uid: 'u', log_name: 'l' },
    time: 5,
    unmapped: { phase: 'intent', intent: 3, payload },
  })
  assert.equal(intent.sequence, 7)
  assert.equal(intent.uid, 'u')
  assert.equal(intent.logName, 'l')
  assert.equal(intent.timeMs, 5)
  assert.equal(intent.phase, 'intent')
  assert.equal(intent.intent, undefined)
  assert.deepEqual(intent.payload, {
    alg: 'A256GCM',
    keyId: 'd1',
    keySha256: 'a'.repeat(64),
    sha256: 'b'.repeat(64),
    size: 5,
  })
  assert.equal(parse({ unmapped: { phase: 'outcome', intent: 3 } }).intent, 3)
  const start = parse({
    class_uid: 6002,
    unmapped: { lifecycle: 'start', cut: [{ segment: 1, offset: 2, first_index: 3 }] },
  })
  assert.equal(start.lifecycle, 'start')
  assert.deepEqual(start.cuts, [{ segment: 1, offset: 2, firstIndex: 3 }])
})

test('what is missing or of another type is not of that kind', () => {
  for (const record of [
    {},
    { metadata: [], unmapped: 'x', time: '5' },
    { metadata: { sequence: -1 }, unmapped: { phase: 1, intent: 0.5 } },
  ]) {
    const facts = parse(record)
    const { cuts, ...rest } = facts
    assert.deepEqual(cuts, [])
    assert.ok(Object.values(rest).every((value) => value === undefined))
  }
  assert.equal(parse({ class_uid: 6005, unmapped: { lifecycle: 'start', cut: [{}] } }).lifecycle, undefined)
})

test('a payload that cannot be checked is refused', () => {
  for (const wrong of [
    { ...payload, alg: 'none' },
    { ...payload, sha256: 'B'.repeat(64) },
    { ...payload, key_sha256: 'a' },
    { ...payload, size: -1 },
    { ...payload, key_id: 1 },
    {},
    'x',
    1,
  ]) {
    assert.throws(() => parse({ unmapped: { payload: wrong } }), { code: 'SP_RECORD_MALFORMED' })
  }
})

for (const [name, text] of [
  ['not JSON', '{'],
  ['a list', '[]'],
  ['text', '"x"'],
  ['null', 'null'],
  ['white space', '{"a": 1}'],
  ['a newline at the end', '{}\n'],
  ['members not sorted', '{"b":1,"a":1}'],
  ['members not sorted, deep', '{"a":[{"c":{"z":1,"y":1}}]}'],
  ['a member twice', '{"a":1,"a":1}'],
  ['an escape that is not needed', String.raw`{"a":"\u0061"}`],
  ['a long escape', String.raw`{"a":"\u000a"}`],
  ['an escaped slash', String.raw`{"a":"\/"}`],
  ['a lone surrogate', String.raw`{"a":"\ud800"}`],
  ['a lone surrogate in a name', String.raw`{"\udc00":1}`],
  ['a number with a zero', '{"a":1.0}'],
  ['a number with an exponent', '{"a":1e2}'],
  ['minus zero', '{"a":-0}'],
  ['a number beyond double precision', '{"a":9007199254740993}'],
  ['an infinite number', '{"a":1e999}'],
  ['names like numbers, not sorted as text', '{"9":1,"10":1}'],
  ['a byte order mark', '\ufeff{}'],
  ['nested deeper than the stack', `{"a":${'['.repeat(32_000)}${']'.repeat(32_000)}}`],
] as const) {
  test(`no record: ${name}`, () => {
    assert.throws(() => parseRecord(Buffer.from(text)), { code: 'SP_RECORD_MALFORMED' })
  })
}

for (const text of [
  '{}',
  '{"":{"\u20ac":"\\u0007\\n\\"\\\\","\ud83d\ude00":[1e+21,1e-7,0.5,-1,true,null]}}',
  '{"10":1,"9":1}',
  '{"__proto__":{"a":1},"constructor":1}',
  String.raw`{"a":"C:\\users\\udon"}`,
]) {
  test(`a canonical record: ${text}`, () => {
    parseRecord(Buffer.from(text))
    assert.equal(canonicalJson(JSON.parse(text)), text)
  })
}

test('not UTF-8 is no record', () => {
  assert.throws(() => parseRecord(Buffer.from('{"a":"\xe9"}', 'latin1')), { code: 'SP_RECORD_MALFORMED' })
})

test('canonical JSON is what an RFC 8785 library writes, and only that is accepted', () => {
  const name = fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }), fc.nat(200).map(String))
  const value = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom(null, true, false),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer(),
      name,
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(name, tie('value'), { maxKeys: 6 }),
    ),
  })).value
  fc.assert(
    fc.property(value, (json) => {
      const canonical = canonicalize(json)
      assert.equal(canonicalJson(json), canonical)
      const plain = JSON.stringify(json)
      for (const text of [String(canonical), plain]) {
        const value: unknown = JSON.parse(text)
        // V8 may have taken an escaped name for another one: see the last test of this file.
        const isMisread = canonicalize(value) !== canonical
        assert.equal(isCanonical(text, value), text === canonical && !isMisread)
      }
    }),
    { numRuns: fuzzRuns(0.1) },
  )
})

test('what JSON does not have has no canonical form', () => {
  for (const value of [undefined, Number.NaN, Infinity, 1n, Symbol('a'), 'a\ud800', { 'a\udfff': 1 }, [undefined]]) {
    assert.throws(() => canonicalJson(value), { code: 'SP_RECORD_MALFORMED' })
  }
})

test('a damaged record may still say its number', () => {
  assert.equal(claimedSequence(Buffer.from('{ "metadata": {"sequence": 5} }')), 5)
  for (const text of ['', '{', '[]', '{}', '{"metadata":{"sequence":"5"}}', '{"sequence":5}']) {
    assert.equal(claimedSequence(Buffer.from(text)), undefined)
  }
})

// V8 14.6 gives `{"\n":0}` as `{"\\":0}` once it has seen an object of that form. Writing the value again and comparing shows it: such a record may be
// refused, but is never read as another one.
test('a name with an escape is never taken for another one, even by an engine that mistakes it', () => {
  for (const name of ['\\', '\n', '\t', '"', '\\n', '\u0001']) {
    const text = canonicalJson({ a: { [name]: 0 } })
    const value = JSON.parse(text) as { readonly a: object }
    const isRight = Object.keys(value.a)[0] === name
    assert.equal(isCanonical(text, value), isRight, JSON.stringify(name))
  }
})
