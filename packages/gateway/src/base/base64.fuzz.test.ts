import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { findBase64 } from './base64.ts'
import { fromUtf8, toUtf8 } from './bytes.ts'

const runs = Number(process.env['SALLYPORT_FUZZ_RUNS'] ?? 100_000)

const data = fc.uint8Array({ minLength: 12, maxLength: 300 })
const encoding = fc.constantFrom('base64' as const, 'base64url' as const)
/** As it stands in JSON within text, so many texts deep; broken into lines, or not. */
const written = fc.record({ depth: fc.nat({ max: 3 }), line: fc.constantFrom(0, 64, 76), slashes: fc.boolean() })

function write(encoded: string, { depth, line, slashes }: { depth: number; line: number; slashes: boolean }): string {
  const lines = line === 0 ? [encoded] : (encoded.match(new RegExp(`.{1,${line}}`, 'g')) ?? [])
  const joined = JSON.stringify(lines.join('\r\n')).slice(1, -1)
  const escaped = slashes ? joined.replaceAll('/', String.raw`\/`) : joined
  return Array.from({ length: depth }).reduce<string>((text) => JSON.stringify(text).slice(1, -1), escaped)
}

/** Before and behind it: nothing, or what is no base64. */
const around = fc.constantFrom(['', ''], ['see: ', '.'], ['{\\"data\\":\\"', '\\"}'], ['data:image/png;base64,', ''])

test('what was encoded is found, however it is wrapped, and decoded', () => {
  fc.assert(
    fc.property(data, encoding, written, around, (bytes, kind, how, [before = '', behind = '']) => {
      const text = toUtf8(`${before}${write(Buffer.from(bytes).toString(kind), how)}${behind}`)
      const decoded = findBase64(text, 0, text.length).map((found) => Buffer.from(found.decoded).toString('hex'))
      assert.ok(decoded.includes(Buffer.from(bytes).toString('hex')), fromUtf8(text))
    }),
    { numRuns: runs / 10 },
  )
})

test('what is written back is what was changed, and nothing else is', () => {
  fc.assert(
    fc.property(data, encoding, written, fc.nat(), fc.nat({ max: 255 }), (bytes, kind, how, at, byte) => {
      const text = toUtf8(write(Buffer.from(bytes).toString(kind), how))
      const before = text.slice()
      const [found] = findBase64(text, 0, text.length)
      assert.ok(found !== undefined)
      assert.ok(found.write(found.decoded.slice()))
      assert.deepEqual(text, before)
      const changed = found.decoded.slice()
      changed[at % changed.length] = byte
      // An escaped slash has no room for another character.
      if (!found.write(changed)) assert.ok(fromUtf8(before).includes('\\/'))
      else assert.deepEqual(findBase64(text, 0, text.length)[0]?.decoded, changed)
      assert.equal(text.length, before.length)
    }),
    { numRuns: runs / 10 },
  )
})

test('any bytes are taken', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      const before = bytes.slice()
      for (const { start, end, decoded } of findBase64(bytes, 0, bytes.length)) {
        assert.ok(start >= 0 && end <= bytes.length && end - start >= 16 && decoded.length >= 12)
      }
      assert.deepEqual(bytes, before)
    }),
    { numRuns: runs / 10 },
  )
})

test('digits alone are not taken for base64: what they decode to has no two digits with but a separator between them', () => {
  for (const text of ['4'.repeat(64), '4000000000000000\\n5100000000000000\\n', '1234567890123456, 1234567890123456']) {
    assert.deepEqual(findBase64(toUtf8(text), 0, text.length), [], text)
  }
  for (let group = 0; group < 10_000; group += 1) {
    const [first = 0, second = 0] = Buffer.from(String(group).padStart(4, '0'), 'base64')
    assert.ok(first >= 0xd0 && (second & 15) >= 0xd, String(group))
  }
})
