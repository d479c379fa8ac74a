/**
 * The formats and the check of a Sallyport trail.
 *
 * A trail is a C2SP transparency log in a folder: `checkpoint` (tlog-checkpoint in a signed-note), `tile/…` and
 * `tile/entries/…` (tlog-tiles, RFC 6962 hashes), and beside them `payload/…`, our own files with the encrypted payload
 * of each record. This package reads and writes these formats and checks a folder against what it says of itself and
 * what the caller holds. It has no dependencies, knows nothing of the gateway, and holds one entry bundle and one tile
 * a level of a log of any size.
 *
 * It does not judge what a record says, beyond its number, its links and its digests.
 */
export { encodeBundle, MAX_BUNDLE_BYTES, parseBundle, splitBundle } from './bundle.ts'
export type { SplitBundle } from './bundle.ts'
export { formatCheckpoint, openCheckpoint, parseCheckpoint, signCheckpoint } from './checkpoint.ts'
export type { Checkpoint, OpenedCheckpoint } from './checkpoint.ts'
export { CompactTree } from './compact-tree.ts'
export { VerifierError } from './errors.ts'
export type { VerifierErrorCode } from './errors.ts'
export {
  consistencyProof,
  consistencyRanges,
  emptyRoot,
  hashLeaf,
  hashLeafInto,
  hashNode,
  inclusionProof,
  inclusionRanges,
  isConsistent,
  isIncluded,
  MAX_ENTRY_BYTES,
  rootOfLeaves,
  rootOfRow,
} from './merkle.ts'
export type { ConsistencyClaim, InclusionClaim, LeafRange } from './merkle.ts'
export { formatNote, MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES, openNote, parseNote, signNote } from './note.ts'
export type { NoteSignature, OpenedNote, SignedNote } from './note.ts'
export {
  askingPolicies,
  encodeManifest,
  formatDisclosed,
  formatJsonPackReport,
  formatPackReport,
  formatRoster,
  formatSums,
  headerOf,
  isPackPath,
  PACK_FORMAT,
  PACK_PATHS,
  packNoteText,
  PackFolderSource,
  PackTables,
  RECORD_TABLES,
  Roster,
  RowWriter,
  tablePath,
  trailPath,
  verifyPack,
} from './pack/index.ts'
export type {
  AskingPolicies,
  Cell,
  Column,
  DisclosedPayload,
  KnownHead,
  PackCounts,
  PackEntry,
  PackFile,
  PackManifest,
  PackSource,
  PackStatement,
  PackTable,
  PackVerification,
  RowSink,
  RowText,
  Table,
  TableDefinition,
} from './pack/index.ts'
export {
  encodePayloads,
  isCommitted,
  MAX_PAYLOAD_BYTES,
  openPayload,
  parsePayloads,
  PAYLOAD_OVERHEAD_BYTES,
  sealPayload,
} from './payloads.ts'
export type { SealedPayload } from './payloads.ts'
export { proveConsistency, proveInclusion } from './proofs.ts'
export { canonicalJson, isCanonical, parseRecord } from './record.ts'
export type { Cut, PayloadCommitment, RecordFacts } from './record.ts'
export { EXIT_CODES, formatJsonReport, formatReport } from './report.ts'
export { HASH_BYTES } from './sha256.ts'
export { FolderSource, readWhole } from './source.ts'
export type { TrailFile, TrailSource } from './source.ts'
export { compactOf, TILE_BYTES, TileTree } from './tile-tree.ts'
export type { Tile } from './tile-tree.ts'
export {
  CHECKPOINT_PATH,
  entriesPath,
  formatResourcePath,
  hashesAtLevel,
  MAX_TILE_LEVEL,
  parseResourcePath,
  payloadPath,
  TILE_WIDTH,
  tileLevels,
  tilePath,
  tilesAtLevel,
  tileWidth,
} from './tiles.ts'
export type { ResourcePath } from './tiles.ts'
export { parseVerifierKeys, VKEY_PATH } from './trail-head.ts'
export type { Trust } from './trail-head.ts'
export { TrailReader } from './trail-reader.ts'
export type { BundleRead, TileRead } from './trail-reader.ts'
export type {
  ClockSteps,
  DeclaredGap,
  Finding,
  FindingCode,
  KeyOrigin,
  KnownCheckpointCheck,
  Verdict,
  Verification,
  VerificationCounts,
} from './verification.ts'
export {
  ed25519Signer,
  ed25519SignerFromSeed,
  fingerprintOf,
  formatVerifierKey,
  isKeyName,
  isSignedBy,
  MAX_VKEY_BYTES,
  parseVerifierKey,
  verifierKey,
} from './verifier-key.ts'
export type { NoteSigner, VerifierKey } from './verifier-key.ts'
export { verifyTrail } from './verify.ts'
