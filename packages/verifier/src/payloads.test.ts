import assert from 'node:assert/strict'
import { createCipheriv } from 'node:crypto'
import { test } from 'node:test'
import { encodePayloads, isCommitted, MAX_PAYLOAD_BYTES, openPayload, parsePayloads, sealPayload } from './payloads.ts'
import { sha256 } from './sha256.ts'

const key = { id: 'd1', bytes: Buffer.alloc(32, 1), nonce: Buffer.alloc(12, 2) }
const plaintext = Buffer.from('select 1')
const { blob, commitment } = sealPayload(plaintext, key)

test('a payload is nonce, AES-256-GCM ciphertext and tag, and its record commits to all of it and to the key', () => {
  const cipher = createCipheriv('aes-256-gcm', key.bytes, key.nonce)
  const wanted = Buffer.concat([key.nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
  assert.deepEqual(blob, wanted)
  assert.deepEqual(commitment, {
    alg: 'A256GCM',
    keyId: 'd1',
    keySha256: sha256(key.bytes).toString('hex'),
    sha256: sha256(wanted).toString('hex'),
    size: 8,
  })
  assert.deepEqual(openPayload(blob, key.bytes, commitment), plaintext)
})

test('an empty payload is sealed and opened', () => {
  const empty = sealPayload(Buffer.alloc(0), key)
  assert.equal(empty.blob.length, 28)
  assert.deepEqual(openPayload(empty.blob, key.bytes, empty.commitment), Buffer.alloc(0))
})

test('another blob, another key or another size does not open', () => {
  const open = (...args: Parameters<typeof openPayload>) =>
    assert.throws(() => openPayload(...args), { code: 'SP_PAYLOAD_MISMATCH' })
  for (let at = 0; at < blob.length; at += 1) {
    const changed = Buffer.from(blob)
    changed[at] = (changed[at] ?? 0) ^ 1
    open(changed, key.bytes, commitment)
    // Even where the commitment was changed with it, the tag does not fit.
    open(changed, key.bytes, { ...commitment, sha256: sha256(changed).toString('hex') })
    assert.equal(isCommitted(changed, commitment), false)
  }
  open(blob, Buffer.alloc(32, 2), commitment)
  open(blob, Buffer.alloc(31, 1), commitment)
  // The right key under another commitment: GCM would open it.
  open(blob, key.bytes, { ...commitment, keySha256: 'a'.repeat(64) })
  open(blob, key.bytes, { ...commitment, size: 9 })
  open(blob.subarray(0, 27), key.bytes, {
    ...commitment,
    size: -1,
    sha256: sha256(blob.subarray(0, 27)).toString('hex'),
  })
})

test('a payload file has one place for each record', () => {
  const file = encodePayloads([undefined, blob, undefined])
  assert.equal(Buffer.from(file).toString('hex'), `00000000${'00000024'}${Buffer.from(blob).toString('hex')}00000000`)
  assert.deepEqual(parsePayloads(file), [undefined, blob, undefined])
})

for (const [name, hex] of [
  ['nothing', ''],
  ['half a length', '0000'],
  ['a blob shorter than nonce and tag', `0000001b${'00'.repeat(27)}`],
  ['a blob longer than a payload may be', 'ffffffff'],
  ['a blob cut short', `00000020${'00'.repeat(31)}`],
  ['more than 256', '00000000'.repeat(257)],
] as const) {
  test(`no payload file: ${name}`, () => {
    assert.throws(() => parsePayloads(Buffer.from(hex, 'hex')), { code: 'SP_PAYLOAD_MALFORMED' })
  })
}

test('what would not be read is not written', () => {
  for (const blobs of [[], [Buffer.alloc(0)], [Buffer.alloc(27)], Array.from({ length: 257 }, () => undefined)]) {
    assert.throws(() => encodePayloads(blobs), { code: 'SP_PAYLOAD_MALFORMED' })
  }
  assert.throws(() => sealPayload(Buffer.alloc(MAX_PAYLOAD_BYTES + 1), key), { code: 'SP_OUT_OF_RANGE' })
  assert.throws(() => sealPayload(plaintext, { ...key, nonce: Buffer.alloc(11) }), { code: 'SP_OUT_OF_RANGE' })
})
