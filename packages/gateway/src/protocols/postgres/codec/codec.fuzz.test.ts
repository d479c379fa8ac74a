import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Bytes, concatBytes } from '#base'
import { backendMessage, dataRow, frontendMessage, runs, startupPacket } from './testkit/arbitraries.ts'
import {
  Back,
  backendLimit,
  decodeBackend,
  decodeFrontend,
  decodeStartup,
  encodeBackend,
  encodeFrontend,
  encodeStartup,
  Framer,
  type FrameSink,
  frontendLimit,
  startupLength,
  walkRows,
  WireError,
} from './index.ts'

const parameters = { numRuns: runs }

/** Runs what may throw only a `WireError`. */
function throwsOnlyWireErrors(run: () => void): void {
  try {
    run()
  } catch (error) {
    if (!(error instanceof WireError)) throw error
  }
}

/** Cuts bytes at the places given (any numbers). */
function cut(bytes: Bytes, places: readonly number[]): Bytes[] {
  const borders = [...new Set(places.map((place) => place % (bytes.length + 1)))].toSorted((a, b) => a - b)
  const chunks: Bytes[] = []
  let from = 0
  for (const border of [...borders, bytes.length]) {
    chunks.push(bytes.slice(from, border))
    from = border
  }
  return chunks
}

test('a client message is what it was after encoding and decoding', () => {
  fc.assert(
    fc.property(frontendMessage, (message) => {
      const bytes = encodeFrontend(message)
      assert.deepEqual(decodeFrontend(bytes, 0, bytes.length), message)
    }),
    parameters,
  )
})

test('a server message is what it was after encoding and decoding', () => {
  fc.assert(
    fc.property(backendMessage, (message) => {
      const bytes = encodeBackend(message)
      assert.deepEqual(decodeBackend(bytes, 0, bytes.length), message)
    }),
    parameters,
  )
})

test('a first packet is what it was after encoding and decoding', () => {
  fc.assert(
    fc.property(startupPacket, (packet) => {
      const bytes = encodeStartup(packet)
      assert.equal(startupLength(bytes), bytes.length)
      assert.deepEqual(decodeStartup(bytes), packet)
    }),
    parameters,
  )
})

test('arbitrary bytes are refused with a WireError or decode to a message that encodes to the same bytes', () => {
  const type = fc.constantFrom(...'BCDEHPQSXpFfcd'.split('').map((letter) => letter.charCodeAt(0)))
  fc.assert(
    fc.property(type, fc.uint8Array({ maxLength: 40 }), (first, body) => {
      const message = concatBytes([Uint8Array.of(first, 0, 0, 0, 4 + body.length), body])
      throwsOnlyWireErrors(() => {
        assert.deepEqual(encodeFrontend(decodeFrontend(message, 0, message.length)), message)
      })
      throwsOnlyWireErrors(() => void decodeBackend(message, 0, message.length))
      throwsOnlyWireErrors(() => void walkRows(message, 0, message.length, body.length & 3, () => true))
      throwsOnlyWireErrors(() => void decodeStartup(message))
    }),
    parameters,
  )
})

test('a damaged message is refused with a WireError or understood as another', () => {
  const damage = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }))
  fc.assert(
    fc.property(frontendMessage, backendMessage, damage, (front, back, [place, byte]) => {
      for (const bytes of [encodeFrontend(front), encodeBackend(back)]) {
        bytes[place % bytes.length] = byte
        throwsOnlyWireErrors(() => void decodeFrontend(bytes, 0, bytes.length))
        throwsOnlyWireErrors(() => void decodeBackend(bytes, 0, bytes.length))
      }
    }),
    parameters,
  )
})

test('a client stream gives the same messages however it is cut', () => {
  fc.assert(
    fc.property(
      fc.array(frontendMessage, { maxLength: 4 }),
      fc.array(fc.nat(), { maxLength: 8 }),
      (messages, places) => {
        const found: unknown[] = []
        const framer = new Framer({
          limitOf: frontendLimit,
          frame: (_type, buffer, start, end) => found.push(decodeFrontend(buffer, start, end)),
          oversized: () => assert.fail('nothing here is too large'),
        })
        for (const chunk of cut(concatBytes(messages.map(encodeFrontend)), places)) framer.push(chunk)
        assert.deepEqual(found, messages)
        assert.ok(framer.isAtBorder)
      },
    ),
    parameters,
  )
})

test('a server stream gives the same bytes and rows however it is cut, in chunks that are written over afterwards', () => {
  const stream = fc.array(fc.oneof(dataRow, dataRow, backendMessage), { maxLength: 6 })
  fc.assert(
    fc.property(stream, fc.array(fc.nat(), { maxLength: 8 }), (messages, places) => {
      const whole = concatBytes(messages.map(encodeBackend))
      const seen: Bytes[] = []
      let rows = 0
      const sink: FrameSink = {
        limitOf: backendLimit,
        frame: (_type, buffer, start, end) => seen.push(buffer.slice(start, end)),
        run: (buffer, start, end, count) => {
          rows += count
          seen.push(buffer.slice(start, end))
        },
        oversized: () => assert.fail('nothing here is too large'),
      }
      const framer = new Framer(sink, { runType: Back.dataRow, isTransient: true })
      for (const chunk of cut(whole, places)) {
        framer.push(chunk)
        chunk.fill(0xaa)
      }
      assert.deepEqual(concatBytes(seen), whole)
      assert.equal(rows, messages.filter((message) => message.kind === 'dataRow').length)
    }),
    parameters,
  )
})

test('a framer takes arbitrary chunks and throws only WireErrors', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 4 }), (chunks) => {
      const framer = new Framer({
        limitOf: (type) => (type % 3 === 0 ? 0 : 64),
        frame: (_type, buffer, start, end) => assert.ok(end - start >= 5 && end <= buffer.length),
        oversized: (_type, length) => assert.ok(length > 64),
        piece: (buffer, start, end) => assert.ok(start <= end && end <= buffer.length),
      })
      throwsOnlyWireErrors(() => {
        for (const chunk of chunks) framer.push(chunk)
      })
    }),
    parameters,
  )
})
