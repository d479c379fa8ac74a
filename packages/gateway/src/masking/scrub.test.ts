import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Bytes, fromUtf8, toUtf8 } from '#base'
import { createMasking, createScrubber } from './masking.ts'
import { withCheckDigit, withoutDigits } from './testkit/cards.ts'

const scrubber = createScrubber({})
const pan = withCheckDigit('400000000000001')
const masked = `${'*'.repeat(12)}${pan.slice(-4)}`
const other = withCheckDigit('520000000000001')

const places: readonly (readonly [name: string, text: string, expect: string])[] = [
  ['a literal', `select '${pan}'`, `select '${masked}'`],
  ['a comment', `select 1 -- ${pan}`, `select 1 -- ${masked}`],
  ['a block comment', `/*${pan}*/ select 1`, `/*${masked}*/ select 1`],
  ['an identifier', `select 1 as "c${pan}"`, `select 1 as "c${masked}"`],
  ['a bare identifier', `select 1 as t_${pan}_x`, `select 1 as t_${masked}_x`],
  ['a number', `where n = ${pan}`, `where n = ${masked}`],
  ['a pattern', `where p like '%${pan}%'`, `where p like '%${masked}%'`],
  ['a pattern for an amex number', "where p like '%378282246310005%'", "where p like '************0005%'"],
  ['a pattern for a jcb number', "where p like '%3530111333300000%'", "where p like '*************0000%'"],
  ['a DO body', `do $$begin perform '${pan}'; end$$`, `do $$begin perform '${masked}'; end$$`],
  ['error detail', `Key (pan)=(${pan}) already exists.`, `Key (pan)=(${masked}) already exists.`],
  ['a failed cast', `invalid input: "${pan}x"`, `invalid input: "${masked}x"`],
  ['a log line', `{"msg":"got ${pan}","n":${pan}}`, `{"msg":"got ${masked}","n":${masked}}`],
  ['two numbers', `${pan},${other}`, `${masked},${'*'.repeat(12)}${other.slice(-4)}`],
  ['a longer run', `0${pan}`, `0${masked}`],
]

for (const [name, text, expect] of places) {
  test(`scrubs ${name}`, () => {
    const scrubbed = scrubber.scrubText(text)
    assert.ok(scrubbed === expect, withoutDigits(scrubbed))
  })
}

test('a number with an escaped line end in it is found at any offset', () => {
  const card = withCheckDigit('50000000001')
  for (let filler = 0; filler < 30; filler += 1) {
    const text = `${'x'.repeat(filler)}${card.slice(0, 6)}\\n${card.slice(6)}`
    assert.ok(scrubber.scrubText(text) !== text, `${filler} bytes before`)
  }
})

test('what follows a number is a track only with a month in it', () => {
  assert.ok(scrubber.scrubText(`;${pan}=2900101`) === `;${masked}=2900101`)
  assert.ok(scrubber.scrubText(`;${pan}=2913101`) === `;${masked}=2913101`)
  assert.ok(!/\d/.test(scrubber.scrubText(`;${pan}=2912101`)))
})

test('numbers that overlap keep one last four between them', () => {
  // Both the first and the last sixteen of these digits are card numbers.
  const text = findOverlap()
  const scrubbed = scrubber.scrubText(text)
  assert.ok(scrubbed.endsWith(text.slice(-4)), withoutDigits(scrubbed))
  assert.equal(scrubbed.replaceAll(/\D/g, '').length, 4)
})

/** Twenty digits with a card number at either end. */
function findOverlap(): string {
  for (let tail = 0; tail < 10_000; tail += 1) {
    const text = withCheckDigit('444444444444444') + String(tail).padStart(4, '0')
    if (withCheckDigit(text.slice(4, 19)) === text.slice(4)) return text
  }
  throw new Error('no such number')
}

test('a run that is one card number after another shows no more than four digits of it', () => {
  const scrubbed = scrubber.scrubText('4'.repeat(15).concat('8').repeat(20))
  assert.ok(scrubbed.replaceAll(/\D/g, '').length <= 4, withoutDigits(scrubbed))
})

