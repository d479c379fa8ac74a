import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromUtf8, toUtf8 } from '#base'
import { readMessage, REQUEST_LIMITS, WireError } from './index.ts'

const taken: readonly (readonly [text: string, kind: string, id: string | undefined, method: string | undefined])[] = [
  ['{"jsonrpc":"2.0","id":1,"method":"ping"}', 'request', '1', 'ping'],
  ['{"jsonrpc":"2.0","id":-7,"method":"ping","params":{}}', 'request', '-7', 'ping'],
  ['{"jsonrpc":"2.0","id":"a\\u0062","method":"ping"}', 'request', '"a\\u0062"', 'ping'],
  ['{"jsonrpc":"2.0","id":12345678901234567890,"method":"ping"}', 'request', '12345678901234567890', 'ping'],
  [' {"method":"x","extra":[1],"jsonrpc":"2.0"} ', 'notification', undefined, 'x'],
  ['{"jsonrpc":"2.0","id":1,"result":{"a":1.50}}', 'result', '1', undefined],
  ['{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"m"}}', 'error', undefined, undefined],
]

for (const [text, kind, id, method] of taken) {
  test(`a ${kind}: ${text}`, () => {
    const message = readMessage(toUtf8(text), REQUEST_LIMITS)
    assert.equal(message.kind, kind)
    assert.equal('id' in message ? message.id : undefined, id)
    assert.equal('method' in message ? message.method : undefined, method)
  })
}

const refused: readonly (readonly [text: string, rpcCode: number])[] = [
  ['', -32700],
  ['nonsense', -32700],
  ['{"jsonrpc":"2.0","id":1,"method":"ping"', -32700],
  ['{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', -32700],
  ['[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600],
  ['[]', -32600],
  ['1', -32600],
  ['{"id":1,"method":"ping"}', -32600],
  ['{"jsonrpc":2.0,"id":1,"method":"ping"}', -32600],
  ['{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600],
  ['{"jsonrpc":"2.0","id":1.5,"method":"ping"}', -32600],
  ['{"jsonrpc":"2.0","id":1e3,"method":"ping"}', -32600],
  ['{"jsonrpc":"2.0","id":[1],"method":"ping"}', -32600],
  [`{"jsonrpc":"2.0","id":"${'a'.repeat(300)}","method":"ping"}`, -32600],
  ['{"jsonrpc":"2.0","id":1,"method":7}', -32600],
  ['{"jsonrpc":"2.0","id":1,"method":""}', -32600],
  [`{"jsonrpc":"2.0","id":1,"method":"${'m'.repeat(200)}"}`, -32600],
  ['{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}', -32600],
  ['{"jsonrpc":"2.0","id":1,"method":"ping","params":null}', -32600],
  ['{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}', -32600],
  ['{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":"m"}}', -32600],
  ['{"jsonrpc":"2.0","id":1,"error":"m"}', -32600],
  ['{"jsonrpc":"2.0","id":1}', -32600],
]

for (const [text, rpcCode] of refused) {
  test(`refused with ${rpcCode}: ${text.slice(0, 80)}`, () => {
    assert.throws(
      () => readMessage(toUtf8(text), REQUEST_LIMITS),
      (error) => error instanceof WireError && error.rpcCode === rpcCode,
    )
  })
}

test('params are a stretch of the bytes that came, as they were written', () => {
  const text = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params": {"arguments":{"amount":1.50,"n":1E2} } }'
  const bytes = toUtf8(text)
  const message = readMessage(bytes, REQUEST_LIMITS)
  assert.ok(message.kind === 'request' && message.params !== undefined)
  assert.equal(
    fromUtf8(bytes.subarray(message.params.start, message.params.end)),
    '{"arguments":{"amount":1.50,"n":1E2} }',
  )
})
