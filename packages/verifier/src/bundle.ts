import { toBuffer } from './bytes.ts'
import { VerifierError } from './errors.ts'
import { MAX_ENTRY_BYTES } from './merkle.ts'
import { TILE_WIDTH } from './tiles.ts'

/** The longest entry bundle: 256 entries of two length bytes and at most 65,535 of content. */
export const MAX_BUNDLE_BYTES: number = TILE_WIDTH * (2 + MAX_ENTRY_BYTES)

/** The entries of a bundle as far as they can be told apart. */
export interface SplitBundle {
  readonly entries: readonly Uint8Array[]
  /** Why the rest is not an entry; absent when the bundle ends with the last entry. */
  readonly damage?: string
}

/**
 * Cuts a bundle into views of its entries, as far as it goes: what stands before the damage can still be compared.
 *
 * SPEC c2sp.org/tlog-tiles: "Entry bundles are sequences of big-endian uint16 length-prefixed log entries."
 *
 *     | length, 2 | entry, length | length, 2 | entry … |
 */
export function splitBundle(bytes: Uint8Array, limit: number = TILE_WIDTH): SplitBundle {
  const bundle = toBuffer(bytes)
  const entries: Uint8Array[] = []
  let at = 0
  while (at < bundle.length && entries.length < limit) {
    if (bundle.length - at < 2) return { entries, damage: `half a length after entry ${entries.length}` }
    const end = at + 2 + bundle.readUInt16BE(at)
    if (end > bundle.length) return { entries, damage: `entry ${entries.length} is cut short` }
    entries.push(bundle.subarray(at + 2, end))
    at = end
  }
  return at < bundle.length ? { entries, damage: `more than ${limit} entries` } : { entries }
}

/**
 * Parses an entry bundle into views of its 1 to 256 entries.
 *
 * @throws {VerifierError} `SP_BUNDLE_MALFORMED`
 */
export function parseBundle(bytes: Uint8Array): readonly Uint8Array[] {
  const { entries, damage } = splitBundle(bytes)
  if (damage !== undefined) throw new VerifierError('SP_BUNDLE_MALFORMED', damage)
  if (entries.length === 0) throw new VerifierError('SP_BUNDLE_MALFORMED', 'an empty bundle')
  return entries
}

/** Writes an entry bundle; the exact inverse of `parseBundle`. @throws {VerifierError} `SP_OUT_OF_RANGE` */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length === 0 || entries.length > TILE_WIDTH)
    throw new VerifierError('SP_OUT_OF_RANGE', `${entries.length} entries are no bundle`)
  const pieces = entries.flatMap((entry) => {
    if (entry.length > MAX_ENTRY_BYTES) throw new VerifierError('SP_OUT_OF_RANGE', `an entry of ${entry.length} bytes`)
    return [Buffer.of(entry.length >> 8, entry.length & 0xff), entry]
  })
  return Buffer.concat(pieces)
}