test('what holds nothing comes back as the same object', () => {
  const bytes = toUtf8('select count(*) from t where d = 20261121 and n = 12345678')
  assert.equal(scrubber.scrub(bytes), bytes)
})

test('bytes given are not altered, a range in place is', () => {
  const bytes = toUtf8(`x${pan}${'x'.repeat(3)}${pan}`)
  assert.notEqual(scrubber.scrub(bytes), bytes)
  assert.ok(fromUtf8(bytes) === `x${pan}xxx${pan}`)
  assert.equal(scrubber.scrubInPlace(bytes, 0, 17), 1)
  assert.ok(fromUtf8(bytes) === `x${masked}xxx${pan}`)
})

test('what is left of a reference is no digit the second time', () => {
  const [last = '', ...others] = [...pan].reverse()
  const references = others.reverse().map((digit) => `&#x3${digit};`)
  const text = `${references.join('')}&#x3${last}`
  assert.notEqual(scrubber.scrubText(text), text)
  assert.ok(scrubber.scrubText(`${text}*`) === `${text}*`)
})

test('a reference that a replaced digit follows ends no group the second time', () => {
  const written = (text: string): string => text.replaceAll(/\d/g, (digit) => `&#x3${digit}`)
  const short = withCheckDigit('400000000000')
  const arabic = pan.replaceAll(/\d/g, (digit) => String.fromCodePoint(0x660 + Number(digit)))
  for (let next = 0; next < 10; next += 1) {
    const text = `${written(short.slice(0, 12))}/${written(`${short.slice(12)}${next}`)}${arabic}`
    const once = scrubber.scrubText(text)
    assert.ok(scrubber.scrubText(once) === once, withoutDigits(text))
  }
})

test('text that UTF-8 cannot hold is no obstacle', () => {
  assert.equal(scrubber.scrubText('\ud800 nothing here at all'), '\ud800 nothing here at all')
  assert.ok(scrubber.scrubText(`\ud800${pan}`).endsWith(masked))
})

const masker = createMasking({}, 'test').begin([{ name: 'value', category: 'text' }])
for (const [what, run] of [
  ['records', (text: Bytes) => scrubber.scrubInPlace(text, 0, text.length)],
  ['results', (text: Bytes) => masker.mask(0, text, 0, text.length)],
] as const) {
  test(`time grows with length, not faster, on what costs most in ${what}`, () => {
    const hostile = [
      '1',
      '4 ',
      '4111111111111111',
      '\\',
      '\\u0034',
      '%34',
      "4'",
      '4,',
      '*1',
      '٤',
      '\u200b1',
      '4111 ',
      '=2512',
      '^A',
      'a1',
      '<',
      '&',
      '&#',
      '&#52;',
      '&amp;',
      '1&amp;amp;',
      '1<b',
      '1<b>',
      '&#x34',
      '\\ud835\\udfd2',
      '\\ud835',
      '1.1 ',
      `1<b ${'a'.repeat(250)}`,
      `1&lt;b ${'&lt;'.repeat(60)}`,
      `1${' '.repeat(60)}<`,
      '1      <b>',
      '1</td><td>',
      '\\u003c',
      '1\\u003cb\\u003e',
      '1**',
      `${' '.repeat(64)}<`,
    ]
    for (const piece of hostile) {
      const time = (bytes: number, times: number): number => {
        const texts = Array.from({ length: times }, () => toUtf8(piece.repeat(Math.ceil(bytes / piece.length))))
        const before = process.threadCpuUsage()
        for (const text of texts) run(text)
        const { user, system } = process.threadCpuUsage(before)
        return (user + system) / 1_000
      }
      time(20_000, 1)
      // Quadratic time would be twenty times as much. It is the thread's own: a busy machine is no reason.
      const short = Math.min(time(20_000, 20), time(20_000, 20))
      const long = Math.min(time(400_000, 1), time(400_000, 1))
      assert.ok(long < 5 * short + 20, `${withoutDigits(piece)}: ${short} ms, ${long} ms`)
    }
  })
}
