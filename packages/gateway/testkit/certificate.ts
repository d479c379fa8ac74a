/**
 * A throw-away certificate authority for tests: X.509 v3 with ECDSA P-256, written as DER by hand, so that no private key lies in the
 * repository and nothing expires.
 */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { isIP } from 'node:net'

/** A certificate with its key, both PEM. */
interface TestCertificate {
  readonly cert: string
  readonly key: string
}

/** A certificate of a server and the authority that vouches for it. */
export interface TestTls extends TestCertificate {
  readonly ca: string
}

/** Makes an authority and a server certificate for the names given (DNS names or addresses), valid from yesterday for a week. */
export function createTestTls(names: readonly string[] = ['localhost', '127.0.0.1', '::1']): TestTls {
  const authority = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const server = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const ca = certificate(
    'Sallyport test authority',
    authority.publicKey,
    'Sallyport test authority',
    authority.privateKey,
    [
      extension('551d13', true, sequence(boolean(true))),
      extension('551d0f', true, tlv(0x03, Buffer.from([0x01, 0x06]))),
    ],
  )
  const cert = certificate(
    names[0] ?? 'localhost',
    server.publicKey,
    'Sallyport test authority',
    authority.privateKey,
    [extension('551d11', false, sequence(...names.map(generalName)))],
  )
  return { ca, cert, key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
}

/** RFC 5280 §4.1: `Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue }`. */
function certificate(
  subject: string,
  subjectKey: KeyObject,
  issuer: string,
  issuerKey: KeyObject,
  extensions: readonly Buffer[],
): string {
  const algorithm = sequence(oid('2a8648ce3d040302'))
  const day = 86_400_000
  const body = sequence(
    tlv(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([0x40]), randomBytes(15)])),
    algorithm,
    name(issuer),
    sequence(time(Date.now() - day), time(Date.now() + 7 * day)),
    name(subject),
    subjectKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, sequence(...extensions)),
  )
  const signature = sign('sha256', body, issuerKey)
  const der = sequence(body, algorithm, tlv(0x03, Buffer.concat([Buffer.from([0]), signature])))
  const lines = der.toString('base64').replaceAll(/.{64}/g, '$&\n')
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}

function name(commonName: string): Buffer {
  return sequence(tlv(0x31, sequence(oid('550403'), tlv(0x0c, Buffer.from(commonName)))))
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return critical ? sequence(oid(id), boolean(true), tlv(0x04, value)) : sequence(oid(id), tlv(0x04, value))
}

function generalName(text: string): Buffer {
  if (isIP(text) === 4) return tlv(0x87, Buffer.from(text.split('.').map(Number)))
  if (text === '::1') return tlv(0x87, Buffer.from('00000000000000000000000000000001', 'hex'))
  return tlv(0x82, Buffer.from(text, 'ascii'))
}

/** GeneralizedTime, RFC 5280 §4.1.2.5.2, would be due from 2050 on; until then UTCTime. */
function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]/g, '').slice(2, 14)
  return tlv(0x17, Buffer.from(`${digits}Z`))
}

function boolean(value: boolean): Buffer {
  return tlv(0x01, Buffer.from([value ? 0xff : 0]))
}

function integer(bytes: Buffer): Buffer {
  return tlv(0x02, bytes)
}

function oid(hex: string): Buffer {
  return tlv(0x06, Buffer.from(hex, 'hex'))
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tlv(0x30, Buffer.concat(parts))
}

function tlv(tag: number, value: Buffer): Buffer {
  if (value.length < 0x80) return Buffer.concat([Buffer.from([tag, value.length]), value])
  const length = value.length < 0x100 ? [0x81, value.length] : [0x82, value.length >> 8, value.length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), value])
}
