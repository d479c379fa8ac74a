import { encodeHex } from '../bytes.ts'
import { sha256 } from '../sha256.ts'
import type { PackFile } from './manifest.ts'

/** The form of a pack that this package reads and writes. */
export const PACK_FORMAT = 'sallyport/evidence-pack/v1'

/** Where the parts of a pack lie, with slashes, below its folder. */
export const PACK_PATHS = {
  manifest: 'manifest.json',
  signature: 'manifest.sig',
  sums: 'SHA256SUMS',
  verify: 'VERIFY.md',
  limitations: 'LIMITATIONS.md',
  /** The folder of the log: checkpoint, key, tiles, bundles. */
  trail: 'trail',
  roster: 'roster.jsonl',
  payloads: 'payloads.jsonl',
  policyText: 'policy/policy.json',
  policyFiles: 'policy/files',
  tables: 'artifacts',
  columns: 'artifacts/columns.csv',
} as const

/** The longest manifest: it names each file once, and a bundle has 256 records. */
export const MAX_MANIFEST_BYTES: number = 64 * 1024 * 1024

export function tablePath(table: string, form: 'csv' | 'jsonl'): string {
  return `${PACK_PATHS.tables}/${table}.${form}`
}

/** A path of the log within the pack. */
export function trailPath(path: string): string {
  return `${PACK_PATHS.trail}/${path}`
}

/**
 * The text that the log's key signs for a pack. Its second line is no tree size, so it can never be taken for a
 * checkpoint.
 *
 *     sallyport/evidence-pack/v1
 *     <origin of the log>
 *     <SHA-256 of manifest.json, hexadecimal>
 */
export function packNoteText(origin: string, manifestSha256: string): string {
  return `${PACK_FORMAT}\n${origin}\n${manifestSha256}\n`
}

/** `SHA256SUMS`: every file but itself, as `sha256sum -c` reads it, sorted by path. */
export function formatSums(
  files: readonly Pick<PackFile, 'path' | 'sha256'>[],
  manifest: Uint8Array,
  signature: Uint8Array,
): string {
  const own = [
    { path: PACK_PATHS.manifest, sha256: encodeHex(sha256(manifest)) },
    { path: PACK_PATHS.signature, sha256: encodeHex(sha256(signature)) },
  ]
  return [...files, ...own]
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ path, sha256: digest }) => `${digest}  ${path}\n`)
    .join('')
}
