/** Masking of answers: card numbers planted anywhere never leave whole, and nothing else changes. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { fromUtf8, toUtf8 } from '#base'
import { createMasking } from '#masking'
import { answerLimits, checkJson } from './codec/index.ts'
import { type MaskedAnswer, maskAnswer } from './results.ts'

const numRuns = Number(process.env['SALLYPORT_FUZZ_RUNS'] ?? 100_000) / 10
const masking = createMasking({}, 'a'.repeat(64))
const PAN = '4111111111111111'
const TRUNCATED = '************1111'

function mask(text: string): { answer: MaskedAnswer; text: string } {
  const bytes = toUtf8(text)
  checkJson(bytes, answerLimits(1 << 20))
  const answer = maskAnswer(bytes, masking)
  return { answer, text: fromUtf8(bytes) }
}

const escaped = [...PAN].map((digit) => `\\u003${digit}`).join('')
const base64 = (text: string): string => Buffer.from(text).toString('base64')
/** A string within a string, as often as said. */
const nested = (text: string, times: number): string => (times === 0 ? text : nested(JSON.stringify(text), times - 1))

const masked: readonly (readonly [name: string, text: string, expected: string, where: string])[] = [
  [
    'text',
    `{"content":[{"type":"text","text":"card ${PAN}."}]}`,
    `{"content":[{"type":"text","text":"card ${TRUNCATED}."}]}`,
    '/content/*/text',
  ],
  [
    'a string of structured content',
    `{"structuredContent":{"rows":[{"pan":"${PAN}"}]}}`,
    `{"structuredContent":{"rows":[{"pan":"${TRUNCATED}"}]}}`,
    '/structuredContent/rows/*/pan',
  ],
  [
    'the name of a member',
    `{"structuredContent":{"${PAN}":1}}`,
    `{"structuredContent":{"${TRUNCATED}":1}}`,
    '/structuredContent/#names',
  ],
  [
    'below a name that is data',
    `{"structuredContent":{"no 1":"${PAN}"}}`,
    `{"structuredContent":{"no 1":"${TRUNCATED}"}}`,
    '/structuredContent/*',
  ],
  ['metadata', `{"_meta":{"x/y":"${PAN}"}}`, `{"_meta":{"x/y":"${TRUNCATED}"}}`, '/_meta/*'],
  [
    'an embedded resource',
    `{"content":[{"type":"resource","resource":{"uri":"a://b","text":"${PAN}"}}]}`,
    `{"content":[{"type":"resource","resource":{"uri":"a://b","text":"${TRUNCATED}"}}]}`,
    '/content/*/resource/text',
  ],
  [
    'the name of a link',
    `{"content":[{"type":"resource_link","uri":"card://${PAN}","name":"x"}]}`,
    `{"content":[{"type":"resource_link","uri":"card://${TRUNCATED}","name":"x"}]}`,
    '/content/*/uri',
  ],
  [
    'an error',
    `{"code":-32000,"message":"no such card: 4111 1111 1111 1111"}`,
    `{"code":-32000,"message":"no such card: **** **** **** 1111"}`,
    '/message',
  ],
  [
    'JSON within text',
    `{"content":[{"text":${nested(`{"pan":${PAN}}`, 1)}}]}`,
    `{"content":[{"text":${nested(`{"pan":${TRUNCATED}}`, 1)}}]}`,
    '/content/*/text',
  ],
  [
    'a blob',
    `{"resource":{"blob":"${base64(`pan,${PAN}\n`)}"}}`,
    `{"resource":{"blob":"${base64(`pan,${TRUNCATED}\n`)}"}}`,
    '/resource/blob#base64',
  ],
  [
    'a blob with escaped slashes',
    `{"resource":{"blob":"${base64(`???>>>${PAN}`).replaceAll('/', '\\/')}"}}`,
    `{"resource":{"blob":"${base64(`???>>>${TRUNCATED}`).replaceAll('/', '\\/')}"}}`,
    '/resource/blob#base64',
  ],
  [
    'a data URL',
    `{"icon":"data:text/plain;base64,${base64(PAN)}"}`,
    `{"icon":"data:text/plain;base64,${base64(TRUNCATED)}"}`,
    '/icon#base64',
  ],
  [
    'base64 in JSON within text',
    `{"content":[{"text":${nested(`{"blob":"${base64(`pan,${PAN}\n`)}"}`, 1)}}]}`,
    `{"content":[{"text":${nested(`{"blob":"${base64(`pan,${TRUNCATED}\n`)}"}`, 1)}}]}`,
    '/content/*/text#base64',
  ],
  [
    'base64 with escaped slashes, two texts deep',
    `{"text":${nested(`{"blob":"${base64(`???>>>${PAN}`).replaceAll('/', '\\/')}"}`, 2)}}`,
    `{"text":${nested(`{"blob":"${base64(`???>>>${TRUNCATED}`).replaceAll('/', '\\/')}"}`, 2)}}`,
    '/text#base64',
  ],
  [
    'base64 on a line of a text',
    `{"text":"see:\\n${base64(`${PAN}.`)}\\u000aend"}`,
    `{"text":"see:\\n${base64(`${TRUNCATED}.`)}\\u000aend"}`,
    '/text#base64',
  ],
  [
    'the middle of a web token, and what an equals sign introduces',
    `{"text":"t=eyJhbGciOiJub25lIn0.${Buffer.from(`{"pan":"${PAN}"}`).toString('base64url')}."}`,
    `{"text":"t=eyJhbGciOiJub25lIn0.${Buffer.from(`{"pan":"${TRUNCATED}"}`).toString('base64url')}."}`,
    '/text#base64',
  ],
]

