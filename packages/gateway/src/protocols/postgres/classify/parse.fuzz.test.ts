import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseSync } from 'libpg-query'
import type { ParsedStatement } from './parse.ts'
import { parse, statements } from './testkit/parsed.ts'
import { randomStatements } from './testkit/random-sql.ts'
import { fuzzRuns, sqlSoup } from './testkit/soup.ts'
import { readUsesVectors, readVectors, vectorFiles } from './testkit/vectors.ts'

const vectors = [...vectorFiles.flatMap((file) => readVectors(file)), ...readUsesVectors()].map(({ sql }) => sql)

/** A statement of the vectors with some of its words replaced by those of others, left out or doubled. */
const mutants: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom(...vectors),
    fc.constantFrom(...vectors),
    fc.array(fc.tuple(fc.nat(), fc.nat(), fc.constantFrom('replace', 'remove', 'insert', 'swap')), { maxLength: 4 }),
  )
  .map(([base, donor, changes]) => {
    const words = base.split(/(\s+|[(),.;=])/)
    const others = donor.split(/(\s+|[(),.;=])/)
    for (const [at, from, change] of changes) {
      const index = at % words.length
      const word = others[from % others.length] ?? ''
      if (change === 'replace') words[index] = word
      else if (change === 'remove') words.splice(index, 1)
      else if (change === 'insert') words.splice(index, 0, word)
      else words.push(...words.splice(index, 1))
    }
    return words.join('')
  })

const texts = fc.oneof(
  mutants,
  sqlSoup,
  randomStatements,
  fc.array(mutants, { maxLength: 3 }).map((parts) => parts.join(';')),
)

/** Node types that an understood statement may hold, written down a second time. */
const understood = new Set(
  `SelectStmt InsertStmt UpdateStmt DeleteStmt ExplainStmt TransactionStmt VariableSetStmt VariableShowStmt DeallocateStmt CreateStmt IndexStmt
  AlterTableStmt AlterTableCmd DropStmt TruncateStmt A_Const ParamRef ColumnRef A_Star A_Expr BoolExpr NullTest BooleanTest SubLink
  FuncCall NamedArgExpr TypeCast CollateClause CaseExpr CaseWhen CoalesceExpr MinMaxExpr SQLValueFunction A_ArrayExpr RowExpr
  GroupingFunc GroupingSet A_Indirection A_Indices SetToDefault MultiAssignRef ResTarget RangeVar RangeSubselect RangeFunction
  RangeTableSample JoinExpr SortBy WindowDef LockingClause CommonTableExpr List String Integer Float Boolean DefElem IndexElem
  ReturningOption ColumnDef Constraint`.split(/\s+/),
)

/** The types of all nodes of a tree: its wrappers have one field, whose name begins in upper case. */
function typesOf(value: unknown, types: Set<string> = new Set()): Set<string> {
  if (typeof value !== 'object' || value === null) return types
  for (const [key, part] of Object.entries(value)) {
    if (/^[A-Z]/.test(key)) types.add(key)
    typesOf(part, types)
  }
  return types
}

test('any text: answered, and no unknown node is understood', () => {
  const count = { statements: 0, 'syntax-error': 0, 'too-large': 0, understood: 0 }
  fc.assert(
    fc.property(texts, (text) => {
      const parsed = parse(text)
      count[parsed.kind]++
      if (parsed.kind !== 'statements' || parsed.statements.some(({ shape }) => shape.incomplete !== undefined)) return
      count.understood++
      const unknown = [...typesOf(text === '' ? {} : parseSync(text))].filter((type) => !understood.has(type))
      assert.deepEqual(unknown, [])
    }),
    { numRuns: fuzzRuns(5000) },
  )
  assert.ok(count.understood >= fuzzRuns(5000) / 10, JSON.stringify(count))
})

