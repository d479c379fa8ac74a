import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { toDecimal, toInt64 } from './numbers.ts'

const whole: readonly (readonly [string, string | undefined])[] = [
  ['0', '0'],
  ['-0', '0'],
  ['0.000', '0'],
  ['0e999999', '0'],
  ['100', '100'],
  ['100.0', '100'],
  ['1e2', '100'],
  ['1E+2', '100'],
  ['1.5e1', '15'],
  ['1500e-2', '15'],
  ['-7', '-7'],
  ['9007199254740993', '9007199254740993'],
  ['9223372036854775807', '9223372036854775807'],
  ['-9223372036854775808', '-9223372036854775808'],
  ['9223372036854775808', undefined],
  ['-9223372036854775809', undefined],
  ['1e19', undefined],
  ['1e999999', undefined],
  ['1e9999999', undefined],
  ['1.5', undefined],
  ['1e-1', undefined],
  ['', undefined],
  ['+1', undefined],
  ['1.', undefined],
  ['0x10', undefined],
  ['1'.repeat(500), undefined],
]
for (const [source, text] of whole) {
  test(`${source.slice(0, 30)} is ${text ?? 'no int64'}`, () => assert.equal(toInt64(source), text))
}

const decimals: readonly (readonly [string, string | undefined])[] = [
  ['0', '0.0000'],
  ['2.5', '2.5000'],
  ['-0.0001', '-0.0001'],
  ['0.00010', '0.0001'],
  ['12e-4', '0.0012'],
  ['1e3', '1000.0000'],
  ['922337203685477.5807', '922337203685477.5807'],
  ['-922337203685477.5808', '-922337203685477.5808'],
  ['922337203685477.5808', undefined],
  ['0.00001', undefined],
  ['1e-5', undefined],
  ['1e999999', undefined],
  ['NaN', undefined],
]
for (const [source, text] of decimals) {
  test(`${source} is ${text ?? 'no decimal'}`, () => assert.equal(toDecimal(source), text))
}

test('every int64 is exact, however it is written', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.nat(6), (value, zeros) => {
      assert.equal(toInt64(String(value)), String(value))
      assert.equal(toInt64(`${value}.${'0'.repeat(zeros + 1)}`), String(value))
      assert.equal(toInt64(`${value}${'0'.repeat(zeros)}e-${zeros}`), String(value))
    }),
    { numRuns: 2_000 },
  )
})

test('every decimal is exact', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (units) => {
      const text = toDecimal(`${units}e-4`)
      assert.ok(text !== undefined)
      assert.equal(BigInt(text.replace('.', '')), units)
    }),
    { numRuns: 2_000 },
  )
})
