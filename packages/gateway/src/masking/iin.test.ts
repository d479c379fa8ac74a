import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decimalValue } from './digit-sets.ts'
import { compileIins } from './iin.ts'
import { iinTable } from './iin-table.ts'
import { rulesetText } from './ruleset.ts'

const iins = compileIins()

/** The first eight digits of a number that begins so. */
const eight = (prefix: string, fill = '0') => Number(prefix.padEnd(8, fill))

const cases: readonly [prefix: string, length: number, brand: string | undefined][] = [
  ['4', 16, 'visa'],
  ['4', 13, 'visa'],
  ['4', 14, undefined],
  ['4', 15, undefined],
  ['401178', 16, 'elo'],
  ['401177', 16, 'visa'],
  ['401178', 19, 'visa'],
  ['4571', 16, 'dankort'],
  ['493698', 12, 'maestro'],
  ['493698', 16, 'maestro'],
  ['2220', 16, undefined],
  ['2221', 16, 'mastercard'],
  ['2720', 16, 'mastercard'],
  ['2721', 16, undefined],
  ['2199', 16, undefined],
  ['2200', 16, 'mir'],
  ['2204', 19, 'mir'],
  ['2205', 16, undefined],
  ['51', 16, 'mastercard'],
  ['55', 16, 'mastercard'],
  ['51', 19, undefined],
  ['50', 12, 'maestro'],
  ['5019', 16, 'dankort'],
  ['5068', 16, 'verve'],
  ['506700', 16, 'elo'],
  ['34', 15, 'american-express'],
  ['35', 15, undefined],
  ['3527', 16, undefined],
  ['3528', 16, 'jcb'],
  ['3571', 16, 'lankapay'],
  ['3589', 19, 'jcb'],
  ['3590', 16, undefined],
  ['2131', 15, 'jcb'],
  ['300', 14, 'diners-club'],
  ['305', 14, 'diners-club'],
  ['306', 14, undefined],
  ['6011', 16, 'discover'],
  ['622125', 16, 'unionpay'],
  ['622126', 16, 'discover'],
  ['622925', 19, 'discover'],
  ['622926', 16, 'unionpay'],
  ['643', 16, 'maestro'],
  ['644', 16, 'discover'],
  ['655058', 16, 'elo'],
  ['81', 16, 'rupay'],
  ['81', 19, 'unionpay'],
  ['82', 16, 'rupay'],
  ['83', 16, undefined],
  ['9792', 16, 'troy'],
  ['8600', 16, 'uzcard'],
  ['9860', 16, 'humo'],
  ['9704', 19, 'napas'],
  ['589562', 16, 'naranja'],
  ['606282', 16, 'hipercard'],
  ['63737423', 16, 'hiper'],
  ['1', 15, 'uatp'],
  ['1', 16, undefined],
  ['0', 16, undefined],
  ['7', 16, undefined],
  ['99999999', 19, undefined],
]

for (const [prefix, length, brand] of cases) {
  test(`${prefix} with ${length} digits is ${brand ?? 'nobody’s'}`, () => {
    assert.equal(iins.brand(eight(prefix), length), brand)
  })
}

test('both ends of every range answer, and the first sieve never says no to them', () => {
  for (const { prefixes, lengths } of iinTable) {
    for (const prefix of prefixes) {
      const [low = '', high = low] = prefix.split('-')
      for (const first of [eight(low), eight(high, '9')]) {
        for (const length of lengths) {
          assert.notEqual(iins.brand(first, length), undefined, `${prefix} ${length}`)
          assert.ok(iins.mayBe(Math.floor(first / 10_000), length), `${prefix} ${length}`)
        }
      }
    }
  }
})

test('own ranges are added to the published ones', () => {
  const own = compileIins([...iinTable, { brand: 'shop', prefixes: ['70012345'], lengths: [17] }])
  assert.equal(own.brand(70_012_345, 17), 'shop')
  assert.equal(own.brand(70_012_346, 17), undefined)
  assert.equal(own.brand(eight('4'), 16), 'visa')
})

test('a range that is none is refused by name', () => {
  const wrong = [
    { brand: 'x', prefixes: ['123456789'], lengths: [16] },
    { brand: 'x', prefixes: [''], lengths: [16] },
    { brand: 'x', prefixes: ['55-51'], lengths: [16] },
    { brand: 'x', prefixes: ['51-551'], lengths: [16] },
    { brand: 'x', prefixes: ['4x'], lengths: [16] },
    { brand: 'x', prefixes: ['4'], lengths: [11] },
    { brand: 'x', prefixes: ['4'], lengths: [20] },
    { brand: 'x', prefixes: ['4'], lengths: [16.5] },
  ]
  for (const row of wrong)
    assert.throws(() => compileIins([row]), { code: 'SP_CONFIG_INVALID', message: /card brand x/ })
})

test('the text of the rules changes with the rules and with nothing else', () => {
  assert.equal(rulesetText({}), rulesetText({ iins: structuredClone(iinTable) }))
  assert.notEqual(
    rulesetText({}),
    rulesetText({ iins: [...iinTable, { brand: 'shop', prefixes: ['7'], lengths: [16] }] }),
  )
})

test('the decimal digits are those of Unicode', () => {
  for (let codePoint = 0; codePoint <= 0x10_ffff; codePoint += 1) {
    const isDecimal = /^\p{Nd}$/u.test(String.fromCodePoint(codePoint))
    if (isDecimal !== decimalValue(codePoint) >= 0) assert.fail(`U+${codePoint.toString(16)}`)
  }
})
