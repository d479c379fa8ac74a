import { createHash, randomBytes } from 'node:crypto'
import { type Bytes, canonicalJson, toUtf8 } from '#base'

/** A segment begins with one block of this length; frames follow. */
export const HEADER_BYTES = 4096
const DIGEST_BYTES = 32
const MAGIC = 'sallyport-segment/1\n'

/**
 * Which rules turn entries into leaves. An upgrade that changes them counts this up and keeps the old ones for segments of before. The second version
 * added what the first had no place for (tool calls, the way of an operation, approvals, needs), the third the request that an outcome names; of entries
 * without those all make the same leaves.
 */
export const DERIVATION = 3
/** The versions of which segments are read. */
export const DERIVATIONS_READ: readonly number[] = [1, 2, DERIVATION]

/** What a segment says of itself; with its entries, all that the leaves follow from. */
export interface SegmentHeader {
  /** Counts up over the life of the log. */
  readonly segment: number
  readonly origin: string
  /** The version of the product that writes the segment. */
  readonly product: string
  readonly derivation: number
  /** The day key that frames and payloads are sealed under. */
  readonly keyId: string
  /** Random: makes the segment's key its own. */
  readonly salt: Bytes
  /** Random: the nonce of the payloads of this segment, so that an index used again after a cut is never sealed under the same pair. */
  readonly payloadNonce: Bytes
}

/** Makes the header of a new segment. */
export function makeSegmentHeader(
  facts: Pick<SegmentHeader, 'segment' | 'origin' | 'product' | 'keyId'>,
): SegmentHeader {
  return { ...facts, derivation: DERIVATION, salt: randomBytes(32), payloadNonce: randomBytes(12) }
}

/**
 * Encodes a header as its block.
 *
 *     | "sallyport-segment/1\n" | canonical JSON | zeros … | SHA-256 of all before, 32 |      4,096 bytes
 */
export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const block = Buffer.alloc(HEADER_BYTES)
  const json = canonicalJson({
    derivation: header.derivation,
    key_id: header.keyId,
    origin: header.origin,
    payload_nonce: Buffer.from(header.payloadNonce).toString('hex'),
    product: header.product,
    salt: Buffer.from(header.salt).toString('hex'),
    segment: header.segment,
  })
  const text = toUtf8(MAGIC + json)
  if (text.length > HEADER_BYTES - DIGEST_BYTES) throw new RangeError('the origin is too long for a segment header')
  block.set(text)
  digestOf(block).copy(block, HEADER_BYTES - DIGEST_BYTES)
  return block
}

/** Reads a header back, or returns undefined when the block is not one. */
export function decodeSegmentHeader(block: Bytes): SegmentHeader | undefined {
  const bytes = Buffer.from(block.buffer, block.byteOffset, block.length)
  if (bytes.length !== HEADER_BYTES) return undefined
  if (!digestOf(bytes).equals(bytes.subarray(HEADER_BYTES - DIGEST_BYTES))) return undefined
  const text = bytes.toString('utf8', 0, bytes.indexOf(0))
  if (!text.startsWith(MAGIC)) return undefined
  // The digest says that we wrote it: what follows has the form that encodeSegmentHeader gives.
  const json: unknown = JSON.parse(text.slice(MAGIC.length))
  return isHeaderJson(json) ? fromJson(json) : undefined
}

interface HeaderJson {
  readonly derivation: number
  readonly key_id: string
  readonly origin: string
  readonly payload_nonce: string
  readonly product: string
  readonly salt: string
  readonly segment: number
}

function isHeaderJson(json: unknown): json is HeaderJson {
  if (typeof json !== 'object' || json === null) return false
  const { derivation, key_id, origin, payload_nonce, product, salt, segment } = json as Record<
    keyof HeaderJson,
    unknown
  >
  const areTexts = [key_id, origin, payload_nonce, product, salt].every((text) => typeof text === 'string')
  return areTexts && Number.isSafeInteger(derivation) && Number.isSafeInteger(segment)
}

function fromJson(json: HeaderJson): SegmentHeader {
  return {
    segment: json.segment,
    origin: json.origin,
    product: json.product,
    derivation: json.derivation,
    keyId: json.key_id,
    salt: Buffer.from(json.salt, 'hex'),
    payloadNonce: Buffer.from(json.payload_nonce, 'hex'),
  }
}

function digestOf(block: Buffer): Buffer {
  return createHash('sha256')
    .update(block.subarray(0, HEADER_BYTES - DIGEST_BYTES))
    .digest()
}
