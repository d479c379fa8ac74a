import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { encodeName, encodePart, formatString } from './names.ts'

const cases = [
  { part: 'customers', encoded: 'customers' },
  { part: '', encoded: '%' },
  { part: 'a/b', encoded: 'a%2Fb' },
  { part: 'a%2Fb', encoded: 'a%252Fb' },
  { part: 'x.approved', encoded: 'x%2Eapproved' },
  { part: '.approved', encoded: '%2Eapproved' },
  { part: 'x.approved.y', encoded: 'x.approved.y' },
  { part: 'a b', encoded: 'a%20b' },
  { part: 'a*"\\', encoded: 'a%2A%22%5C' },
  { part: 'é', encoded: '%C3%A9' },
  { part: 'e\u0301', encoded: 'e%CC%81' },
  { part: '\n\x7f', encoded: '%0A%7F' },
]
for (const { part, encoded } of cases) {
  test(`a part ${JSON.stringify(part)} is written ${encoded}`, () => assert.equal(encodePart(part), encoded))
}

test('different names stay different, however they are cut into parts', () => {
  const part = fc.string({ unit: 'binary', maxLength: 6 })
  const awkward = fc.constantFrom('', '%', '/', 'a/b', 'a%2Fb', 'x.approved', 'x%2Eapproved', ' ')
  const parts = fc.array(fc.oneof(part, awkward), { minLength: 1, maxLength: 3 })
  fc.assert(
    fc.property(parts, parts, (a, b) => {
      assert.equal(encodeName(a) === encodeName(b), JSON.stringify(a) === JSON.stringify(b))
    }),
    { numRuns: 5_000 },
  )
})

test('an encoded name needs no escape in Cedar', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.match(encodePart(text), /^[!#$&-),-.0-[\]-~+%]+$/)
      assert.equal(formatString(encodePart(text)), `"${encodePart(text)}"`)
    }),
  )
})

test('a lone surrogate has no name', () => {
  assert.throws(() => encodePart('\ud800'), URIError)
})
