import assert from 'node:assert/strict'
import { createHash, createHmac, pbkdf2Sync, X509Certificate } from 'node:crypto'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { fromUtf8, Secret, toUtf8 } from '#base'
import { createTestTls } from '../../../../testkit/certificate.ts'
import { prepareSasl } from './saslprep.ts'
import { ScramExchange } from './scram.ts'
import { channelBinding } from './secure.ts'

const NONCE = 'rOprNGfwEbeRWgbNEkqO'
const SERVER_NONCE = `${NONCE}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0`
const SALT = 'W22ZaJ0SNY7soEsUEjb6gQ=='
const CHALLENGE = `r=${SERVER_NONCE},s=${SALT},i=4096`

/** The server's half of RFC 5802 §3, written once more: what it expects as proof, and its own. */
function serverHalf(password: string, withoutProof: string): { proof: string; signature: string } {
  const message = `n=,r=${NONCE},${CHALLENGE},${withoutProof}`
  const salted = pbkdf2Sync(password, Buffer.from(SALT, 'base64'), 4096, 32, 'sha256')
  const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
  const clientKey = hmac(salted, 'Client Key')
  const clientSignature = hmac(createHash('sha256').update(clientKey).digest(), message)
  const proof = Buffer.from(clientKey.map((byte, index) => byte ^ (clientSignature[index] ?? 0)))
  return { proof: proof.toString('base64'), signature: hmac(hmac(salted, 'Server Key'), message).toString('base64') }
}

function exchange(): ScramExchange {
  return new ScramExchange(new Secret('pencil'), { flag: 'n' }, NONCE)
}

test('an exchange proves the password, and the server proves that it knows it', async () => {
  const client = exchange()
  assert.equal(fromUtf8(client.first()), `n,,n=,r=${NONCE}`)
  const [withoutProof = '', proof] = fromUtf8(await client.final(toUtf8(CHALLENGE))).split(',p=')
  // base64('n,,'), RFC 5802 §5.1
  assert.equal(withoutProof, `c=biws,r=${SERVER_NONCE}`)
  const server = serverHalf('pencil', withoutProof)
  assert.equal(proof, server.proof)
  client.verify(toUtf8(`v=${server.signature}`))
})

test('a server that does not know the password is refused', async () => {
  const client = exchange()
  await client.final(toUtf8(CHALLENGE))
  const impostor = serverHalf('another', `c=biws,r=${SERVER_NONCE}`)
  for (const final of [`v=${impostor.signature}`, 'v=', 'v=AAAA', 'e=other-error', '']) {
    assert.throws(() => {
      client.verify(toUtf8(final))
    }, /SP_UPSTREAM_REFUSED|proof|impostor/)
  }
  assert.throws(() => {
    exchange().verify(toUtf8(`v=${impostor.signature}`))
  }, /no SCRAM proof/)
})

test('challenges that are none are refused', async () => {
  for (const challenge of [
    `r=other,s=${SALT},i=4096`,
    `r=${NONCE},s=${SALT},i=4096`,
    `r=${SERVER_NONCE},s=${SALT},i=4095`,
    `r=${SERVER_NONCE},s=${SALT},i=999999999`,
    `r=${SERVER_NONCE},s=${SALT},i=04096`,
    `m=extension,r=${SERVER_NONCE},s=${SALT},i=4096`,
    `r=${SERVER_NONCE},i=4096`,
    '',
  ]) {
    await assert.rejects(exchange().final(toUtf8(challenge)), { code: 'SP_UPSTREAM_REFUSED' }, challenge)
  }
})

test('the exchange is bound to the certificate where both can', async () => {
  const certificate = new X509Certificate(createTestTls().cert)
  const stream = Object.assign(new PassThrough(), { getPeerX509Certificate: () => certificate })
  const bound = channelBinding(stream, true)
  assert.equal(bound.flag, 'p')
  const hash = createHash('sha256').update(certificate.raw).digest()
  assert.deepEqual(bound.flag === 'p' && Buffer.from(bound.certificateHash), hash)
  assert.deepEqual(channelBinding(stream, false), { flag: 'y' })
  assert.deepEqual(channelBinding(new PassThrough(), true), { flag: 'n' })
  const client = new ScramExchange(new Secret('pencil'), bound, NONCE)
  assert.equal(fromUtf8(client.first()), `p=tls-server-end-point,,n=,r=${NONCE}`)
  const final = fromUtf8(await client.final(toUtf8(CHALLENGE)))
  const data = Buffer.from(/^c=([^,]+)/.exec(final)?.[1] ?? '', 'base64')
  assert.deepEqual(data, Buffer.concat([Buffer.from('p=tls-server-end-point,,'), hash]))
})

test('passwords are prepared as RFC 4013 §3 shows, or left as they are', () => {
  for (const [password, prepared] of [
    ['user', 'user'],
    ['USER', 'USER'],
    ['I\u00adX', 'IX'],
    ['\u00aa', 'a'],
    ['\u2168', 'IX'],
    ['a\u3000b', 'a b'],
    ['\u00e4\u0007', '\u00e4\u0007'],
    ['\u00ad', '\u00ad'],
    ['\u05d0a', '\u05d0a'],
    ['e\u0301', '\u00e9'],
  ] as const) {
    assert.equal(prepareSasl(password), prepared)
  }
})
