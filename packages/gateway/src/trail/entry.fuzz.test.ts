import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeEntries, encodeEntry, type Entry, entryBytes, OUTCOME_STATUSES } from './entry.ts'
import { decodeFrameHead, FRAME_ALIGNMENT, FRAME_HEADER_BYTES, frameSpace, openFrame, sealFrame } from './frame.ts'
import { decodeSegmentHeader, encodeSegmentHeader, makeSegmentHeader } from './segment-header.ts'

const RUNS = Math.max(200, Number(process.env['SALLYPORT_FUZZ_RUNS'] ?? 100_000) / 20)

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
const numbered = { index: fc.maxSafeNat(), timeMs: fc.double({ min: 0, max: 8e15, noNaN: true }) }
const references = { context: fc.nat(), shape: fc.nat() }
const entry: fc.Arbitrary<Entry> = fc.oneof(
  fc.record({ kind: fc.constantFrom('context' as const, 'shape' as const), number: fc.nat(), json: bytes }),
  fc.record({ kind: fc.constant('intent' as const), ...numbered, ...references, links: bytes, payload: bytes }),
  fc.record({ kind: fc.constant('system' as const), ...numbered, json: bytes }),
  fc
    .record({
      kind: fc.constant('outcome' as const),
      ...numbered,
      ...references,
      status: fc.constantFrom(...OUTCOME_STATUSES),
      intent: fc.maxSafeNat(),
      rows: fc.maxSafeNat(),
      bytes: fc.maxSafeNat(),
      durationMs: fc.maxSafeNat(),
      digest: fc.option(fc.uint8Array({ minLength: 32, maxLength: 32 }), { nil: undefined }),
      extra: bytes,
    })
    .map(({ digest, ...rest }) => (digest === undefined ? rest : { ...rest, digest: Buffer.from(digest) })),
)

function encodeAll(entries: readonly Entry[]): Buffer {
  const buffer = Buffer.alloc(
    entries.reduce((sum, each) => sum + entryBytes(each), 0),
    0xff,
  )
  let end = 0
  for (const each of entries) end = encodeEntry(each, buffer, end)
  assert.equal(end, buffer.length)
  return buffer
}

test('entries are read back as they were written', () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 8 }), (entries) => {
      // The generator's objects have no prototype, which deepEqual would mind.
      const plain = entries.map((each) => ({ ...each }))
      assert.deepEqual([...decodeEntries(encodeAll(entries))], plain)
    }),
    { numRuns: RUNS },
  )
})

test('whatever bytes are read as entries, only a RangeError comes of it', () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 4 }), fc.nat(), fc.nat(255), fc.nat(), (entries, at, byte, length) => {
      const buffer = encodeAll(entries)
      if (buffer.length > 0) buffer.writeUInt8(byte, at % buffer.length)
      try {
        for (const each of decodeEntries(buffer.subarray(0, length % (buffer.length + 1)))) assert.ok(each.kind)
      } catch (error) {
        assert.ok(error instanceof RangeError)
      }
    }),
    { numRuns: RUNS },
  )
})

const head = fc.record({
  segment: fc.nat(),
  frame: fc.nat(),
  firstIndex: fc.maxSafeNat(),
  isAfterGap: fc.boolean(),
})

test('a frame fills whole sectors, opens as it was sealed, and not when a bit of it has changed', () => {
  const key = Buffer.alloc(32, 5)
  fc.assert(
    fc.property(head, bytes, fc.nat(), (facts, entries, flip) => {
      const written = Buffer.concat(sealFrame(key, { ...facts, length: entries.length }, entries))
      assert.equal(written.length, frameSpace(entries.length))
      assert.equal(written.length % FRAME_ALIGNMENT, 0)
      const read = decodeFrameHead(written)
      assert.deepEqual(read, { ...facts, length: entries.length })
      const end = FRAME_HEADER_BYTES + entries.length + 16
      assert.deepEqual(
        openFrame(key, { ...facts, length: entries.length }, written.subarray(FRAME_HEADER_BYTES, end)),
        entries,
      )

      const bit = flip % (end * 8)
      written.writeUInt8(written.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      const spoiled = decodeFrameHead(written)
      if (spoiled === undefined || spoiled.length > written.length) return
      const sealed = written.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + spoiled.length + 16)
      assert.equal(openFrame(key, spoiled, sealed), undefined)
    }),
    { numRuns: RUNS / 4 },
  )
})

test('a segment header is read back as it was written, and not when a bit of it has changed', () => {
  fc.assert(
    fc.property(fc.nat(), fc.string({ maxLength: 200 }), fc.nat(), (segment, text, flip) => {
      const header = makeSegmentHeader({
        segment,
        origin: text.toWellFormed(),
        product: '0.1.0',
        keyId: '2026-11-21.0123abcd',
      })
      const block = encodeSegmentHeader(header)
      assert.deepEqual(decodeSegmentHeader(block), header)
      const other = makeSegmentHeader(header)
      assert.notDeepEqual(other.salt, header.salt, 'no two segments have one key')
      assert.notDeepEqual(other.payloadNonce, header.payloadNonce, 'a number given again is not sealed under one nonce')
      const bit = flip % (block.length * 8)
      block.writeUInt8(block.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      assert.equal(decodeSegmentHeader(block), undefined)
    }),
    { numRuns: RUNS / 10 },
  )
})
