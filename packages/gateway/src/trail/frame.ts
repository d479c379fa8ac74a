import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { Bytes } from '#base'

const CIPHER = 'aes-256-gcm'
const NONCE_BYTES = 12
/** The tag of AES-GCM; it is also the frame's checksum. */
export const FRAME_TAG_BYTES = 16
export const FRAME_HEADER_BYTES = 24

/**
 * Frames begin at multiples of this, so that a torn write never touches a sector of the frame before: a disk writes at least a sector of 512 bytes
 * as one.
 */
export const FRAME_ALIGNMENT = 512

const MAGIC_PLAIN = 0x52_46_50_53 // "SPFR"
const MAGIC_AFTER_GAP = 0x50_47_50_53 // "SPGP"

/** The head of a frame: authenticated, not encrypted. */
export interface FrameHead {
  readonly segment: number
  /** Counts from 0 in its segment; it is the nonce. */
  readonly frame: number
  /** The index of its first record. */
  readonly firstIndex: number
  /** Length of the sealed entries without the tag. */
  readonly length: number
  /** Says that the segment before was left behind at `firstIndex`: whatever lies there from that index on is void. */
  readonly isAfterGap: boolean
}

/** The bytes that a frame with entries of this length takes in its segment. */
export function frameSpace(length: number): number {
  return Math.ceil((FRAME_HEADER_BYTES + length + FRAME_TAG_BYTES) / FRAME_ALIGNMENT) * FRAME_ALIGNMENT
}

/**
 * Seals entries as a frame; the pieces are to be written in a row and fill whole sectors.
 *
 *     | magic, 4 | length, 4 | frame, 4 | segment, 4 | first index, 8 | AES-256-GCM of the entries, length | tag, 16 | zeros |
 *
 * Little endian; the head is authenticated. The key belongs to the segment and a frame number is used once in it, so no nonce repeats.
 */
export function sealFrame(key: Bytes, head: FrameHead, entries: Bytes): readonly Bytes[] {
  const header = encodeHead(head)
  const cipher = createCipheriv(CIPHER, key, nonceOf(head.frame)).setAAD(header)
  const sealed = cipher.update(entries)
  cipher.final()
  const padding = frameSpace(sealed.length) - FRAME_HEADER_BYTES - sealed.length - FRAME_TAG_BYTES
  return [header, sealed, cipher.getAuthTag(), Buffer.alloc(padding)]
}

/** Reads the head of a frame, or returns undefined when these bytes do not begin one. */
export function decodeFrameHead(bytes: Bytes): FrameHead | undefined {
  if (bytes.length < FRAME_HEADER_BYTES) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, FRAME_HEADER_BYTES)
  const magic = view.getUint32(0, true)
  if (magic !== MAGIC_PLAIN && magic !== MAGIC_AFTER_GAP) return undefined
  return {
    isAfterGap: magic === MAGIC_AFTER_GAP,
    length: view.getUint32(4, true),
    frame: view.getUint32(8, true),
    segment: view.getUint32(12, true),
    firstIndex: view.getFloat64(16, true),
  }
}

/** Opens the sealed entries of a frame (ciphertext and tag), or returns undefined when they are not what was sealed. */
export function openFrame(key: Bytes, head: FrameHead, sealed: Bytes): Buffer | undefined {
  if (sealed.length !== head.length + FRAME_TAG_BYTES) return undefined
  const decipher = createDecipheriv(CIPHER, key, nonceOf(head.frame), { authTagLength: FRAME_TAG_BYTES })
  decipher.setAAD(encodeHead(head))
  decipher.setAuthTag(sealed.subarray(head.length))
  const entries = decipher.update(sealed.subarray(0, head.length))
  try {
    decipher.final()
    return entries
  } catch {
    // The tag does not fit: torn, of another segment, or never written. What that means is the reader's to say.
    return undefined
  }
}

function encodeHead(head: FrameHead): Buffer {
  const header = Buffer.allocUnsafe(FRAME_HEADER_BYTES)
  header.writeUInt32LE(head.isAfterGap ? MAGIC_AFTER_GAP : MAGIC_PLAIN, 0)
  header.writeUInt32LE(head.length, 4)
  header.writeUInt32LE(head.frame, 8)
  header.writeUInt32LE(head.segment, 12)
  header.writeDoubleLE(head.firstIndex, 16)
  return header
}

function nonceOf(frame: number): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES)
  nonce.writeUInt32LE(frame, 0)
  return nonce
}
