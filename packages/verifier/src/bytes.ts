import { isUtf8 } from 'node:buffer'

/** The same memory as a Buffer: no copy. */
export function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

export function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return toBuffer(a).equals(b)
}

/**
 * Decodes standard base64 with padding, or gives undefined.
 *
 * Buffer.from forgives (other alphabets, missing padding, stray bits); encoding again and comparing does not, so that
 * each byte string has one spelling and no character of a signed file can be changed without notice.
 */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}

export function encodeBase64(bytes: Uint8Array): string {
  return toBuffer(bytes).toString('base64')
}

export function encodeHex(bytes: Uint8Array): string {
  return toBuffer(bytes).toString('hex')
}

/** Decodes UTF-8, or gives undefined where it is not valid; a byte order mark stays a character. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  return isUtf8(bytes) ? toBuffer(bytes).toString('utf8') : undefined
}

export function encodeUtf8(text: string): Buffer {
  return Buffer.from(text, 'utf8')
}
