import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatRef, parseRef } from '#base'

test('a reference leads back to its record', () => {
  fc.assert(fc.property(fc.maxSafeNat(), (sequence) => parseRef(formatRef(sequence)) === sequence))
})

test('one wrong character is noticed', () => {
  const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
  const wrong = fc.record({ sequence: fc.nat(), place: fc.nat(), other: fc.constantFrom(...alphabet) })
  fc.assert(
    fc.property(wrong, ({ sequence, place, other }) => {
      const ref = formatRef(sequence)
      const index = place % ref.length
      if (ref.charAt(index) === other) return
      assert.notEqual(parseRef(ref.slice(0, index) + other + ref.slice(index + 1)), sequence)
    }),
  )
})

test('case and look-alikes are forgiven, nonsense is not', () => {
  const ref = formatRef(1)
  assert.equal(parseRef(` ${ref.toLowerCase().replaceAll('0', 'o')} `), 1)
  for (const text of ['', '7', 'U0000', '000000000000000', '!!!!!', 'ZZZZZZZZZZZZ'])
    assert.equal(parseRef(text), undefined, text)
})
