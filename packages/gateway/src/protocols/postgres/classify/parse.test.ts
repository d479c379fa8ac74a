import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseSync } from 'libpg-query'
import { parse, statement, statements } from './testkit/parsed.ts'
import { formatAccess } from './testkit/vectors.ts'

describe('positions', () => {
  const cases: readonly { readonly text: string; readonly parts: readonly string[] }[] = [
    { text: 'select 1', parts: ['select 1'] },
    { text: 'select 1;', parts: ['select 1'] },
    { text: ' select 1 ; ', parts: ['select 1'] },
    { text: '/* a */ select 1 /* b */; -- c\n select 2 -- d', parts: ['select 1', 'select 2'] },
    { text: ';;select 1;;\nselect 2;', parts: ['select 1', 'select 2'] },
    {
      text: "select 'é€😀'; insert into \"é\" values ('ü') ; commit",
      parts: ["select 'é€😀'", `insert into "é" values ('ü')`, 'commit'],
    },
    {
      text: "select ';'; select $$;$$; select 1 /* ; */ + 2",
      parts: ["select ';'", 'select $$;$$', 'select 1 /* ; */ + 2'],
    },
    {
      text: 'create procedure p() begin atomic select 1; select 2; end; select 3',
      parts: ['create procedure p() begin atomic select 1; select 2; end', 'select 3'],
    },
    { text: '\u000b\f select\u000b1', parts: ['select\u000b1'] },
    {
      text: 'select \'\u0001\u0002\' as "\u0003"; select 2',
      parts: ['select \'\u0001\u0002\' as "\u0003"', 'select 2'],
    },
    { text: '', parts: [] },
    { text: ' ; -- nothing\n ;', parts: [] },
  ]
  for (const { text, parts } of cases) {
    test(JSON.stringify(text), () => {
      const bytes = Buffer.from(text)
      const found = statements(text).map(({ start, end }) => bytes.subarray(start, end).toString())
      assert.deepEqual(found, parts)
    })
  }

  test('of a text beyond what templates are made from', () => {
    const long = `select 1; select '${'é'.repeat(100_000)}'; select 3 -- end`
    const bytes = Buffer.from(long)
    const [first, second, third] = statements(long)
    assert.equal(bytes.subarray(first?.start, first?.end).toString(), 'select 1')
    assert.equal(bytes.subarray(second?.start, second?.end).toString(), `select '${'é'.repeat(100_000)}'`)
    assert.equal(bytes.subarray(third?.start, third?.end).toString(), 'select 3 -- end')
    assert.deepEqual(
      [first, second, third].map((found) => found?.shape.template),
      ['select ?', 'select …', 'select …'],
    )
  })
})

describe('syntax errors', () => {
  const cases: readonly (readonly [text: string, position: number, message: string])[] = [
    ['selec 4111111111111111', 1, 'syntax error'],
    ['select 1 from', 14, 'syntax error at end of input'],
    ["select 'é', 1 from", 19, 'syntax error at end of input'],
    ["select '4111111111111111", 8, 'unterminated quoted string'],
    ['select 1 /* 4111111111111111', 10, 'unterminated /* comment'],
    ['select 4111111111111111x', 8, 'trailing junk after numeric literal'],
    ['select ""', 8, 'zero-length delimited identifier'],
  ]
  for (const [text, position, message] of cases) {
    test(text, () => {
      assert.deepEqual(parse(text), { kind: 'syntax-error', position, message })
    })
  }
})

