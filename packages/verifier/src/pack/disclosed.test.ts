import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDisclosed, parseDisclosed } from './disclosed.ts'

const payload = { record: 12, blob: Buffer.from('sealed byte'), key: Buffer.alloc(32, 0xab) }
const line = formatDisclosed(payload)

test('a line is read as it was written', () => {
  assert.deepEqual(parseDisclosed(line), payload)
})

const others: readonly (readonly [string, string])[] = [
  ['no number', line.replace(':12}', ':NaN}')],
  ['no number at all', line.replace(':12}', ':}')],
  ['another spelling of a number', line.replace(':12}', ':1.2e1}')],
  ['a number that is none', line.replace(':12}', ':99999999999999999}')],
  ['white space', line.replace(',"key"', ', "key"')],
  ['more behind it', `${line} `],
  ['another member', line.replace('}', ',"x":"y"}')],
  ['another order', `{"key":"${'ab'.repeat(32)}","blob":"AAAA","record":12}`],
  ['another spelling of base64', line.replace('=', '')],
  ['another spelling of hexadecimal', line.replace('abab', 'ABab')],
  ['half a byte', line.replace('abab', 'aba')],
  ['an escape', line.replace('"blob"', '"\\u0062lob"')],
  ['nothing', ''],
  ['brackets', '['.repeat(1_000_000)],
  ['quotes', '"'.repeat(1_000_000)],
]

for (const [what, other] of others) {
  test(`a line with ${what} is refused`, () => {
    assert.notEqual(other, line)
    assert.throws(() => parseDisclosed(other), { code: 'SP_PACK_MALFORMED' })
  })
}
