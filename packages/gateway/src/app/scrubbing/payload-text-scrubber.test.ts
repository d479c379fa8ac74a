import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromUtf8, toUtf8 } from '#base'
import { createScrubber } from '#masking'
import { PayloadTextScrubber } from './payload-text-scrubber.ts'

/** The test number of the card schemes, in two halves. */
const CARD = `4111${'1'.repeat(12)}`
const TRUNCATED = `${'*'.repeat(12)}1111`

const scrubber = new PayloadTextScrubber(createScrubber({}))
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const lines = (encoded: string): string => encoded.replaceAll(/.{76}/g, '$&\r\n')
const long = (card: string): string => `${'customer,card\n'.repeat(9)}Ada,${card}\n`

const payloads: readonly (readonly [string, (card: string) => unknown])[] = [
  ['text', (card) => ({ tool: 'pay', arguments: { card } })],
  ['base64', (card) => ({ tool: 'upload', arguments: { file: base64(`card=${card};`) } })],
  ['base64 in lines', (card) => ({ tool: 'upload', arguments: { file: lines(base64(long(card))) } })],
  [
    'base64 in JSON within text',
    (card) => ({ arguments: { text: JSON.stringify({ file: base64(`card=${card};`) }) } }),
  ],
  ['a data URL', (card) => ({ arguments: { url: `data:text/plain;base64,${base64(card)}` } })],
  ['a statement', (card) => ({ statement: `insert into files values ('${base64(`x,${card}`)}', '${card}')` })],
]
for (const [name, payload] of payloads) {
  test(`a card number as ${name} is truncated`, () => {
    const bytes = toUtf8(JSON.stringify(payload(CARD)))
    const before = bytes.slice()
    assert.equal(fromUtf8(scrubber.scrub(bytes)), JSON.stringify(payload(TRUNCATED)))
    assert.deepEqual(bytes, before)
    scrubber.scrubInPlace(bytes, 0, bytes.length)
    assert.equal(fromUtf8(bytes), JSON.stringify(payload(TRUNCATED)))
  })
}

test('base64 that has no room for what is written back is not kept', () => {
  const encoded = base64(`???>>>${CARD}`)
    .replaceAll('8', '/')
    .replaceAll('/', String.raw`\/`)
  for (const text of [
    `{"file":"${encoded}"}`,
    `{"file":"${base64(`${'?'.repeat(9)}${CARD}`).replaceAll('/', String.raw`\/`)}"}`,
  ]) {
    const scrubbed = fromUtf8(scrubber.scrub(toUtf8(text)))
    assert.equal(scrubbed.length, text.length)
    const { file } = JSON.parse(scrubbed) as { file: string }
    assert.ok(!Buffer.from(file, 'base64').toString('latin1').includes(CARD))
  }
})

test('what holds no card number is the very same', () => {
  const bytes = toUtf8(JSON.stringify({ arguments: { file: base64('nothing to be seen here, 1234567'.repeat(20)) } }))
  assert.equal(scrubber.scrub(bytes), bytes)
})
