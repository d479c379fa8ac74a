import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Complexity, measure } from './complexity.ts'

describe('what is counted', () => {
  const cases: readonly (readonly [text: string, expected: Partial<Complexity>])[] = [
    ['', { tokens: 0, depth: 0, operatorRun: 0, nestedComments: 0, semicolons: 0, boundary: 0 }],
    ['select a, b from t', { tokens: 6, depth: 0 }],
    ['select 1 + 2 * 3', { tokens: 6, depth: 2, operatorRun: 1 }],
    ['select 1+2, 3+4', { depth: 1 }],
    ['select ((1))', { depth: 2 }],
    ['select f(a + b) + c', { depth: 2 }],
    ['select case when a then case when b then c end end', { depth: 2 }],
    ['select a and b and c and d', { depth: 0 }],
    ['select not not not a', { depth: 3 }],
    ['select 1 union select 2 union select 3', { depth: 2 }],
    ['select * from a join b on true join c on true', { depth: 2 }],
    ['select 1::int::text', { depth: 2, operatorRun: 2 }],
    ['select a <=> b', { operatorRun: 3 }],
    ['select \'((((\' || "((((" -- ((((\n', { tokens: 4, depth: 1 }],
    ["select 'a''(' , E'\\'(' , $$ ( $$, $x$ ( $$ ( $x$", { depth: 0 }],
    ["select E'a'\n 'b\\'(' ", { depth: 0, tokens: 2 }],
    ["select 'a' -- x\n 'b\\' (", { depth: 1, tokens: 3 }],
    ["select nonE'(' , xe'('", { depth: 0 }],
    ["select U&'(' , U&\"(\", b'01', n'(', u & 1", { depth: 1, tokens: 12 }],
    ['select /* ( /* ( */ ( */ 1', { tokens: 2, depth: 0, nestedComments: 1 }],
    ['select 1 /* never closed (', { tokens: 2, depth: 0 }],
    ["select 'never closed (", { tokens: 2, depth: 0 }],
    ['select $1, $2$x', { tokens: 6 }],
    ['select $a', { tokens: 3 }],
    ['select 1.5e+3, .5, 0x1f, 1_000', { tokens: 8, depth: 0 }],
    ['select é, "é", $é$ ( $é$', { tokens: 6, depth: 0 }],
    ['select 1; select 2;', { semicolons: 2, tokens: 6 }],
    ['update t set (a, b) = (select 1, 2), c = 3', { rowAssignments: 1 }],
    ['update t set c = 3, (a,b)=row(1,2), /* x */ ( d ) -- y\n = (4)', { rowAssignments: 2 }],
    ['select * from t where (a, b) = (1, 2) and lower(c) = d and e in ((1), (2))', { rowAssignments: 0 }],
    ['insert into t values (1), (2) on conflict (a) do update set a = (b)', { rowAssignments: 0 }],
    ['update t set (a, b) = (with x as (update t set (a, b) = (c, d) returning 1) select 1, 2)', { rowAssignments: 2 }],
    [') ] end )', { depth: 0, tokens: 4 }],
    ['a+--(\nb', { tokens: 3, depth: 1, operatorRun: 3 }],
    ['a +/* ( */ b', { tokens: 3, depth: 1 }],
  ]
  for (const [text, expected] of cases) {
    test(JSON.stringify(text), () => {
      const measured = measure(text)
      assert.deepEqual({ ...measured, ...expected }, measured)
    })
  }
})

describe('the boundary lies between tokens', () => {
  const cases: readonly (readonly [text: string, limit: number, boundary: number])[] = [
    ['select abc', 10, 10],
    ['select abc', 9, 7],
    ['select abc', 7, 7],
    ['select abc', 6, 6],
    ["select 'abc', 2", 11, 7],
    ["select 'abc', 2", 12, 12],
    ['select $$abc$$', 13, 7],
    ['select /* x */ 1', 12, 7],
    ['select', 3, 0],
  ]
  for (const [text, limit, boundary] of cases) {
    test(`${text} at ${limit}`, () => {
      assert.equal(measure(text, limit).boundary, boundary)
    })
  }
})
