import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Bytes, concatBytes, fromUtf8, toUtf8 } from '#base'
import type { MaskVerdict, ResultColumn } from '#model'
import { withCheckDigit, withoutDigits } from './testkit/cards.ts'
import { masking, maskValue } from './testkit/value.ts'
import { readVectors } from './testkit/vectors.ts'

const pan = withCheckDigit('400000000000001')
const masked = `${'*'.repeat(12)}${pan.slice(-4)}`

const declared: readonly {
  name: string
  text: string
  category?: ResultColumn['category']
  /** What the value becomes, or the refusal. */
  expect: string
}[] = [
  { name: 'a card number', text: pan, expect: masked },
  { name: 'one with a wrong check digit', text: '4000 0000 0000 0000', expect: '**** **** **** 0000' },
  { name: 'of no issuer', text: '9999999999', expect: '******9999' },
  { name: 'five digits', text: 'x1y2z345', expect: 'x*y2z345' },
  { name: 'four digits', text: '1234', expect: '****' },
  { name: 'one digit', text: 'no 7', expect: 'no *' },
  { name: 'no digit', text: 'unknown', expect: 'unknown' },
  { name: 'nothing', text: '', expect: '' },
  { name: 'more digits than a card', text: '1'.repeat(40), expect: `${'*'.repeat(36)}1111` },
  { name: 'digits of another script', text: '٤٤٤٤٤', expect: '**٤٤٤٤' },
  { name: 'escaped digits', text: '\\u0034\\u0034444', expect: '******\\u0034444' },
  { name: 'a float', text: '4.0e+15', category: 'text', expect: '*.*e+**' },
  {
    name: 'digits long before the end',
    text: `12345678${' '.repeat(5000)}9`,
    expect: `${'*'.repeat(8)}${' '.repeat(5000)}9`,
  },
  { name: 'another type', text: '{12345,67890}', category: 'other', expect: '{*****,*7890}' },
  { name: 'a JSON string', text: '{"p":"12345","q":"12"}', category: 'json', expect: '{"p":"*2345","q":"**"}' },
  { name: 'a short JSON number', text: '{"month":12}', category: 'json', expect: '{"month":12}' },
  { name: 'a JSON number', text: '{"p":12345}', category: 'json', expect: 'refuse-numeric' },
  { name: 'a numeric value', text: '1', category: 'numeric', expect: 'refuse-numeric' },
  { name: 'not a number', text: 'NaN', category: 'numeric', expect: 'NaN' },
  { name: 'a track', text: `;${pan}=2912101000?`, expect: 'refuse-sad' },
  { name: 'a track in JSON', text: `["${pan}=29121011234"]`, category: 'json', expect: 'refuse-sad' },
]

for (const { name, text, category, expect } of declared) {
  test(`a column declared as pan: ${name}`, () => {
    const result = maskValue(text, category, 'pan')
    assert.ok(result.mayMatch, 'every row is walked')
    if (expect === 'refuse-numeric' || expect === 'refuse-sad') {
      assert.equal(result.verdict, expect)
      return
    }
    assert.equal(result.verdict, text === expect ? 'clean' : 'masked')
    assert.ok(result.text === expect, withoutDigits(result.text))
  })
}

for (const category of ['text', 'json', 'numeric', 'money', 'other'] as const) {
  test(`a column declared as sad refuses any ${category} value`, () => {
    assert.equal(maskValue('123', category, 'sad').verdict, 'refuse-sad')
    assert.equal(maskValue('x', category, 'sad').verdict, 'refuse-sad')
    assert.equal(maskValue('', category, 'sad').verdict, 'clean')
  })
}

test('a column of another type is masked like text', () => {
  assert.ok(maskValue(`{1,${pan}}`, 'other').text === `{1,${masked}}`)
})

test('after a refusal everything is refused, and nothing is altered any more', () => {
  const masker = masking.begin([
    { name: 'n', category: 'numeric' },
    { name: 't', category: 'text' },
  ])
  const number = toUtf8(pan)
  assert.equal(masker.mask(0, number, 0, number.length), 'refuse-numeric')
  const text = toUtf8(pan)
  assert.equal(masker.mask(1, text, 0, text.length), 'refuse-numeric')
  assert.ok(fromUtf8(text) === pan)
  assert.ok(masker.mayMatch(toUtf8('x'), 0, 1))
  const released: Bytes[] = []
  assert.equal(
    masker.value(1, toUtf8('x'), true, (settled) => released.push(settled)),
    'refuse-numeric',
  )
  assert.deepEqual(released, [])
})

