import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { askingPolicies } from './asking-policies.ts'

test('policies that ask for an approval are read from their texts, whatever stands around them', () => {
  const files = [
    `// @id("commented") @approvers("x:1") permit (principal, action, resource);
@id("plain") @need("say; \\"so\\" @approvers(\\"x:1\\")") permit (principal, action, resource) when { resource.name == "a;b // c" };
@approvers ( "leads:1" ) // whose
@id // which
("held")
permit (principal, action in Action::"delete.approved", resource);`,
    '@id("guard\\u{21}") @approvers("security:2") forbid (principal, action, resource) unless { action in Action::"approved" };@id("last") @approvers("x:1")',
    // Cedar's lexer ends a comment at a carriage return, and takes U+0085 for a space.
    '@id("old lines") // whose\r@approvers("leads:2")\rpermit (principal, action, resource);',
    '@\u0085id\u0085("next line")@approvers("leads:3")\u0085permit (principal, action, resource);',
  ]
  const text = JSON.stringify({ files })
  const { hash, needs } = askingPolicies(text)
  assert.equal(hash, createHash('sha256').update(text).digest('hex'))
  assert.deepEqual(
    [...needs],
    [
      ['held', 'leads:1'],
      ['guard!', 'security:2'],
      ['old lines', 'leads:2'],
      ['next line', 'leads:3'],
    ],
  )
})

test('what is no policy text asks for nothing', () => {
  for (const text of ['', 'no JSON', '[]', '{"files":[1]}', '{"files":["@id(\\"a","\\\\","@@@;("]}'])
    assert.equal(askingPolicies(text).needs.size, 0, text)
})