describe('what is truncated', () => {
  for (const [name, text, expected, where] of masked) {
    test(name, () => {
      const result = mask(text)
      assert.equal(result.text, expected)
      assert.ok(result.answer.kind === 'masked')
      assert.deepEqual(
        result.answer.masking.columns.map((column) => [column.name, column.rule, column.masked]),
        [[where, 'detected-pan', 1]],
      )
    })
  }
})

test('a number that is itself part of base64 stays truncated when what that holds is too', () => {
  const { text } = mask(`{"text":"${PAN}${base64(`${PAN}.`)}"}`)
  assert.equal(text, `{"text":"${TRUNCATED}${base64(`${TRUNCATED}.`)}"}`)
})

describe('a card number is found however often it is wrapped', () => {
  for (let times = 1; times <= 4; times++) {
    for (const [name, inner] of [
      ['plain', `{"pan":"${PAN}"}`],
      ['a number', `{"pan":${PAN}}`],
      // Masking reads an escape behind up to eight backslashes, which is what three texts around it make.
      ...(times < 4 ? [['escaped', `{"pan":"${escaped}"}`] as const] : []),
      ['grouped', '{"pan":"4111-1111-1111-1111"}'],
    ] as const) {
      test(`${name}, ${times} deep`, () => {
        const { text, answer } = mask(`{"content":[{"type":"text","text":${nested(inner, times)}}]}`)
        assert.equal(answer.kind, 'masked', text)
        assert.doesNotThrow(() => JSON.parse(text) as unknown, text)
        assert.ok(!digitsOf(unwrapped(text)).includes(PAN), text)
      })
    }
  }
})

/** All escapes taken out, at any depth. */
function unwrapped(text: string): string {
  let current = text
  for (let round = 0; round < 8; round++) {
    current = current
      .replaceAll(/\\u([0-9a-f]{4})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
      .replaceAll('\\\\', '\\')
  }
  return current
}

const digitsOf = (text: string): string => text.replaceAll(/[^0-9*]/g, '')

describe('what is refused', () => {
  for (const [name, text, code] of [
    ['a number', `{"structuredContent":{"pan":${PAN}}}`, 'SP_MASK_NUMERIC'],
    ['a number with an exponent', '{"pan":4.111111111111111e15}', 'SP_MASK_NUMERIC'],
    ['a number with a fraction', `{"pan":${PAN}.00}`, 'SP_MASK_NUMERIC'],
    ['a track', '{"content":[{"text":";4111111111111111=30122011234567890?"}]}', 'SP_MASK_SAD'],
    ['a track in a blob', `{"blob":"${base64(';4111111111111111=30122011234567890?')}"}`, 'SP_MASK_SAD'],
  ] as const) {
    test(name, () => {
      const { answer } = mask(text)
      assert.ok(answer.kind === 'refused')
      assert.equal(answer.code, code)
      assert.equal(answer.masking?.columns[0]?.rule, code === 'SP_MASK_SAD' ? 'refused-sad' : 'refused-numeric')
    })
  }

  test('everything, when the detector fails', () => {
    const broken = { ...masking, begin: () => assert.fail('broken') }
    assert.deepEqual(maskAnswer(toUtf8('{"a":1}'), broken), { kind: 'refused', code: 'SP_MASK_FAILED' })
  })
})

test('a record names at most so many places', () => {
  const members = Array.from({ length: 200 }, (_, index) => `"k${index}":"${PAN}"`)
  const { answer } = mask(`{${members.join()}}`)
  assert.ok(answer.kind === 'masked')
  assert.ok(answer.masking.columns.length <= 66)
  assert.equal(
    answer.masking.columns.reduce((sum, { masked: count }) => sum + count, 0),
    200,
  )
})

/** Text without digits, so that what is planted is all there is to be found. */
const plain = fc.string({
  maxLength: 8,
  unit: fc.constantFrom('a', 'Z', ' ', '"', '\\', '\n', 'é', '😀', '{', ':', ','),
})
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, true, 1.5, -3, 'x'),
    plain,
    plain.map((text) => ({ [PLANT]: text })),
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(plain, tie('tree'), { maxKeys: 4 }),
  ),
}))
/** Stands for a place where a card number is planted. */
const PLANT = '\u0001'