test('authentication data outweighs a number within one value', () => {
  assert.equal(maskValue(`[${pan},"${pan}=29121011234"]`, 'json').verdict, 'refuse-sad')
  assert.equal(maskValue(`["${pan}=29121011234",${pan}]`, 'json').verdict, 'refuse-sad')
})

test('the record counts by column and says which rule decided', () => {
  const masker = masking.begin([
    { name: 'id', category: 'numeric' },
    { name: 'note', category: 'text' },
    { name: 'pan', category: 'text', declared: 'pan' },
    { name: `c${pan}`, category: 'text' },
  ])
  assert.deepEqual(masker.summary(), {
    ruleset: 'test ruleset',
    columns: [{ name: 'pan', rule: 'declared-pan', seen: 0, masked: 0 }],
  })
  const row = (values: readonly string[]): void => {
    for (const [column, value] of values.entries()) {
      const bytes = toUtf8(value)
      masker.mask(column, bytes, 0, bytes.length)
    }
  }
  row(['1', `first ${pan} second ${pan}`, pan, 'x'])
  row(['2', 'nothing', 'none', pan])
  row(['3', pan, '12345', pan])
  const columns = [
    { name: 'note', rule: 'detected-pan', seen: 3, masked: 2 },
    { name: 'pan', rule: 'declared-pan', seen: 3, masked: 2 },
    { name: `c${masked}`, rule: 'detected-pan', seen: 3, masked: 2 },
  ]
  assert.deepEqual(masker.summary()?.columns, columns)
  const ofRows = columns.map((column) => ({ ...column, seen: 1000 }))
  assert.deepEqual(masker.summary(1000)?.columns, ofRows)
})

test('a result in which nothing was declared or found has no record', () => {
  const masker = masking.begin([{ name: 'note', category: 'text' }])
  const bytes = toUtf8('nothing to see in 2026')
  assert.equal(masker.mask(0, bytes, 0, bytes.length), 'clean')
  assert.equal(masker.summary(1), undefined)
})

for (const [category, declaredAs, rule] of [
  ['numeric', undefined, 'refused-numeric'],
  ['json', undefined, 'refused-numeric'],
  ['numeric', 'pan', 'refused-numeric'],
  ['text', 'sad', 'refused-sad'],
] as const) {
  test(`a refused ${category} column declared as ${declaredAs ?? 'nothing'} is in the record`, () => {
    const masker = masking.begin([
      { name: 'n', category, ...(declaredAs === undefined ? {} : { declared: declaredAs }) },
    ])
    const bytes = toUtf8(pan)
    masker.mask(0, bytes, 0, bytes.length)
    assert.deepEqual(masker.summary()?.columns, [{ name: 'n', rule, seen: 1, masked: 0 }])
  })
}

/** A row as on the wire: its type, its length, the number of values, each with its length. */
function dataRow(values: readonly string[]): Bytes {
  const encoded = values.map(toUtf8)
  const length = 6 + encoded.reduce((sum, value) => sum + 4 + value.length, 0)
  const number = (value: number, size: number): Bytes =>
    Uint8Array.from({ length: size }, (_, index) => (value >>> (8 * (size - 1 - index))) & 255)
  return concatBytes([
    Uint8Array.of(0x44),
    number(length, 4),
    number(values.length, 2),
    ...encoded.flatMap((value) => [number(value.length, 4), value]),
  ])
}

test('the quick look clears rows that hold no card number, headers or not', () => {
  const masker = masking.begin([{ name: 'c', category: 'text' }])
  const plain = ['1', 'alice', 'alice@example.com', '2026-11-21 11:42:00.123456+00', '12.50', '{"a":"b\\nc","d":[1,2]}']
  const rows = Array.from({ length: 400 }, (_, index) => dataRow([...plain, `row ${index}`]))
  const buffer = concatBytes(rows)
  assert.equal(masker.mayMatch(buffer, 0, buffer.length), false)
})

test('the quick look finds one card number among rows, wherever it lies and whatever the lengths around it look like', () => {
  const masker = masking.begin([{ name: 'c', category: 'text' }])
  for (let filler = 0; filler < 120; filler += 1) {
    for (const text of [pan, pan.replaceAll(/(.{4})(?=.)/g, '$1 '), `${pan.slice(0, 8)}\\n${pan.slice(8)}`]) {
      const buffer = concatBytes([
        dataRow(['x'.repeat(filler)]),
        dataRow(['y', text, '9'.repeat(filler % 7)]),
        dataRow(['z']),
      ])
      assert.ok(masker.mayMatch(buffer, 0, buffer.length), `${filler} bytes before`)
    }
  }
})

