import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fuzzRuns, pans, withoutDigits } from './testkit/cards.ts'
import {
  invisibleReferences,
  invisibleSeparators,
  marks,
  visibleReferences,
  visibleSeparators,
  writings,
} from './testkit/texts.ts'
import { holds } from './testkit/holds.ts'
import { masking, maskValue } from './testkit/value.ts'

const layouts: Readonly<Record<number, readonly (readonly number[])[]>> = {
  12: [[12], [4, 4, 4]],
  13: [[13], [4, 4, 5], [4, 3, 3, 3]],
  14: [[14], [4, 6, 4]],
  15: [[15], [4, 6, 5]],
  16: [[16], [4, 4, 4, 4], [8, 8]],
  17: [[17], [4, 4, 4, 5]],
  18: [[18], [4, 4, 4, 6]],
  19: [[19], [4, 4, 4, 4, 3], [6, 13]],
}

const gap = fc.oneof(
  fc.constantFrom(...marks, ...visibleReferences),
  fc.tuple(fc.constantFrom(...marks), fc.constantFrom(...visibleSeparators)).map(([mark, visible]) => mark + visible),
  fc
    .tuple(fc.constantFrom(...visibleReferences), fc.constantFrom(...invisibleReferences, ...marks))
    .map(([visible, mark]) => visible + mark),
  fc.constantFrom(...visibleSeparators),
  fc.tuple(fc.constantFrom(...visibleSeparators), fc.constantFrom(...visibleSeparators)).map(([a, b]) => a + b),
  fc
    .tuple(fc.constantFrom(...invisibleSeparators), fc.constantFrom(...visibleSeparators))
    .map(([invisible, visible]) => invisible + visible),
)

interface Cell {
  readonly text: string
  readonly digit: boolean
}

/** A card number as somebody may write it: in a layout, with separators between the groups and invisible ones anywhere. */
const written: fc.Arbitrary<readonly Cell[]> = pans.chain((pan) =>
  fc
    .record({
      sizes: fc.constantFrom(...(layouts[pan.length] ?? [[pan.length]])),
      gaps: fc.array(gap, { minLength: 5, maxLength: 5 }),
      write: writings,
      invisible: fc.option(fc.tuple(fc.integer({ min: 1, max: 18 }), fc.constantFrom(...invisibleSeparators))),
    })
    .map(({ sizes, gaps, write, invisible }) => {
      const cells: Cell[] = []
      let at = 0
      // Two groups with a point between them are a decimal number; what only markup parts is one group to whoever reads it.
      const mayBeDecimal = sizes.length === 2 || gaps.some((between) => marks.includes(between))
      for (const [index, size] of sizes.entries()) {
        const chosen = (sizes.length === 2 ? gaps[0] : gaps[index - 1]) ?? ' '
        const between = mayBeDecimal ? chosen.replace('.', '-') : chosen
        if (index > 0) cells.push({ text: between, digit: false })
        for (const digit of pan.slice(at, at + size)) {
          // An encoded digit that stands alone is a percent sign and a number.
          if (invisible?.[0] === at && !write(digit).startsWith('%')) cells.push({ text: invisible[1], digit: false })
          cells.push({ text: write(digit), digit: true })
          at += 1
        }
      }
      return cells
    }),
)

/** Any text that has no digits itself and does not turn the number's first digits into something else (`%34`, `\u0034`, `+49`, `4.1`). */
const context = fc
  .oneof(
    fc.constantFrom('', ' ', 'PAN', 'card_', '"', "'", '(', '**', ', ', '<a>', '\n', 'x-', '卡号'),
    fc.string({ unit: 'grapheme', maxLength: 12 }),
    fc.string({ unit: 'binary', maxLength: 12 }),
  )
  .filter((text) => !/[\p{Nd}%\\+^=\p{Surrogate}]/u.test(text))

const toText = (cells: readonly Cell[]): string => cells.map((cell) => cell.text).join('')
const toMasked = (cells: readonly Cell[]): string => {
  let left = cells.filter((cell) => cell.digit).length
  return cells
    .map(({ text, digit }) => {
      if (!digit) return text
      left -= 1
      return left < 4 ? text : '*'.repeat(Buffer.byteLength(text))
    })
    .join('')
}

test('a number of any brand, written in any supported way, in any text is found, and nothing else is altered', () => {
  holds(
    fc.property(written, context, context, (cells, before, after) => {
      const text = before + toText(cells) + after
      const expected = before + toMasked(cells) + after
      const result = maskValue(text)
      assert.ok(result.mayMatch, `quick look: ${withoutDigits(text)}`)
      assert.ok(result.text === expected, `result: ${withoutDigits(text)}`)
      assert.ok(masking.scrubber.scrubText(text) === expected, `record: ${withoutDigits(text)}`)
    }),
    fuzzRuns(),
  )
})

test('a number in a member or name of any JSON value is found, and the JSON stays JSON', () => {
  holds(
    fc.property(fc.jsonValue(), written, context, (json, cells, before) => {
      const inside = JSON.stringify({ before, at: [{ [`k${before}`]: json }, '#', json] })
      if (/\d{9}|[\p{Nd}](?=[^\n]{0,3}#)/u.test(inside)) return
      const text = inside.replace('"#"', () => `"${escapeControls(toText(cells))}"`)
      const result = maskValue(text, 'json')
      assert.equal(result.verdict, 'masked', withoutDigits(text))
      assert.ok(
        result.text === inside.replace('"#"', () => `"${escapeControls(toMasked(cells))}"`),
        withoutDigits(text),
      )
      JSON.parse(result.text)
    }),
    fuzzRuns(0.3),
  )
})

/** JSON allows no control characters and no quotes in strings; the backslashes of escaped digits stay as they are. */
function escapeControls(text: string): string {
  return text.replaceAll('"', '\\"').replaceAll('\t', '\\t').replaceAll('\n', '\\n').replaceAll('\r', '\\r')
}