const spellings = [
  (pan: string) => pan,
  (pan: string) => pan.replaceAll(/(.{4})(?!$)/g, '$1 '),
  (pan: string) => pan.replaceAll(/(.{4})(?!$)/g, '$1-'),
  (pan: string) => [...pan].map((digit) => String.fromCharCode(0xff10 + Number(digit))).join(''),
]

test('planted card numbers never leave whole; the rest is byte-identical', () => {
  const pans = ['4111111111111111', '5555555555554444', '378282246310005', '6011111111111117']
  fc.assert(
    fc.property(
      tree,
      fc.infiniteStream(fc.tuple(fc.constantFrom(...pans), fc.constantFrom(...spellings), fc.boolean(), fc.boolean())),
      (value, choices) => {
        const plan = (
          isMasked: boolean,
          source: Iterator<[string, (pan: string) => string, boolean, boolean]>,
        ): string =>
          write(value, () => {
            const next = source.next()
            assert.ok(next.done !== true)
            const [pan, spell, isEscaped, isName] = next.value
            const spelt = spell(pan)
            return { text: isMasked ? truncated(spelt, isEscaped) : spelt, isEscaped: isEscaped && !isMasked, isName }
          })
        const drawn: [string, (pan: string) => string, boolean, boolean][] = []
        const input = plan(false, draw(choices, drawn))
        const expected = plan(true, drawn[Symbol.iterator]())
        assert.equal(mask(input).text, expected)
      },
    ),
    { numRuns },
  )
})

function* draw<T>(stream: Iterable<T>, drawn: T[]): Generator<T, undefined> {
  for (const item of stream) {
    drawn.push(item)
    yield item
  }
}

interface Planted {
  readonly text: string
  readonly isEscaped: boolean
  readonly isName: boolean
}

/** JSON text of a tree with something planted at its plants. */
function write(value: unknown, plant: () => Planted): string {
  if (Array.isArray(value)) return `[${value.map((element) => write(element, plant)).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const around = (value as Record<string, unknown>)[PLANT]
  if (typeof around === 'string') {
    const { text, isEscaped, isName } = plant()
    const leaf = `"${quoted(around)} ${isEscaped ? escapeAll(text) : text} ${quoted(around)}"`
    return isName ? `{${leaf}:0}` : leaf
  }
  return `{${Object.entries(value)
    .map(([name, member]) => `${JSON.stringify(name)}:${write(member, plant)}`)
    .join(',')}}`
}

const quoted = (text: string): string => JSON.stringify(text).slice(1, -1)
const escapeAll = (text: string): string =>
  [...text].map((character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')

/** All but the last four digits become one asterisk a byte; what was escaped is six bytes. */
function truncated(text: string, isEscaped: boolean): string {
  const digits = [...text].filter((character) => /\p{Nd}/u.test(character)).length
  let seen = 0
  return [...text]
    .map((character) => {
      const written = isEscaped ? escapeAll(character) : character
      if (!/\p{Nd}/u.test(character)) return written
      seen++
      return seen > digits - 4 ? written : '*'.repeat(toUtf8(written).length)
    })
    .join('')
}
