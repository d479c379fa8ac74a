/**
 * base: bytes, JSON, references, secrets, counts of failed attempts, clock and id ports.
 *
 * Pure: no I/O, no time, no randomness, nothing of Node. Everything may import it; it imports nothing.
 */
export { FailedAttempts } from './attempts.ts'
export { type Base64Text, findBase64 } from './base64.ts'
export { type Bytes, concatBytes, fromUtf8, parseUtf8, toHex, toUtf8 } from './bytes.ts'
export type { Clock, Ids } from './clock.ts'
export { canonicalJson, type Json, type JsonObject } from './json.ts'
export { parseJson, skipString } from './parse-json.ts'
export { formatRef, parseRef } from './ref.ts'
export { TAR_BLOCK_BYTES, tarEnd, type TarFile, tarHeader, tarPadding, type TarPart, TarReader } from './tar.ts'
export { Secret } from './secret.ts'
export { VERSION } from './version.ts'
