import { createHmac, randomBytes } from 'node:crypto'
import type { Bytes } from '#base'

/**
 * How every key of the trail follows from a day's key (`docs/spec/trail.md`, "Keys"). The day's key is a pseudo-random key of 32 bytes in the
 * sense of RFC 5869, so that one step of HKDF-Expand with SHA-256 gives a 32-byte key.
 */
export const DAY_KEY_BYTES = 32

const SEGMENT_LABEL = Buffer.from('sallyport/trail/segment/v1\0')
const PAYLOAD_LABEL = Buffer.from('sallyport/trail/payload/v1\0')

/** A fresh key for a day. */
export function makeDayKey(): Buffer {
  return randomBytes(DAY_KEY_BYTES)
}

/** The key that seals the frames of one segment. */
export function segmentKey(dayKey: Bytes, salt: Bytes): Buffer {
  return expand(dayKey, SEGMENT_LABEL, salt)
}

/** The key of one record's payload. */
export function recordKey(dayKey: Bytes, index: number): Buffer {
  const info = Buffer.alloc(8)
  info.writeBigUInt64BE(BigInt(index))
  return expand(dayKey, PAYLOAD_LABEL, info)
}

/** RFC 5869 §2.3 for L = HashLen: "T(1) = HMAC-Hash(PRK, T(0) | info | 0x01)", where T(0) is empty. */
function expand(key: Bytes, label: Bytes, context: Bytes): Buffer {
  return createHmac('sha256', key).update(label).update(context).update(Buffer.of(1)).digest()
}
