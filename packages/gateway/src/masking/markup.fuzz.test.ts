import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fuzzRuns, pans, withoutDigits } from './testkit/cards.ts'
import { holds } from './testkit/holds.ts'
import { invisibleReferences, marks, visibleReferences, visibleSeparators } from './testkit/texts.ts'
import { masking, maskValue } from './testkit/value.ts'

/** Tags that nobody sees: the end of a line parts groups, and some groupings of threes and twos are addresses. */
const tags = marks.filter((mark) => /^<(?!br)[^\\]*>$/.test(mark))
const references = [...visibleReferences, ...invisibleReferences].filter((reference) => /^&[^&\\]*;$/.test(reference))
const digits = (most: number): fc.Arbitrary<string> => fc.stringMatching(new RegExp(`^\\d{0,${String(most)}}$`))
const grouped = (pan: string, separator: string): string => pan.replaceAll(/(\d{4})(?=\d)/g, `$1${separator}`)

/** What a browser shows of HTML made of the pieces here; written apart from the detector. */
function rendered(html: string): string {
  return html
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll(/&#x([\da-f]+);?/gi, (_, code: string) => String.fromCodePoint(Number.parseInt(code, 16)))
    .replaceAll(/&#(\d+);?/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replaceAll(/&\w+;?/g, '\u00a0')
}

function isWhole(html: string, pan: string): boolean {
  return rendered(html)
    .replaceAll(/[^\d*]/g, '')
    .includes(pan)
}

test('a number in markup is found whatever digits stand beyond the markup', () => {
  holds(
    fc.property(
      fc.tuple(digits(19), fc.constantFrom(...tags, '<td>', '</td><td>', '<p>')),
      pans,
      fc.constantFrom('', ' ', '-', '&nbsp;', '&#8209;'),
      fc.tuple(fc.constantFrom(...tags, '</td>', '</td> <td>', '</p>'), digits(19)),
      ([before, open], pan, separator, [close, after]) => {
        const text = before + open + grouped(pan, separator) + close + after
        const result = maskValue(text)
        assert.ok(result.mayMatch, `quick look: ${withoutDigits(text)}`)
        assert.ok(!isWhole(result.text, pan), `result: ${withoutDigits(text)}`)
        assert.ok(!isWhole(masking.scrubber.scrubText(text), pan), `record: ${withoutDigits(text)}`)
      },
    ),
    fuzzRuns(0.2),
  )
})

/** A number with any markup between any of its digits, some of which are references. */
const marked = pans.chain((pan) =>
  fc
    .array(fc.tuple(fc.constantFrom('', '', '', '', ...tags, ...invisibleReferences), fc.nat(5)), {
      minLength: pan.length,
      maxLength: pan.length,
    })
    .map((gaps) => ({
      pan,
      text: gaps.map(([gap, form], at) => (at > 0 ? gap : '') + digitForm(pan[at] ?? '', form)).join(''),
    })),
)

function digitForm(digit: string, form: number): string {
  if (form === 0) return `&#${String(48 + Number(digit))};`
  return form === 1 ? `&#x3${digit};` : digit
}

test('a number with markup between any of its digits is found', () => {
  holds(
    fc.property(marked, fc.constantFrom('', '<p>', 'card: ', '&euro; '), ({ pan, text: written }, before) => {
      const text = before + written
      const result = maskValue(text)
      assert.ok(result.mayMatch, `quick look: ${withoutDigits(text)}`)
      assert.ok(!isWhole(result.text, pan), `result: ${withoutDigits(text)}`)
      assert.ok(!isWhole(masking.scrubber.scrubText(text), pan), `record: ${withoutDigits(text)}`)
    }),
    fuzzRuns(0.2),
  )
})

const html = fc
  .array(
    fc.oneof(
      { arbitrary: marked.map(({ text }) => text), weight: 2 },
      fc.tuple(pans, fc.constantFrom(...visibleSeparators)).map(([pan, separator]) => grouped(pan, separator)),
      fc.constantFrom(...tags, '<td>', '</td>', '<x-y>', '<input value="12">'),
      fc.constantFrom(...references, '&#52;', '&#x34;', '&euro;', '&amp;', '&lt;'),
      digits(6),
      fc.constantFrom(' ', ', ', '\n  ', 'text', '**', 'é'),
    ),
    { maxLength: 12 },
  )
  .map((pieces) => pieces.join(''))

test('well-formed markup stays so: tags as they were, references whole or replaced as a whole', () => {
  holds(
    fc.property(html, (text) => {
      for (const after of [maskValue(text).text, masking.scrubber.scrubText(text)]) {
        const [before, now] = [Buffer.from(text), Buffer.from(after)]
        assert.equal(now.length, before.length)
        for (const { at, bytes } of spansOf(before, /<[^>]*>|&(?:#x?[\da-f]+|\w+);/gi)) {
          const span = now.subarray(at, at + bytes.length)
          const isReplaced = bytes[0] === 0x26 && span.every((byte) => byte === 0x2a)
          assert.ok(isReplaced || span.equals(bytes), withoutDigits(text))
        }
      }
    }),
    fuzzRuns(0.2),
  )
})

function spansOf(text: Buffer, pattern: RegExp): readonly { readonly at: number; readonly bytes: Buffer }[] {
  return [...text.toString('latin1').matchAll(pattern)].map((match) => ({
    at: match.index,
    bytes: text.subarray(match.index, match.index + match[0].length),
  }))
}