test('each statement of a text means by itself what it means in the text', () => {
  const plain = ({ shape, exitsTransaction }: ParsedStatement): unknown => ({ shape, exitsTransaction })
  fc.assert(
    fc.property(texts, (text) => {
      const parsed = parse(text)
      if (parsed.kind !== 'statements') return
      const bytes = Buffer.from(text)
      let behind = 0
      for (const found of parsed.statements) {
        assert.ok(found.start >= behind && found.end > found.start && found.end <= bytes.length)
        behind = found.end
        const alone = statements(bytes.subarray(found.start, found.end).toString())
        assert.deepEqual(alone.map(plain), [plain(found)])
        // What stands before it is a text of the statements before it.
        const before = statements(bytes.subarray(0, found.start).toString())
        assert.deepEqual(before.map(plain), parsed.statements.slice(0, before.length).map(plain))
        assert.equal(before.length, parsed.statements.indexOf(found))
      }
    }),
    { numRuns: fuzzRuns(3000) },
  )
})

/** Sixteen digits in every place where a text can hold what is not its own words. */
const hiding: readonly ((digits: string) => string)[] = [
  (digits) => `select '${digits}'`,
  (digits) => `select ${digits}, -${digits}, ${digits}.5, .${digits}, ${digits}e3`,
  (digits) => `select 0x${digits}, ${digits.replaceAll(/(\d{4})(?=\d)/g, '$1_')}`,
  (digits) => `select E'\\t${digits}\\'', U&'${digits}\\0041', $$${digits}$$, $x$ ${digits} $x$, N'${digits}'`,
  (digits) => `select x'${digits}', B'${digits.replaceAll(/\d/g, '1')}'`,
  (digits) => `select 1 /* ${digits} */ -- ${digits}`,
  (digits) =>
    `select 1 as "${digits}", 2 as "a ${digits}", 3 as n${digits}, 4 as "${digits.slice(0, 8)}-${digits.slice(8)}"`,
  (digits) => `select t."${digits}", "t${digits}".a, U&"${digits}" from "${digits}" t`,
  (digits) => `select f${digits}(1), "${digits}"(2), s${digits}.f(3)`,
  (digits) => `select a::t${digits}, a operator(s${digits}.+) 1, a collate "${digits}"`,
  (digits) => `savepoint s${digits}; release "${digits}"; rollback to s${digits}`,
  (digits) =>
    `set application_name to '${digits}'; set x${digits} to y${digits}; show z${digits}; set a.b to ${digits}`,
  (digits) => `insert into t (c${digits}) values ('${digits}') on conflict on constraint k${digits} do nothing`,
  (digits) => `do $$ ${digits} $$; call p('${digits}'); notify n${digits}, '${digits}'; listen l${digits}`,
  (digits) =>
    `comment on table t is '${digits}'; prepare p${digits} as select ${digits}; execute p${digits}('${digits}')`,
  (digits) => `select '${digits}`,
  (digits) => `selec ${digits}`,
  (digits) => `select 1 from "${digits}`,
  (digits) => `select ${digits}x`,
  (digits) => `create role r${digits} password '${digits}'; grant g${digits} to r; drop view v${digits}`,
  (digits) => `select ${'1, '.repeat(3000)} '${digits}'`,
  (digits) => `select '${'x'.repeat(70_000)}${digits}', '${digits}'`,
  (digits) => `select $${digits.slice(0, 9)}`,
]

test('nothing of a value is in a template, a reason or an error', () => {
  const digits = fc
    .array(fc.integer({ min: 1, max: 9 }), { minLength: 16, maxLength: 16 })
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(digits, fc.array(fc.constantFrom(...hiding), { minLength: 1, maxLength: 3 }), (value, places) => {
      const text = places.map((place) => place(value)).join(';')
      const parsed = parse(text)
      if (parsed.kind === 'too-large') return
      const said =
        parsed.kind === 'syntax-error'
          ? parsed.message
          : parsed.statements.flatMap(({ shape }) => [shape.template, shape.incomplete ?? '', shape.verb]).join(' ')
      // Parameters keep their numbers, which have at most nine digits here.
      for (let at = 0; at + 7 <= value.length; at++) {
        const window = value.slice(at, at + 7)
        assert.ok(!said.replaceAll(/\$\d{1,9}(?!\d)/g, '$').includes(window), 'a value shows through')
      }
    }),
    { numRuns: fuzzRuns(2000) },
  )
})

test('the shapes are what they were: nothing in them depends on the order of parsing', () => {
  fc.assert(
    fc.property(mutants, mutants, (one, two) => {
      const first = parse(one)
      parse(two)
      assert.deepEqual(parse(one), first)
    }),
    { numRuns: fuzzRuns(2000) },
  )
})
