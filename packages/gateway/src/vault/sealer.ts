import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { type Bytes, concatBytes, type Secret, toUtf8 } from '#base'
import { GatewayError, type Sealer } from '#model'

/*
 * A sealed thing:
 *
 *   version (1 byte, 1) · key id (4) · nonce (12) · ciphertext · tag (16)
 *
 * AES-256-GCM; everything before the ciphertext and the context are authenticated with it. The nonce is random: NIST SP 800-38D §8.3
 * allows 2^32 sealings under one key that way, and a control store writes some thousand a day.
 */
const VERSION = 1
const KEY_ID_BYTES = 4
const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEADER_BYTES = 1 + KEY_ID_BYTES + NONCE_BYTES
const KEY_BYTES = 32

/**
 * A sealer under a master key of 32 bytes.
 *
 * @throws {RangeError} when the key has another length.
 */
export function createSealer(masterKey: Secret<Bytes>): Sealer {
  const key = derive(masterKey, 'sallyport seal v1', KEY_BYTES)
  const keyId = derive(masterKey, 'sallyport seal v1 id', KEY_ID_BYTES)
  return {
    seal: (plain, context) => {
      const header = concatBytes([Uint8Array.of(VERSION), keyId, randomBytes(NONCE_BYTES)])
      const cipher = createCipheriv('aes-256-gcm', key, header.subarray(1 + KEY_ID_BYTES))
      cipher.setAAD(concatBytes([header, toUtf8(context)]))
      return concatBytes([header, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    },
    open: (sealed, context) => {
      const header = readHeader(sealed, keyId)
      const decipher = createDecipheriv('aes-256-gcm', key, header.subarray(1 + KEY_ID_BYTES), {
        authTagLength: TAG_BYTES,
      })
      decipher.setAAD(concatBytes([header, toUtf8(context)]))
      decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
      const begun = decipher.update(sealed.subarray(HEADER_BYTES, -TAG_BYTES))
      try {
        return concatBytes([begun, decipher.final()])
      } catch (cause) {
        throw new GatewayError('SP_VAULT_SEAL_BROKEN', 'a sealed thing was changed or belongs elsewhere', { cause })
      }
    },
  }
}

function readHeader(sealed: Bytes, keyId: Bytes): Bytes {
  if (sealed.length < HEADER_BYTES + TAG_BYTES || sealed[0] !== VERSION)
    throw new GatewayError('SP_VAULT_SEAL_BROKEN', 'a sealed thing is not in a form that this version knows')
  const header = sealed.subarray(0, HEADER_BYTES)
  if (keyId.some((byte, index) => byte !== header[1 + index]))
    throw new GatewayError('SP_VAULT_SEAL_BROKEN', 'it was sealed with another key than the one at hand')
  return header
}

function derive(masterKey: Secret<Bytes>, purpose: string, length: number): Bytes {
  const key = masterKey.expose()
  if (key.length !== KEY_BYTES) throw new RangeError(`a master key has ${KEY_BYTES} bytes`)
  return new Uint8Array(hkdfSync('sha256', key, new Uint8Array(), toUtf8(purpose), length))
}
