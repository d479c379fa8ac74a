import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concatBytes, type Bytes } from '#base'
import type { MaskVerdict, ResultColumn } from '#model'
import { fuzzRuns } from './testkit/cards.ts'
import { cardBytes } from './testkit/texts.ts'
import { holds } from './testkit/holds.ts'
import { masking } from './testkit/value.ts'

const star = 0x2a
const anyBytes = fc.oneof({ arbitrary: cardBytes, weight: 4 }, fc.uint8Array({ maxLength: 200 }))

const columns: fc.Arbitrary<ResultColumn> = fc
  .tuple(
    fc.constantFrom('text', 'json', 'numeric', 'other'),
    fc.constantFrom(undefined, undefined, undefined, 'pan', 'sad'),
  )
  .map(([category, declared]) => ({ name: 'value', category, ...(declared === undefined ? {} : { declared }) }))

function hex(bytes: Bytes): string {
  return Buffer.from(bytes).toString('latin1').replaceAll(/\d/g, '#')
}

function equal(a: Bytes, b: Bytes): boolean {
  return Buffer.compare(a, b) === 0
}

/** Whether `after` is `before` with some bytes replaced by asterisks. */
function isStarred(before: Bytes, after: Bytes): boolean {
  return before.length === after.length && after.every((byte, index) => byte === star || byte === before[index])
}

test('any bytes: scrubbing only writes asterisks, and does nothing more the second time', () => {
  holds(
    fc.property(anyBytes, (bytes) => {
      const before = bytes.slice()
      const once = masking.scrubber.scrub(bytes)
      assert.ok(equal(bytes, before), 'the input was altered')
      assert.ok(isStarred(before, once), hex(before))
      assert.equal(once === bytes, equal(once, before), 'the same object when nothing was found')
      const twice = masking.scrubber.scrub(once)
      assert.ok(twice === once, `second time: ${hex(before)} then ${hex(once)}`)
    }),
    fuzzRuns(),
  )
})

test('any bytes in any column: only asterisks are written, and what the quick look clears is clean', () => {
  holds(
    fc.property(columns, anyBytes, fc.nat(20), (column, bytes, offset) => {
      const masker = masking.begin([column])
      const buffer = concatBytes([new Uint8Array(offset).fill(0x34), bytes, new Uint8Array(9).fill(0x35)])
      const before = buffer.slice()
      const may = masker.mayMatch(buffer, offset, offset + bytes.length)
      const mayWider = masker.mayMatch(buffer, 0, buffer.length)
      const verdict = masker.mask(0, buffer, offset, offset + bytes.length)
      assert.ok(may || verdict === 'clean', `quick look: ${hex(bytes)}`)
      assert.ok(mayWider || verdict === 'clean', `quick look over more: ${hex(bytes)}`)
      assert.ok(isStarred(before, buffer), hex(bytes))
      assert.ok(equal(before.subarray(0, offset), buffer.subarray(0, offset)), 'before the value')
      assert.ok(
        equal(before.subarray(offset + bytes.length), buffer.subarray(offset + bytes.length)),
        'after the value',
      )
      if (verdict === 'clean') assert.ok(equal(before, buffer), hex(bytes))
      if (column.category === 'numeric' && verdict !== 'refuse-sad') assert.ok(equal(before, buffer), hex(bytes))
    }),
    fuzzRuns(),
  )
})

test('a value in pieces, cut anywhere, comes out as the whole value does', () => {
  holds(
    fc.property(
      columns,
      anyBytes,
      fc.nat(2),
      fc.array(fc.nat(2000), { maxLength: 6 }),
      (column, part, padding, cuts) => {
        // Longer than what is looked ahead, so that something is released before the end.
        const filler = new TextEncoder().encode('Lorem ipsum dolor sit amet. '.repeat(9 * padding))
        const bytes = concatBytes([filler, part, filler])
        const whole = bytes.slice()
        const expected = masking.begin([column]).mask(0, whole, 0, whole.length)
        const { verdict, released } = inPieces(column, bytes, cuts)
        // The whole value has all reasons at hand, the first piece perhaps only one.
        assert.equal(verdict.replace(/-.*/, ''), expected.replace(/-.*/, ''), hex(part))
        if (expected === 'clean' || expected === 'masked') assert.ok(equal(released, whole), hex(part))
      },
    ),
    fuzzRuns(0.5),
  )
})

function inPieces(
  column: ResultColumn,
  bytes: Bytes,
  cuts: readonly number[],
): { verdict: MaskVerdict; released: Bytes } {
  const masker = masking.begin([column])
  const borders = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]
  const released: Bytes[] = []
  let verdict: MaskVerdict = 'clean'
  for (let index = 1; index < borders.length; index += 1) {
    const piece = bytes.slice(borders[index - 1], borders[index])
    verdict = masker.value(0, piece, index === borders.length - 1, (settled) => released.push(settled.slice()))
  }
  return { verdict, released: concatBytes(released) }
}
