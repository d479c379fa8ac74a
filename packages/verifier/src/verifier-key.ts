import { createPrivateKey, createPublicKey, type KeyObject, sign as edSign, verify as edVerify } from 'node:crypto'
import { decodeBase64, encodeBase64, encodeHex, toBuffer } from './bytes.ts'
import { VerifierError } from './errors.ts'
import { sha256Of } from './sha256.ts'

/** SPEC c2sp.org/signed-note: "`0x01` — Ed25519 signatures as specified by this document." */
const ED25519 = 0x01
const PUBLIC_KEY_BYTES = 32

/** The longest verifier key that is read: a name, eight digits and the largest public key in use have room. */
export const MAX_VKEY_BYTES = 8192

/** A public key under a name: what signed notes are checked with. */
export interface VerifierKey {
  readonly name: string
  /** The first four bytes of SHA-256(name, newline, type, public key), big endian. */
  readonly keyId: number
  /** The 32 bytes of an Ed25519 public key. */
  readonly publicKey: Uint8Array
}

/** Signs the text of notes under a name. */
export interface NoteSigner {
  readonly key: VerifierKey
  sign(text: Uint8Array): Uint8Array
}

/**
 * SPEC c2sp.org/signed-note: "Key names MUST be non-empty and MUST NOT contain any Unicode spaces or plus (U+002B)
 * characters."
 */
export function isKeyName(name: string): boolean {
  return name !== '' && name.isWellFormed() && !/[\p{White_Space}+\u0000-\u001f]/u.test(name)
}

/** Names a public key. @throws {VerifierError} `SP_VKEY_MALFORMED` */
export function verifierKey(name: string, publicKey: Uint8Array): VerifierKey {
  if (!isKeyName(name))
    throw new VerifierError('SP_VKEY_MALFORMED', 'a key name is non-empty and has neither spaces nor "+"')
  if (publicKey.length !== PUBLIC_KEY_BYTES)
    throw new VerifierError('SP_VKEY_MALFORMED', `an Ed25519 public key has 32 bytes, not ${publicKey.length}`)
  // SPEC c2sp.org/signed-note: "key ID = SHA-256(key name || 0x0A || 0x01 || 32-byte Ed25519 public key)[:4]"
  const keyId = sha256Of(Buffer.from(`${name}\n`), Buffer.of(ED25519), publicKey).readUInt32BE(0)
  return { name, keyId, publicKey }
}

/**
 * Parses `<name>+<key id, 8 hexadecimal digits>+<base64(type ‖ public key)>`, the form of golang.org/x/mod/sumdb/note.
 *
 * @throws {VerifierError} `SP_VKEY_MALFORMED`
 */
export function parseVerifierKey(text: string): VerifierKey {
  if (text.length > MAX_VKEY_BYTES) throw new VerifierError('SP_VKEY_MALFORMED', 'a verifier key that is too long')
  // The base64 part may hold "+" too: the name and the id end at the first two.
  const parts = /^(?<name>[^+]+)\+(?<id>[0-9a-f]{8})\+(?<data>[A-Za-z0-9+/=]+)$/u.exec(text)?.groups
  const data = decodeBase64(parts?.['data'] ?? '')
  if (parts === undefined || data === undefined || data.length === 0) {
    throw new VerifierError('SP_VKEY_MALFORMED', 'a verifier key reads <name>+<key id>+<base64 of the key>')
  }
  if (data[0] !== ED25519) throw new VerifierError('SP_VKEY_MALFORMED', `key type ${data[0]} is not Ed25519 (1)`)
  const key = verifierKey(parts['name'] ?? '', data.subarray(1))
  if (formatKeyId(key.keyId) !== parts['id'])
    throw new VerifierError('SP_VKEY_MALFORMED', 'the key id does not fit name and key')
  return key
}

/** Writes a verifier key; the exact inverse of `parseVerifierKey`. */
export function formatVerifierKey(key: VerifierKey): string {
  return `${key.name}+${formatKeyId(key.keyId)}+${encodeBase64(typedKey(key))}`
}

export function formatKeyId(keyId: number): string {
  return keyId.toString(16).padStart(8, '0')
}

function typedKey(key: VerifierKey): Uint8Array {
  return Buffer.concat([Buffer.of(ED25519), key.publicKey])
}

/**
 * What people compare: SHA-256 over type and public key, in colon-separated hexadecimal. The key id is too short for
 * that. The same with stock tools: `cut -d+ -f3- vkey | base64 -d | sha256sum`.
 */
export function fingerprintOf(key: VerifierKey): string {
  return (
    encodeHex(sha256Of(typedKey(key)))
      .toUpperCase()
      .match(/../g)
      ?.join(':') ?? ''
  )
}

/** Checks one Ed25519 signature over the text of a note. */
export function isSignedBy(key: VerifierKey, text: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64) return false
  const x = toBuffer(key.publicKey).toString('base64url')
  return edVerify(null, text, createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }), signature)
}

/** A signer over an Ed25519 private key. @throws {VerifierError} `SP_VKEY_MALFORMED` */
export function ed25519Signer(name: string, privateKey: KeyObject): NoteSigner {
  if (privateKey.type !== 'private' || privateKey.asymmetricKeyType !== 'ed25519') {
    throw new VerifierError('SP_VKEY_MALFORMED', 'not an Ed25519 private key')
  }
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' })
  const key = verifierKey(name, Buffer.from(x ?? '', 'base64url'))
  return { key, sign: (text) => edSign(null, text, privateKey) }
}

// RFC 8410 §7: a PKCS #8 OneAsymmetricKey of id-Ed25519 (1.3.101.112), up to the 32 bytes of the seed.
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex')

/**
 * A signer from the 32-byte seed of an Ed25519 private key (RFC 8032 §5.1.5).
 *
 * @throws {VerifierError} `SP_VKEY_MALFORMED`
 */
export function ed25519SignerFromSeed(name: string, seed: Uint8Array): NoteSigner {
  if (seed.length !== 32)
    throw new VerifierError('SP_VKEY_MALFORMED', `an Ed25519 seed has 32 bytes, not ${seed.length}`)
  const der = Buffer.concat([PKCS8_ED25519, seed])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  der.fill(0)
  return ed25519Signer(name, privateKey)
}
