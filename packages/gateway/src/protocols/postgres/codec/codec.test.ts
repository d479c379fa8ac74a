import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Bytes, concatBytes, fromUtf8, toUtf8 } from '#base'
import {
  Back,
  backendLimit,
  decodeFrontend,
  decodeStartup,
  encodeBackend,
  encodeFrontend,
  Framer,
  frontendLimit,
  MAX_STATEMENT_TEXT,
  OversizedRow,
  passwordOf,
  startupLength,
  walkRows,
  WireError,
} from './index.ts'

/** Bytes from hexadecimal with blanks. */
function hex(text: string): Bytes {
  return Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
}

const rejected: readonly (readonly [name: string, bytes: string])[] = [
  ['a Query without its zero byte', '51 00000005 41'],
  ['a Query with bytes behind its zero byte', '51 00000007 41 00 42'],
  ['a Parse that counts more types than it holds', '50 0000000c 00 00 ffff 00000000'],
  ['a Bind with a negative length that is not -1', '42 00000012 00 00 0000 0001 fffffffe 0000'],
  ['a Bind with a value over its end', '42 00000012 00 00 0000 0001 0000ffff 0000'],
  ['a Bind with a third format code', '42 0000000e 00 00 0001 0002 0000 0000'],
  ['a Bind with two formats for one parameter', '42 00000014 00 00 0002 0000 0000 0001 ffffffff 0000'],
  ['a Describe of neither', '44 00000006 58 00'],
  ['an Execute with a name that is not UTF-8', '45 0000000a ff 00 00000000'],
  ['a Sync with a body', '53 00000005 00'],
  ['a type that no client sends', '5a 00000005 49'],
]

for (const [name, bytes] of rejected) {
  test(`refused: ${name}`, () => {
    const message = hex(bytes)
    assert.throws(() => decodeFrontend(message, 0, message.length), WireError)
  })
}

test('a name may have 63 bytes, not 64: PostgreSQL would cut it off in silence', () => {
  const named = (length: number): Bytes =>
    encodeFrontend({ kind: 'parse', name: 'n'.repeat(length), text: toUtf8('SELECT 1'), parameterTypes: [] })
  assert.equal(decodeFrontend(named(63), 0, named(63).length).kind, 'parse')
  assert.throws(() => decodeFrontend(named(64), 0, named(64).length), WireError)
})

test('start-up packets of impossible length are refused before they are read', () => {
  for (const length of ['00000007', '00002711', 'ffffffff']) assert.throws(() => startupLength(hex(length)), WireError)
  assert.equal(startupLength(hex('000000')), undefined)
  assert.throws(() => decodeStartup(hex('00000010 00030000 7573657200')), WireError)
  assert.throws(() => decodeStartup(hex('0000000e 04d2162e 00000001 0102')), WireError)
})

test('a password is one string', () => {
  assert.equal(passwordOf(toUtf8('secret\0')), 'secret')
  assert.equal(passwordOf(toUtf8('secret')), undefined)
  assert.equal(passwordOf(toUtf8('sec\0ret\0')), undefined)
  assert.equal(passwordOf(toUtf8('')), undefined)
})

test('a message over its limit is passed over without being collected, and the stream goes on', () => {
  const seen: string[] = []
  let passed = 0
  const framer = new Framer({
    limitOf: frontendLimit,
    frame: (_type, buffer, start, end) => seen.push(decodeFrontend(buffer, start, end).kind),
    oversized: (type, length) => seen.push(`${String.fromCharCode(type)} of ${String(length)}`),
    piece: (_buffer, start, end, isLast) => {
      passed += end - start
      if (isLast) seen.push(`passed ${String(passed)}`)
    },
  })
  const text = new Uint8Array(2 * MAX_STATEMENT_TEXT).fill(0x20)
  const stream = concatBytes([encodeFrontend({ kind: 'query', text }), encodeFrontend({ kind: 'sync' })])
  for (let offset = 0; offset < stream.length; offset += 60_000) framer.push(stream.subarray(offset, offset + 60_000))
  assert.deepEqual(seen, [`Q of ${String(text.length + 6)}`, `passed ${String(text.length + 1)}`, 'sync'])
})

test('a message over the limit of the protocol itself is refused', () => {
  const framer = new Framer({ limitOf: () => 64, frame: () => undefined, oversized: () => undefined })
  assert.throws(() => {
    framer.push(hex('51 7fffffff'))
  }, WireError)
})

test('rows are walked in place until the visitor stops, and say where', () => {
  const rows = [
    ['a', undefined],
    ['bc', 'd'],
    ['e', ''],
  ].map((values) =>
    encodeBackend({
      kind: 'dataRow',
      values: values.map((value) => (value === undefined ? undefined : toUtf8(value))),
    }),
  )
  const run = concatBytes(rows)
  const seen: string[] = []
  const walk = walkRows(run, 0, run.length, 2, (column, start, end) => {
    seen.push(`${String(column)}${fromUtf8(run.subarray(start, end))}`)
    return true
  })
  assert.deepEqual(seen, ['0a', '0bc', '1d', '0e', '1'])
  assert.deepEqual(walk, { rows: 3, end: run.length })
  const stopped = walkRows(run, 0, run.length, 2, (_column, start) => run[start] !== 0x64)
  assert.deepEqual(stopped, { rows: 1, end: rows[0]?.length })
  assert.throws(() => walkRows(run, 0, run.length, 3, () => true), WireError)
})

test('the column in which a row becomes too large is found while it streams by', () => {
  const values = [toUtf8('x'.repeat(100)), undefined, new Uint8Array(0), toUtf8('y'.repeat(900)), toUtf8('z')]
  const row = encodeBackend({ kind: 'dataRow', values })
  for (const [limit, column] of [
    [50, 0],
    [200, 3],
    [1000, 3],
    [1022, 4],
    [5000, undefined],
  ] as const) {
    const finder = new OversizedRow(limit)
    for (let offset = 5; offset < row.length; offset += 7) finder.take(row, offset, Math.min(offset + 7, row.length))
    assert.equal(finder.found, column)
  }
})

test('a framer that gives out runs gives single messages too', () => {
  const seen: string[] = []
  const framer = new Framer(
    {
      limitOf: backendLimit,
      frame: (type) => seen.push(String.fromCharCode(type)),
      run: (_buffer, start, end) => seen.push(`run of ${String(end - start)}`),
      oversized: () => assert.fail(),
    },
    { runType: Back.dataRow, isTransient: true },
  )
  const row = encodeBackend({ kind: 'dataRow', values: [toUtf8('abc')] })
  const ready = encodeBackend({ kind: 'readyForQuery', status: 'I' })
  framer.push(concatBytes([row, row, ready, row]))
  assert.deepEqual(seen, [`run of ${String(2 * row.length)}`, 'Z', `run of ${String(row.length)}`])
})
