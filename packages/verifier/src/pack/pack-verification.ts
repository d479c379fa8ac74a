import type { Checkpoint } from '../checkpoint.ts'
import type { Finding, KeyOrigin, Verdict } from '../verification.ts'
import type { VerifierKey } from '../verifier-key.ts'
import type { PackManifest } from './manifest.ts'
import type { PackStatement } from './pack-tables.ts'

/** What was counted while a pack was checked. */
export interface PackCounts {
  readonly files: number
  readonly bytes: number
  readonly records: number
  readonly tiles: number
  readonly tables: number
  readonly rows: number
  readonly payloads: number
}

/** How the head of a pack relates to one that the caller holds. */
export type KnownHead =
  | { readonly kind: 'consistent'; readonly size: number }
  /** The pack does not hold the hashes that would show it. */
  | { readonly kind: 'not-comparable'; readonly size: number }

/** The result of checking a pack. */
export interface PackVerification {
  readonly verdict: Verdict
  readonly finding: Finding | undefined
  readonly manifest: PackManifest | undefined
  readonly checkpoint: Checkpoint | undefined
  readonly key: VerifierKey | undefined
  /** `folder`: the pack's own key, which whoever forges a pack forges too. */
  readonly keyOrigin: KeyOrigin | undefined
  readonly known: KnownHead | undefined
  readonly counts: PackCounts
  /** Absent when the records could not all be read. */
  readonly statement: PackStatement | undefined
}