test('the quick look finds a number whose last reference runs on into the row behind it', () => {
  const masker = masking.begin([{ name: 'c', category: 'text' }])
  const text = [...withCheckDigit('50000000000')].map((digit) => `&#x3${digit}`).join(' ')
  const buffer = concatBytes([dataRow([text]), dataRow(['x'])])
  assert.equal(maskValue(text).verdict, 'masked')
  assert.ok(masker.mayMatch(buffer, 0, buffer.length))
})

function inPieces(
  column: ResultColumn,
  pieces: readonly string[],
): { verdict: MaskVerdict; released: readonly string[] } {
  const masker = masking.begin([column])
  const released: string[] = []
  let verdict: MaskVerdict = 'clean'
  for (const [index, piece] of pieces.entries()) {
    const last = index === pieces.length - 1
    verdict = masker.value(0, toUtf8(piece), last, (settled) => released.push(fromUtf8(settled)))
  }
  return { verdict, released }
}

test('a card number across the border of two pieces is masked', () => {
  const before = 'z'.repeat(1000)
  for (let cut = 0; cut <= pan.length; cut += 1) {
    const { verdict, released } = inPieces({ name: 'c', category: 'text' }, [
      before + pan.slice(0, cut),
      pan.slice(cut) + before,
    ])
    assert.equal(verdict, 'masked')
    assert.ok(released.join('') === before + masked + before, `cut at ${cut}`)
    assert.ok((released[0]?.length ?? 0) > 500, 'what is settled does not wait')
  }
})

test('what is left alone as a whole is left alone in pieces', () => {
  const filler = 'z '.repeat(150)
  for (const { name, text } of readVectors<{ readonly name: string; readonly text: string }>('lookalikes.json')) {
    const { verdict } = inPieces({ name: 'c', category: 'text' }, [...`${filler}${text} ${filler}`])
    assert.equal(verdict, 'clean', `${name}: ${withoutDigits(text)}`)
  }
})

test('a number too long for a card is one number, whole or in pieces', () => {
  const long = `${'9'.repeat(64)}${pan}`
  for (const category of ['numeric', 'json'] as const) {
    assert.equal(maskValue(long, category).verdict, 'clean')
    assert.equal(maskValue(`[${long},${pan}]`, category).verdict, 'refuse-numeric')
    const filler = ' '.repeat(300)
    assert.equal(inPieces({ name: 'c', category }, [...`${filler}${long}${filler}`]).verdict, 'clean')
    assert.equal(inPieces({ name: 'c', category }, [...`${filler}${long} ${pan}${filler}`]).verdict, 'refuse-numeric')
  }
})

test('no byte of a value that ends in a refusal comes out after it is seen', () => {
  const filler = 'z'.repeat(600)
  const { verdict, released } = inPieces({ name: 'c', category: 'text' }, [filler, `;${pan}`, '=29121011234?', filler])
  assert.equal(verdict, 'refuse-sad')
  assert.ok(!/\d/.test(released.join('')))
})

test('a value that is all digits and separators holds back little', () => {
  const digits = '12345678901234567890 - '.repeat(400)
  const masker = masking.begin([{ name: 'c', category: 'text' }])
  let released = 0
  for (let piece = 0; piece < 50; piece += 1) {
    masker.value(0, toUtf8(digits), false, (settled) => {
      released += settled.length
    })
  }
  assert.ok(50 * digits.length - released < 2000, `${50 * digits.length - released} bytes held back`)
})

test('a whole value is released as it came, without a copy', () => {
  const masker = masking.begin([{ name: 'c', category: 'text' }])
  const bytes = toUtf8('plain')
  let released: Bytes | undefined
  masker.value(0, bytes, true, (settled) => {
    released = settled
  })
  assert.equal(released, bytes)
})

test('pieces of two values cannot be mixed, and a column must exist', () => {
  const masker = masking.begin([
    { name: 'a', category: 'text' },
    { name: 'b', category: 'text' },
  ])
  const none = (): void => undefined
  masker.value(0, toUtf8('x'), false, none)
  assert.throws(() => masker.value(1, toUtf8('y'), false, none), { code: 'SP_MASK_FAILED' })
  assert.throws(() => masking.begin([]).mask(0, toUtf8('x'), 0, 1), { code: 'SP_MASK_FAILED' })
})