describe('templates and fingerprints', () => {
  test('what differs in literals, case, white space and comments is one shape', () => {
    const [one, ...others] = [
      "select a from T where b = 'x' and c = 1",
      "SELECT  A\nFROM t -- x\n WHERE b='4111111111111111' /* y */ AND c = 2.5",
      'select a from t where b = $$x$$ and c = 0x1f',
      "select a from t where b = E'\\n' and c = b'1'",
    ].map((text) => statement(text).shapeKey)
    for (const other of others) assert.equal(other, one)
  })

  test('what differs in names, operators or parameters is another', () => {
    const keys = [
      'select a from t where b = 1',
      'select a from t where b = $1',
      'select a from t where b = $2',
      'select a from t where b > 1',
      'select a from t where c = 1',
      'select a from s where b = 1',
      'select "A" from t where b = 1',
      'select a from public.t where b = 1',
    ].map((text) => statement(text).shape.fingerprint)
    assert.equal(new Set(keys).size, keys.length)
  })

  test('the same template with other names behind its quotes is another shape', () => {
    const [one, two] = ['select * from "t4111111111111111"', 'select * from "t5500000000000004"'].map(statement)
    assert.equal(one?.shape.template, two?.shape.template)
    assert.notEqual(one?.shapeKey, two?.shapeKey)
  })

  test('a long template is cut at 4 KiB, its fingerprint is not', () => {
    const terms = Array.from({ length: 1500 }, (_, index) => `c${index}`).join(', ')
    const [one, two] = [`select ${terms} from t`, `select ${terms} from u`].map((text) => statement(text).shape)
    assert.equal(one?.template, two?.template)
    assert.ok(one?.template.endsWith(' …') === true)
    assert.ok(Buffer.byteLength(one.template) <= 4096)
    assert.notEqual(one.fingerprint, two?.fingerprint)
  })

  test('a cut text has another fingerprint than a whole one with the same template', () => {
    const cut = statement(`select '${'x'.repeat(70_000)}'`).shape
    assert.equal(cut.template, 'select …')
    assert.match(cut.fingerprint, /^[0-9a-f]{32}$/)
    assert.notEqual(cut.fingerprint, statement('select').shape.fingerprint)
  })
})

describe('limits', () => {
  const cases: readonly (readonly [name: string, text: string])[] = [
    ['operators in a chain', `select 1${'+1'.repeat(50_000)}`],
    ['operators by name in a chain', `select 1${' operator(pg_catalog.+) 1'.repeat(10_000)}`],
    ['brackets', `select ${'('.repeat(5000)}1${')'.repeat(5000)}`],
    ['arrays', `select ${'array['.repeat(5000)}1${']'.repeat(5000)}`],
    ['CASE', `select ${'case when true then '.repeat(5000)}1${' end'.repeat(5000)}`],
    ['NOT', `select ${'not '.repeat(5000)}true`],
    ['casts', `select 1${'::int'.repeat(5000)}`],
    ['UNION', `select 1${' union select 1'.repeat(5000)}`],
    ['JOIN', `select 1 from t${' cross join t'.repeat(5000)}`],
    ['IS NULL', `select 1${' is null'.repeat(5000)}`],
    ['one long operator', `select 1 ${'+'.repeat(100_000)} 1`],
    ['nested comments', `select 1 ${'/*'.repeat(100_000)}`],
    ['comments in comments', `select 1 /*${' /*'.repeat(1000)}${'*/ '.repeat(1000)}*/`],
    ['statements', 'select 1;'.repeat(2000)],
    ['tokens', `select ${'1,'.repeat(300_000)}1`],
  ]
  for (const [name, text] of cases) {
    test(`${name}: refused without the parser`, () => {
      assert.deepEqual(parse(text), { kind: 'too-large' })
    })
  }

  test('what large applications send is not', () => {
    const texts = [
      `insert into t values ${Array.from({ length: 10_000 }, (_, row) => `(${row}, 'abc', 2.5)`).join()}`,
      `select * from t where id in (${Array.from({ length: 30_000 }, (_, id) => id).join()})`,
      `select * from t where ${Array.from({ length: 5000 }, (_, id) => `(a = ${id} and b = $1)`).join(' or ')}`,
      `select * from t where ${Array.from({ length: 5000 }, (_, id) => `a = ${id}`).join(' and ')}`,
      Array.from({ length: 900 }, (_, id) => `update t set a = ${id} where b = ${id}`).join(';\n'),
      `select ${'('.repeat(500)}1${')'.repeat(500)}`,
      `select '${'x'.repeat(900_000)}'`,
    ]
    for (const text of texts) assert.equal(parse(text).kind, 'statements')
  })
})

test('names longer than 63 bytes are cut as the server cuts them', () => {
  const { shape } = statement(`select * from ${'é'.repeat(40)}, "${'x'.repeat(70)}"`)
  assert.deepEqual(shape.accesses.map(formatAccess), [
    `select public.${'é'.repeat(31)}(*)`,
    `select public.${'x'.repeat(63)}(*)`,
  ])
})

test('the parser is the one whose grammar was audited', () => {
  // Another version may give nodes, fields and tokens another meaning: read its changes, then the lists in analysis/.
  assert.equal(parseSync('select 1').version, 180_004)
})
