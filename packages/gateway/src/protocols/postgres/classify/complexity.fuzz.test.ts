import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseSync, scanSync } from 'libpg-query'
import { measure } from './complexity.ts'
import './testkit/parsed.ts'
import { fuzzRuns, sqlSoup } from './testkit/soup.ts'

test('any text: measured in one pass, with a boundary inside the text', () => {
  fc.assert(
    fc.property(fc.oneof(sqlSoup, fc.string({ unit: 'binary', maxLength: 80 })), fc.nat(100), (text, limit) => {
      const { tokens, depth, operatorRun, nestedComments, semicolons, boundary } = measure(text, limit)
      for (const count of [tokens, depth, operatorRun, nestedComments, semicolons]) {
        assert.ok(Number.isSafeInteger(count) && count >= 0 && count <= text.length)
      }
      assert.ok(boundary >= 0 && boundary <= Math.min(limit, text.length))
    }),
    { numRuns: fuzzRuns(100_000) },
  )
})

/** PostgreSQL goes on with a string behind a comment and a line end; libpg-query does not, and refuses every such text as a syntax error. */
const continuedBehindComment = /'\s*(?:--[^\n\r]*[\n\r]\s*)+'/

test("texts that PostgreSQL's lexer takes: cut at the boundary it takes them too, as the same tokens", () => {
  let taken = 0
  fc.assert(
    fc.property(sqlSoup, fc.nat(60), (text, limit) => {
      const whole = tokensOf(text)
      if (whole === undefined || continuedBehindComment.test(text)) return
      taken++
      const { boundary } = measure(text, limit)
      const part = tokensOf(text.slice(0, boundary))
      assert.ok(part !== undefined, 'the boundary lies within a token')
      // What follows a text can only be part of its last token when nothing separates them; then the boundary would be wrong.
      assert.deepEqual(part, whole.slice(0, part.length))
    }),
    { numRuns: fuzzRuns(20_000) },
  )
  assert.ok(taken >= fuzzRuns(20_000) / 10, `only ${taken} texts were texts of tokens`)
})

test('two dots are one token, which a boundary does not divide', () => {
  assert.equal(measure('. .. ', 3).boundary, 2)
})

/** Everything that puts an expression one level deeper into the tree. */
const wrappers: readonly ((inner: string) => string)[] = [
  (inner) => `(${inner})`,
  (inner) => `not ${inner}`,
  (inner) => `- ${inner}`,
  (inner) => `${inner} + 1`,
  (inner) => `a || ${inner}`,
  (inner) => `${inner}::int`,
  (inner) => `cast(${inner} as int)`,
  (inner) => `case when ${inner} then 1 end`,
  (inner) => `case ${inner} when 1 then 2 else 3 end`,
  (inner) => `array[${inner}]`,
  (inner) => `f(a, ${inner})`,
  (inner) => `(select ${inner})`,
  (inner) => `(select 1 from t where ${inner})`,
  (inner) => `(select 1 from (select ${inner}) x)`,
  (inner) => `(with x as (select ${inner}) table x)`,
  (inner) => `exists (values (${inner}))`,
  (inner) => `${inner} is null`,
  (inner) => `${inner} is not distinct from 1`,
  (inner) => `${inner} notnull`,
  (inner) => `${inner} collate "C"`,
  (inner) => `${inner} at time zone 'x'`,
  (inner) => `${inner} at local`,
  (inner) => `${inner} operator(pg_catalog.+) 1`,
  (inner) => `${inner} in (1, 2)`,
  (inner) => `row(1, ${inner})`,
  (inner) => `(${inner}).a[1]`,
  (inner) => `(select ${inner} union select 2)`,
  (inner) => `(select 1 union select 2 from t join s on ${inner})`,
  (inner) => `${inner} is json`,
  (inner) => `xmlelement(name a, ${inner})`,
]

test('no tree is deeper than its text was measured to be', () => {
  const runs = fuzzRuns(2000)
  let parsed = 0
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...wrappers), { maxLength: 60 }), (layers) => {
      const text = `select ${layers.reduce((inner, wrap) => wrap(inner), 'a')}`
      let tree: unknown
      try {
        tree = parseSync(text)
      } catch {
        return
      }
      parsed++
      // A level of SQL is at most so many of JSON: a subquery in FROM.
      assert.ok(depthOf(tree) <= 20 * measure(text).depth + 40)
    }),
    { numRuns: runs },
  )
  assert.ok(parsed >= runs / 20, `only ${parsed} texts were statements`)
})

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}

function tokensOf(text: string): readonly string[] | undefined {
  if (text.trim() === '') return []
  try {
    return scanSync(text).tokens.map(({ start, end, tokenType }) => `${start}-${end} ${tokenType}`)
  } catch {
    return undefined
  }
}