test('an own issuer range counts in results and records', async () => {
  const { createMasking } = await import('./masking.ts')
  const { iinTable } = await import('./iin-table.ts')
  const own = createMasking({ iins: [...iinTable, { brand: 'shop', prefixes: ['7001'], lengths: [17] }] }, 'own')
  const card = withCheckDigit('7001000000000001')
  assert.equal(maskValue(card).verdict, 'clean')
  const bytes = toUtf8(card)
  assert.equal(own.begin([{ name: 'c', category: 'text' }]).mask(0, bytes, 0, bytes.length), 'masked')
  assert.ok(own.scrubber.scrubText(card) === `${'*'.repeat(13)}${card.slice(-4)}`)
})

test('a plus in front makes a telephone number of at most thirteen digits, however they are parted', () => {
  for (const digits of [14, 15, 16, 19]) {
    const card = withCheckDigit(
      `${digits === 14 ? '30' : digits === 15 ? '37' : '4'}${'0'.repeat(digits)}`.slice(0, digits - 1),
    )
    for (const text of [`+${card}`, `tel +${card}.`, `+${card.replaceAll(/(\d{4})(?=\d)/g, '$1 ')}`]) {
      const result = maskValue(text)
      assert.equal(result.verdict, 'masked', withoutDigits(text))
    }
  }
  const phone = `+${withCheckDigit('491701234567')}`
  assert.equal(maskValue(phone).verdict, 'clean')
})

const grouped = (separator: string): string => pan.replaceAll(/\B(?=(?:\d{3})+$)/g, separator)
const amounts: readonly { name: string; text: string; expect: MaskVerdict }[] = [
  { name: 'dollars', text: `$${grouped(',')}.00`, expect: 'refuse-numeric' },
  { name: 'a debt', text: `-$${grouped(',')}.00`, expect: 'refuse-numeric' },
  { name: 'euros', text: `${grouped('.')},00 €`, expect: 'refuse-numeric' },
  { name: 'francs', text: `Fr. ${grouped('’')}.00`, expect: 'refuse-numeric' },
  { name: 'old francs', text: `${grouped("'")}.00`, expect: 'refuse-numeric' },
  { name: 'spaces that do not break', text: `${grouped('\u202f')},00 kr`, expect: 'refuse-numeric' },
  { name: 'without signs', text: `${pan}.00`, expect: 'refuse-numeric' },
  {
    name: 'in cents',
    text: `$${pan.slice(0, -2).replaceAll(/\B(?=(?:\d{3})+$)/g, ',')}.${pan.slice(-2)}`,
    expect: 'refuse-numeric',
  },
  { name: 'yen', text: `¥${grouped(',')}`, expect: 'refuse-numeric' },
  { name: 'dinars', text: `${grouped(',')}.000`, expect: 'refuse-numeric' },
  { name: 'of an array', text: `{$1.00,"$${grouped(',')}.00",NULL}`, expect: 'refuse-numeric' },
  { name: 'last of an array', text: `{$1.00,¥${pan}}`, expect: 'refuse-numeric' },
  { name: 'more digits than there can be', text: '1'.repeat(20), expect: 'refuse-numeric' },
  { name: 'an ordinary one', text: '$1,234,567.89', expect: 'clean' },
  { name: 'many ordinary ones', text: `{${'$4.11,'.repeat(40)}"$1,111.11"}`, expect: 'clean' },
  { name: 'none', text: '', expect: 'clean' },
]
for (const { name, text, expect } of amounts) {
  test(`an amount of money: ${name}`, () => {
    const result = maskValue(text, 'money')
    assert.ok(result.mayMatch, 'every row is walked')
    assert.equal(result.verdict, expect)
    assert.ok(result.text === text)
    // Piece by piece nothing of a value goes out before it is known whether it may.
    const released: Bytes[] = []
    const masker = masking.begin([{ name: 'a', category: 'money' }])
    const bytes = toUtf8(text)
    let verdict: MaskVerdict = 'clean'
    for (let at = 0; at <= bytes.length; at++) {
      const isLast = at === bytes.length
      verdict = masker.value(0, isLast ? new Uint8Array() : bytes.slice(at, at + 1), isLast, (settled) => {
        released.push(settled.slice())
      })
    }
    assert.equal(verdict, expect)
    assert.ok(fromUtf8(concatBytes(released)) === (expect === 'clean' ? text : ''))
  })
}
