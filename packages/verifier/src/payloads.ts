import { createCipheriv, createDecipheriv } from 'node:crypto'
import { encodeHex, toBuffer } from './bytes.ts'
import { VerifierError } from './errors.ts'
import type { PayloadCommitment } from './record.ts'
import { sha256 } from './sha256.ts'
import { TILE_WIDTH } from './tiles.ts'

/** AES-256-GCM (NIST SP 800-38D) with a 96-bit nonce and a 128-bit tag: a blob is `nonce ‖ ciphertext ‖ tag`. */
const ALGORITHM = 'aes-256-gcm'
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** What a blob is longer than its plaintext. */
export const PAYLOAD_OVERHEAD_BYTES: number = NONCE_BYTES + TAG_BYTES

/** The largest plaintext: a statement is at most 1 MiB, tool arguments may be larger. */
export const MAX_PAYLOAD_BYTES: number = 16 * 1024 * 1024

/** Bytes of the length before each blob. */
export const PAYLOAD_LENGTH_BYTES = 4

/**
 * Parses a payload file into views of its blobs; undefined where the record has none.
 *
 *     | length, 4, big endian | blob, length | …      one for each entry of the bundle with the same number; length 0: no payload
 *
 * @throws {VerifierError} `SP_PAYLOAD_MALFORMED`
 */
export function parsePayloads(bytes: Uint8Array): readonly (Uint8Array | undefined)[] {
  const file = toBuffer(bytes)
  const blobs: (Uint8Array | undefined)[] = []
  let at = 0
  while (at < file.length) {
    if (blobs.length === TILE_WIDTH) throw malformed(`more than ${TILE_WIDTH} payloads`)
    if (file.length - at < PAYLOAD_LENGTH_BYTES) throw malformed(`half a length after payload ${blobs.length}`)
    const length = checkBlobLength(file.readUInt32BE(at))
    const end = at + PAYLOAD_LENGTH_BYTES + length
    if (end > file.length) throw malformed(`payload ${blobs.length} is cut short`)
    blobs.push(length === 0 ? undefined : file.subarray(at + PAYLOAD_LENGTH_BYTES, end))
    at = end
  }
  if (blobs.length === 0) throw malformed('an empty payload file')
  return blobs
}

/** A blob's length is 0 or that of nonce, some ciphertext and tag. */
export function isBlobLength(length: number): boolean {
  return length === 0 || (length >= PAYLOAD_OVERHEAD_BYTES && length <= MAX_PAYLOAD_BYTES + PAYLOAD_OVERHEAD_BYTES)
}

function checkBlobLength(length: number): number {
  if (!isBlobLength(length)) throw malformed(`${length} is no length of a payload`)
  return length
}

/** Writes a payload file; the exact inverse of `parsePayloads`. @throws {VerifierError} `SP_PAYLOAD_MALFORMED` */
export function encodePayloads(blobs: readonly (Uint8Array | undefined)[]): Uint8Array {
  if (blobs.length === 0 || blobs.length > TILE_WIDTH) throw malformed(`${blobs.length} payloads are no payload file`)
  const pieces = blobs.flatMap((blob) => {
    const length = Buffer.alloc(PAYLOAD_LENGTH_BYTES)
    length.writeUInt32BE(checkBlobLength(blob?.length ?? 0))
    if (blob?.length === 0) throw malformed('an empty blob is not "no payload"')
    return blob === undefined ? [length] : [length, blob]
  })
  return Buffer.concat(pieces)
}

/** A sealed payload and what its record commits to. */
export interface SealedPayload {
  readonly blob: Uint8Array
  readonly commitment: PayloadCommitment
}

/**
 * Seals a payload under the key of its record. The pair of key and nonce is never used twice: the caller sees to it.
 *
 * @throws {VerifierError} `SP_OUT_OF_RANGE` for a key, nonce or plaintext of the wrong length.
 */
export function sealPayload(
  plaintext: Uint8Array,
  key: { readonly id: string; readonly bytes: Uint8Array; readonly nonce: Uint8Array },
): SealedPayload {
  if (key.bytes.length !== KEY_BYTES || key.nonce.length !== NONCE_BYTES || plaintext.length > MAX_PAYLOAD_BYTES) {
    throw new VerifierError('SP_OUT_OF_RANGE', 'a record key has 32 bytes, a nonce 12, a payload at most 16 MiB')
  }
  const cipher = createCipheriv(ALGORITHM, key.bytes, key.nonce, { authTagLength: TAG_BYTES })
  const blob = Buffer.concat([key.nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
  const commitment: PayloadCommitment = {
    alg: 'A256GCM',
    keyId: key.id,
    keySha256: encodeHex(sha256(key.bytes)),
    sha256: encodeHex(sha256(blob)),
    size: plaintext.length,
  }
  return { blob, commitment }
}

/** Tells whether a blob is the one that its record commits to. */
export function isCommitted(blob: Uint8Array, commitment: PayloadCommitment): boolean {
  return blob.length === commitment.size + PAYLOAD_OVERHEAD_BYTES && encodeHex(sha256(blob)) === commitment.sha256
}

/**
 * Opens a payload with the key of its record, after checking blob and key against what the record commits to.
 *
 * @returns the scrubbed statement or arguments, as they were recorded.
 * @throws {VerifierError} `SP_PAYLOAD_MISMATCH` when blob or key is not the committed one, or the ciphertext does not
 * open.
 */
export function openPayload(blob: Uint8Array, recordKey: Uint8Array, commitment: PayloadCommitment): Uint8Array {
  if (!isCommitted(blob, commitment)) throw mismatch('the payload is not the one that the record commits to')
  if (recordKey.length !== KEY_BYTES || encodeHex(sha256(recordKey)) !== commitment.keySha256) {
    throw mismatch('the key is not the one that the record commits to')
  }
  const sealed = toBuffer(blob)
  const decipher = createDecipheriv(ALGORITHM, recordKey, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES)), decipher.final()])
  } catch (cause) {
    throw new VerifierError('SP_PAYLOAD_MISMATCH', 'the payload does not open under its committed key', { cause })
  }
}

function malformed(reason: string): VerifierError {
  return new VerifierError('SP_PAYLOAD_MALFORMED', reason)
}

function mismatch(reason: string): VerifierError {
  return new VerifierError('SP_PAYLOAD_MISMATCH', reason)
}
