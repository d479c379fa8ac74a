import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret, toUtf8 } from '#base'
import { GatewayError } from '#model'
import { createSealer } from './sealer.ts'

const key = (fill: number): Secret<Uint8Array> => new Secret(new Uint8Array(32).fill(fill))
const isBroken = (error: unknown): boolean => error instanceof GatewayError && error.code === 'SP_VAULT_SEAL_BROKEN'

test('what was sealed opens with the same key and context, and looks different each time', () => {
  const sealer = createSealer(key(1))
  for (const plain of [new Uint8Array(), toUtf8('secret'), new Uint8Array(8192).fill(9)]) {
    const sealed = sealer.seal(plain, 'a')
    assert.deepEqual(sealer.open(sealed, 'a'), plain)
    assert.deepEqual(createSealer(key(1)).open(sealed, 'a'), plain)
    assert.notDeepEqual(sealer.seal(plain, 'a'), sealed)
  }
})

test('a flipped bit anywhere, a cut or an addition is found', () => {
  const sealer = createSealer(key(1))
  const sealed = sealer.seal(toUtf8('secret'), 'a')
  for (let index = 0; index < sealed.length; index++) {
    const changed = Uint8Array.from(sealed)
    changed[index] = (changed[index] ?? 0) ^ 1
    assert.throws(() => sealer.open(changed, 'a'), isBroken, `byte ${index}`)
  }
  for (let length = 0; length < sealed.length; length++)
    assert.throws(() => sealer.open(sealed.subarray(0, length), 'a'), isBroken, `${length} bytes`)
  assert.throws(() => sealer.open(Uint8Array.of(...sealed, 0), 'a'), isBroken)
})

test('another context or another key does not open it', () => {
  const sealed = createSealer(key(1)).seal(toUtf8('secret'), 'a')
  assert.throws(() => createSealer(key(1)).open(sealed, 'b'), isBroken)
  assert.throws(() => createSealer(key(2)).open(sealed, 'a'), /another key/)
})

test('a key of another length is refused', () => {
  assert.throws(() => createSealer(new Secret(new Uint8Array(31))), RangeError)
})
