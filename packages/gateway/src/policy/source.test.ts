import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { parsePolicy } from './cedar.ts'
import { indexAtByte, placeAt, splitStatements } from './source.ts'

test('a byte offset is found behind letters of one to four bytes', () => {
  const text = 'aé€😀z'
  const encoder = new TextEncoder()
  for (let index = 0; index <= text.length; index++) {
    // the second half of a pair is no place of its own
    if (text.charCodeAt(index) >= 0xdc_00 && text.charCodeAt(index) < 0xe0_00) continue
    assert.equal(indexAtByte(text, encoder.encode(text.slice(0, index)).length), index)
  }
  assert.equal(indexAtByte(text, 2), 1, 'within é')
  assert.equal(indexAtByte(text, 999), text.length)
})

test('lines end at LF, CR and CRLF; columns count UTF-16 units', () => {
  const text = 'a\nb\r\nc\r😀d'
  assert.deepEqual(placeAt(text, 0), { line: 1, column: 1 })
  assert.deepEqual(placeAt(text, text.indexOf('b')), { line: 2, column: 1 })
  assert.deepEqual(placeAt(text, text.indexOf('c')), { line: 3, column: 1 })
  assert.deepEqual(placeAt(text, text.indexOf('d')), { line: 4, column: 3 })
})

test('policies are split at semicolons outside strings and comments', () => {
  const text = `// a; "b
@id("x;\\"// ;") permit (principal, action, resource); // ;
forbid // not yet;
(principal, action, resource);
rest`
  const statements = splitStatements(text)
  assert.equal(statements.length, 3)
  assert.equal(statements[0]?.text, '@id("x;\\"// ;") permit (principal, action, resource);')
  assert.equal(statements[1]?.text, 'forbid // not yet;\n(principal, action, resource);')
  assert.equal(statements[2]?.text, 'rest')
})

test('nothing but comments and white space is no policy', () => {
  assert.deepEqual(splitStatements('  // permit (principal, action, resource);\n\t'), [])
})

test('no text of a file gets lost between policies', () => {
  const piece = fc.constantFrom(
    ';',
    '"',
    '\\',
    '//',
    '\n',
    '\r',
    ' ',
    'permit',
    '(',
    ')',
    'é',
    '😀',
    '\u2028',
    '@id("a")',
    '=',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const text = pieces.join('')
      let end = 0
      for (const statement of splitStatements(text)) {
        assert.match(text.slice(end, statement.start), /^(?:\s|\/\/[^\n\r]*)*$/u)
        end = statement.start + statement.text.length
        assert.equal(text.slice(statement.start, end), statement.text)
      }
      assert.match(text.slice(end), /^(?:\s|\/\/[^\n\r]*)*$/u)
    }),
    { numRuns: 5_000 },
  )
})

test('Cedar agrees about where a comment ends', () => {
  for (const end of ['\n', '\r', '\r\n']) {
    const text = `// ;${end}permit (principal, action, resource);`
    assert.equal(splitStatements(text).length, 1)
    assert.ok('effect' in parsePolicy(text))
  }
  // U+2028 ends no comment, neither there nor here
  assert.equal(splitStatements('// \u2028permit (principal, action, resource);').length, 0)
  assert.ok('startByte' in parsePolicy('// \u2028permit (principal, action, resource);'))
})
