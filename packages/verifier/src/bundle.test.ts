import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeBundle, parseBundle, splitBundle } from './bundle.ts'

const entries = (...texts: readonly string[]): readonly Buffer[] => texts.map((text) => Buffer.from(text))
const texts = (read: readonly Uint8Array[]): readonly string[] => read.map((entry) => Buffer.from(entry).toString())

test('a bundle is written and read', () => {
  //                     | length  | a   | length  | length  | bc      |
  const bytes = Buffer.from([0x00, 0x01, 0x61, 0x00, 0x00, 0x00, 0x02, 0x62, 0x63])
  assert.deepEqual(encodeBundle(entries('a', '', 'bc')), bytes)
  assert.deepEqual(texts(parseBundle(bytes)), ['a', '', 'bc'])
})

test('the longest entry fits, one byte more does not', () => {
  const longest = Buffer.alloc(65_535, 0x61)
  assert.deepEqual(parseBundle(encodeBundle([longest]))[0], longest)
  assert.throws(() => encodeBundle([Buffer.alloc(65_536)]), { code: 'SP_OUT_OF_RANGE' })
})

test('1 to 256 entries are a bundle', () => {
  const full = Array.from({ length: 256 }, (_, index) => Buffer.from(String(index)))
  assert.equal(parseBundle(encodeBundle(full)).length, 256)
  assert.throws(() => encodeBundle([]), { code: 'SP_OUT_OF_RANGE' })
  assert.throws(() => encodeBundle([...full, Buffer.alloc(0)]), { code: 'SP_OUT_OF_RANGE' })
  const longer = Buffer.concat([encodeBundle(full), Buffer.of(0, 0)])
  assert.throws(() => parseBundle(longer), { code: 'SP_BUNDLE_MALFORMED' })
})

for (const [name, hex] of [
  ['nothing', ''],
  ['half a length', '00'],
  ['a length without its entry', '0001'],
  ['an entry cut short', '000261'],
  ['half a length after an entry', '00016100'],
] as const) {
  test(`${name} is no bundle`, () => {
    assert.throws(() => parseBundle(Buffer.from(hex, 'hex')), { code: 'SP_BUNDLE_MALFORMED' })
  })
}

test('what stands before the damage is still told apart', () => {
  const { entries: read, damage } = splitBundle(Buffer.from('0001610005', 'hex'))
  assert.deepEqual(texts(read), ['a'])
  assert.equal(damage, 'entry 1 is cut short')
  assert.deepEqual(texts(splitBundle(encodeBundle(entries('a', 'b', 'c')), 2).entries), ['a', 'b'])
})
