import { createHash } from 'node:crypto'
import {
  canonicalJson,
  CHECKPOINT_PATH,
  ed25519SignerFromSeed,
  encodeBundle,
  encodePayloads,
  entriesPath,
  formatVerifierKey,
  hashLeaf,
  type NoteSigner,
  payloadPath,
  type SealedPayload,
  sealPayload,
  signCheckpoint,
  type Tile,
  TILE_WIDTH,
  tilePath,
  TileTree,
  tileWidth,
  VKEY_PATH,
} from '../index.ts'

/** The log of the samples. */
export const ORIGIN = 'sample.example/trail/n1'

/** A key that anyone can derive: for samples only. */
export const signer: NoteSigner = ed25519SignerFromSeed(ORIGIN, digest('sample signing key'))

const START_MS = Date.UTC(2026, 10, 21, 9, 0, 0)

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** The key of a record's payload, as a reader would have it disclosed. */
export function recordKey(index: number): Uint8Array {
  return digest(`sample record key ${index}`)
}

/** What was recorded as the payload of a record. */
export function payloadText(index: number): string {
  return `select name from customers where id = ${index}`
}

/** A log as its writer has it. */
export interface SampleLog {
  readonly leaves: readonly Uint8Array[]
  readonly blobs: readonly (Uint8Array | undefined)[]
}

/**
 * A log of `size` records: a start, then intents with payloads and their outcomes, a crash with a cut near the middle,
 * heartbeats.
 */
export function sampleLog(size: number): SampleLog {
  const leaves: Uint8Array[] = []
  const blobs: (Uint8Array | undefined)[] = []
  for (let index = 0; index < size; index += 1) {
    const sealed = kindOf(index, size) === 'intent' ? sealedPayload(index) : undefined
    leaves.push(Buffer.from(canonicalJson(sampleRecord(index, size, sealed))))
    blobs.push(sealed?.blob)
  }
  return { leaves, blobs }
}

type Kind = 'start' | 'restart' | 'heartbeat' | 'intent' | 'outcome'

/**
 * In runs of eight: a lifecycle record, three intents, their three outcomes, and one intent whose outcome the crash or
 * the end takes.
 */
function kindOf(index: number, size: number): Kind {
  if (index === 0) return 'start'
  if (index === Math.floor(size / 16) * 8) return 'restart'
  const at = index % 8
  if (at === 0) return 'heartbeat'
  return at <= 3 || at === 7 ? 'intent' : 'outcome'
}

function sampleRecord(index: number, size: number, sealed: SealedPayload | undefined): unknown {
  const kind = kindOf(index, size)
  const isOperation = kind === 'intent' || kind === 'outcome'
  return {
    class_uid: isOperation ? 6005 : 6002,
    activity_id: 1,
    type_uid: isOperation ? 600501 : 600201,
    time: START_MS + index * 250,
    severity_id: 1,
    metadata: {
      version: '1.9.0',
      product: { name: 'Sallyport', vendor_name: 'Sallyport', version: '0.1.0' },
      uid: digest(`sample uid ${index}`).toString('hex').slice(0, 26),
      sequence: index,
      log_name: ORIGIN,
    },
    ...(isOperation ? { actor: { user: { uid: 'alice@idp.sample.example' } } } : {}),
    ...(kind === 'outcome' ? { status_id: 1, status: 'Success' } : {}),
    unmapped: unmappedOf(kind, index, sealed),
  }
}

function unmappedOf(kind: Kind, index: number, sealed: SealedPayload | undefined): unknown {
  switch (kind) {
    case 'intent': {
      const commitment = sealed?.commitment
      const payload = commitment && {
        alg: commitment.alg,
        key_id: commitment.keyId,
        key_sha256: commitment.keySha256,
        sha256: commitment.sha256,
        size: commitment.size,
      }
      return { phase: 'intent', decision: 'allow', ...(payload === undefined ? {} : { payload }) }
    }
    case 'outcome':
      return { phase: 'outcome', intent: index - 3, rows: index % 7 }
    case 'restart':
      return { lifecycle: 'start', cut: [{ segment: 3, offset: 4096, first_index: index }] }
    case 'start':
    case 'heartbeat':
      return { lifecycle: kind }
  }
}

function sealedPayload(index: number): SealedPayload {
  const nonce = digest(`sample nonce ${index}`).subarray(0, 12)
  return sealPayload(Buffer.from(payloadText(index)), { id: 'day-2026-11-21', bytes: recordKey(index), nonce })
}

/** How a log is written to files. */
export interface WriteOptions {
  readonly origin?: string
  readonly signers?: readonly NoteSigner[]
}

/** The files of a log: what its writer would have put into the folder for a checkpoint of all its records. */
export function filesOf(log: SampleLog, options: WriteOptions = {}): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>()
  const put = ({ level, index, width, hashes }: Tile): unknown => files.set(tilePath(level, index, width), hashes)
  const tree = new TileTree(put)
  for (const leaf of log.leaves) tree.append(hashLeaf(leaf))
  tree.partialTiles().forEach(put)
  for (let index = 0; index * TILE_WIDTH < log.leaves.length; index += 1) {
    const width = tileWidth(0, index, log.leaves.length)
    const first = index * TILE_WIDTH
    files.set(entriesPath(index, width), encodeBundle(log.leaves.slice(first, first + width)))
    files.set(payloadPath(index, width), encodePayloads(log.blobs.slice(first, first + width)))
  }
  const checkpoint = { origin: options.origin ?? ORIGIN, size: log.leaves.length, root: tree.root(), extensions: [] }
  files.set(CHECKPOINT_PATH, signCheckpoint(checkpoint, options.signers ?? [signer]))
  files.set(VKEY_PATH, Buffer.from(`${formatVerifierKey(signer.key)}\n`))
  return files
}
