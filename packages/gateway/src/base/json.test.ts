import assert from 'node:assert/strict'
import { test } from 'node:test'
import canonicalize from 'canonicalize'
import fc from 'fast-check'
import { canonicalJson, type Json } from '#base'

const integers = fc.maxSafeInteger()
const text = fc.string({ unit: 'grapheme' })
const { value } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    integers,
    text,
    fc.array(tie('value')),
    fc.dictionary(text, tie('value')),
  ),
}))

test('the canonical form is what an RFC 8785 library gives', () => {
  fc.assert(fc.property(value, (json) => canonicalJson(json) === canonicalize(json)))
})

test('what has no canonical form is refused', () => {
  for (const json of ['\ud800', 1.5, 2 ** 53, Number.NaN]) assert.throws(() => canonicalJson(json), TypeError)
})
