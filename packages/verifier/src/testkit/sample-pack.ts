/** A small pack, made here and not by the gateway: what is in it can be chosen, and be signed though it is wrong. */
import { createHash } from 'node:crypto'
import {
  askingPolicies,
  CHECKPOINT_PATH,
  encodeBundle,
  encodeManifest,
  entriesPath,
  formatDisclosed,
  formatRoster,
  formatSums,
  formatVerifierKey,
  hashLeaf,
  headerOf,
  packNoteText,
  PACK_PATHS,
  type PackManifest,
  PackTables,
  RECORD_TABLES,
  Roster,
  type RowSink,
  sealPayload,
  signCheckpoint,
  signNote,
  tablePath,
  type Tile,
  TILE_WIDTH,
  tilePath,
  TileTree,
  tileWidth,
  trailPath,
  VKEY_PATH,
} from '../index.ts'
import { canonicalJson } from '../record.ts'
import type { PackEntry, PackSource } from '../pack/pack-source.ts'
import { type Files, MemorySource } from './memory-source.ts'
import { ORIGIN, signer } from './sample-log.ts'

const START_MS = Date.UTC(2026, 10, 21, 9, 0, 0)
const NAMES: ReadonlyMap<string, string> = new Map([
  ['p_alice', 'Alice Example'],
  ['p_bob', 'Bob Example'],
])
const POLICY_FILE = `@id("reads") permit (principal, action, resource);
// Not alone.
@id("deletes") @need("clean up") @approvers("leads:1")
permit (principal, action in Action::"delete.approved", resource);
`
const POLICY = canonicalJson({ files: [POLICY_FILE] })
/** By which decisions and requests name it. */
export const POLICY_HASH: string = digest(POLICY).toString('hex')

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** The time of a record. */
function timeOf(record: number): number {
  return START_MS + record * 1_000
}

/** A log of `size` records in runs of ten, in which somebody reads cards, is held, approved, and then does what was held. */
export function packLeaves(size: number, texts: Texts = {}): readonly Uint8Array[] {
  return Array.from({ length: size }, (_, record) => Buffer.from(canonicalJson(leafOf(record, texts))))
}

type Texts = NonNullable<PackChanges['texts']>

function leafOf(record: number, texts: Texts): unknown {
  const base = { time: timeOf(record), metadata: { log_name: ORIGIN, sequence: record }, status_id: 1 }
  const actor = { user: { uid: 'p_alice', type: 'person', groups: [{ name: 'support' }] } }
  const run = record - (record % 10)
  const ref = `R${run}`
  const event = { ...base, class_uid: 3004, entity: { type: 'request', uid: ref } }
  const binding = digest(`binding ${run}`).toString('hex')
  const about = { binding, intent: run + 4, need: 'leads:1' }
  const policy = { policies: ['deletes'], policy_hash: POLICY_HASH }
  const intent = { ...base, class_uid: 6005, actor, dst_endpoint: { svc_name: 'cards' } }
  const outcome = (of: number, status: string, more = {}): unknown => ({
    ...base,
    class_uid: 6005,
    actor: { user: { uid: 'p_alice', type: 'person' } },
    unmapped: { phase: 'outcome', intent: of, status, verb: 'DELETE', ...more },
  })
  switch (record % 10) {
    case 0:
      return record === 0
        ? { ...base, class_uid: 6002, unmapped: { phase: 'event', lifecycle: 'start', details: {} } }
        : {
            ...base,
            class_uid: 6002,
            unmapped: { phase: 'event', lifecycle: 'heartbeat', details: { expected_ms: 10_000 } },
          }
    case 1:
      return {
        ...base,
        class_uid: 3004,
        entity: { type: 'policy', uid: POLICY_HASH },
        unmapped: { phase: 'event', activity: 'activate' },
      }
    case 2:
      return {
        ...intent,
        unmapped: {
          phase: 'intent',
          verb: 'SELECT',
          decision: { outcome: 'allow', policies: ['reads'], policy_hash: POLICY_HASH },
          payload: commitmentOf(record, texts),
        },
      }
    case 3:
      return outcome(run + 2, 'success', {
        rows: 2,
        masking: { ruleset: 'r', columns: [{ name: 'pan', rule: 'declared-pan', seen: 2, masked: 2 }] },
      })
    case 4:
      return {
        ...intent,
        unmapped: {
          phase: 'intent',
          verb: 'DELETE',
          decision: { outcome: 'hold', ...policy, need: 'leads:1' },
          payload: commitmentOf(record, texts),
        },
      }
    case 5:
      return outcome(run + 4, 'refused')
    case 6:
      return {
        ...event,
        actor,
        unmapped: {
          phase: 'event',
          activity: 'request-open',
          details: { ...about, ...policy, expires: timeOf(record + 1_000) },
        },
      }
    case 7:
      return {
        ...event,
        actor: { user: { uid: 'p_bob', type: 'person', groups: [{ name: 'leads' }] } },
        unmapped: {
          phase: 'event',
          activity: 'request-approve',
          details: { ...about, groups: ['leads'], requester: 'p_alice', makes: 'approved' },
        },
      }
    case 8:
      return {
        ...intent,
        unmapped: {
          phase: 'intent',
          verb: 'DELETE',
          decision: { outcome: 'allow', ...policy },
          payload: commitmentOf(record, texts),
          approval: { request: ref, records: [{ index: run + 6 }, { index: run + 7 }], approvers: ['p_bob'], binding },
        },
      }
    default:
      return outcome(run + 8, 'success', { rows: 1 })
  }
}

/** What was asked exactly, of a record that has a payload. */
function textOf(record: number, texts: Texts): string | undefined {
  if (texts[record] !== undefined) return texts[record]
  switch (record % 10) {
    case 2:
      return `select pan from customers where id = ${record}`
    case 4:
    case 8:
      return `delete from customers where id = ${record - (record % 10)}`
    default:
      return undefined
  }
}

function sealed(record: number, texts: Texts): ReturnType<typeof sealPayload> {
  const key = {
    id: '2026-11-21.00',
    bytes: digest(`pack key ${record}`),
    nonce: digest(`pack nonce ${record}`).subarray(0, 12),
  }
  return sealPayload(Buffer.from(textOf(record, texts) ?? ''), key)
}

function commitmentOf(record: number, texts: Texts): unknown {
  const { alg, keyId, keySha256, sha256, size } = sealed(record, texts).commitment
  return { alg, key_id: keyId, key_sha256: keySha256, sha256, size }
}

/** How a pack departs from what its builder would make of the log; everything is signed all the same. */
export interface PackChanges {
  readonly leaves?: readonly Uint8Array[]
  readonly records?: { readonly first: number; readonly last: number }
  /** Payloads of records that say something else. */
  readonly texts?: Readonly<Record<number, string>>
  readonly manifest?: Partial<PackManifest>
  /** Called with the files before they are listed and signed. */
  readonly edit?: (files: Map<string, Uint8Array>) => void
}

/** The files of a pack over a log of `size` records. */
export function packFiles(size: number, changes: PackChanges = {}): Map<string, Uint8Array> {
  const leaves = changes.leaves ?? packLeaves(size, changes.texts)
  const records = changes.records ?? { first: 0, last: size - 1 }
  const files = new Map<string, Uint8Array>()
  const { root } = addLog(files, leaves, records)
  const rows = addTables(files, leaves, records, changes.texts ?? {})
  files.set(PACK_PATHS.roster, Buffer.from(formatRoster(NAMES)))
  files.set(PACK_PATHS.verify, Buffer.from('How to check this.\n'))
  files.set(PACK_PATHS.policyText, Buffer.from(POLICY))
  files.set(`${PACK_PATHS.policyFiles}/a.cedar`, Buffer.from(POLICY_FILE))
  changes.edit?.(files)
  const manifest: PackManifest = {
    origin: ORIGIN,
    verifierKey: formatVerifierKey(signer.key),
    checkpoint: { size: leaves.length, rootSha256: Buffer.from(root).toString('hex') },
    period: { fromMs: timeOf(records.first), toMs: timeOf(records.last) },
    records,
    extraRecords: [1],
    builtAtMs: timeOf(size),
    builtBy: 'p_dana',
    product: 'Sallyport 0.1.0',
    disclosed: 'statements',
    policy: { hash: POLICY_HASH, activationRecord: 1, files: ['a.cedar'] },
    tables: RECORD_TABLES.map(({ name, artifact, title, query, columns }) => ({
      name,
      artifact,
      title,
      query,
      rows: rows.get(name) ?? 0,
      columns: columns.map((column) => ({ name: column.name, from: column.from })),
    })),
    files: [...files]
      .map(([path, bytes]) => ({ path, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }))
      .sort((a, b) => (a.path < b.path ? -1 : 1)),
    ...changes.manifest,
  }
  const encoded = encodeManifest(manifest)
  const signature = signNote(packNoteText(ORIGIN, createHash('sha256').update(encoded).digest('hex')), [signer])
  files.set(PACK_PATHS.manifest, encoded)
  files.set(PACK_PATHS.signature, signature)
  files.set(PACK_PATHS.sums, Buffer.from(formatSums(manifest.files, encoded, signature)))
  return files
}

function addLog(
  files: Map<string, Uint8Array>,
  leaves: readonly Uint8Array[],
  { first, last }: { readonly first: number; readonly last: number },
): { readonly root: Uint8Array } {
  const size = leaves.length
  const bundles = new Set([0])
  for (let record = Math.max(0, first - 1); record <= Math.min(size - 1, last + 1); record += 1)
    bundles.add(Math.floor(record / TILE_WIDTH))
  const put = ({ level, index, width, hashes }: Tile): void => {
    if (level > 0 || width < TILE_WIDTH || bundles.has(index))
      files.set(trailPath(tilePath(level, index, width)), hashes)
  }
  const tree = new TileTree(put)
  for (const leaf of leaves) tree.append(hashLeaf(leaf))
  tree.partialTiles().forEach(put)
  for (const index of bundles) {
    const width = tileWidth(0, index, size)
    files.set(
      trailPath(entriesPath(index, width)),
      encodeBundle(leaves.slice(index * TILE_WIDTH, index * TILE_WIDTH + width)),
    )
  }
  const root = tree.root()
  files.set(trailPath(CHECKPOINT_PATH), signCheckpoint({ origin: ORIGIN, size, root, extensions: [] }, [signer]))
  files.set(trailPath(VKEY_PATH), Buffer.from(`${formatVerifierKey(signer.key)}\n`))
  return { root }
}

function addTables(
  files: Map<string, Uint8Array>,
  leaves: readonly Uint8Array[],
  { first, last }: { readonly first: number; readonly last: number },
  texts: Texts,
): ReadonlyMap<string, number> {
  const csv = new Map(RECORD_TABLES.map((table) => [table.name, `${headerOf(table)}\n`]))
  const jsonl = new Map(RECORD_TABLES.map(({ name }) => [name, '']))
  const rows = new Map<string, number>()
  const sink: RowSink = {
    row(table, text) {
      csv.set(table, `${csv.get(table) ?? ''}${text.csv}\n`)
      jsonl.set(table, `${jsonl.get(table) ?? ''}${text.jsonl}\n`)
      rows.set(table, (rows.get(table) ?? 0) + 1)
    },
  }
  const tables = new PackTables(new Roster(NAMES), sink, askingPolicies(POLICY))
  let disclosed = ''
  for (let record = first; record <= last; record += 1) {
    const text = Buffer.from(leaves[record] ?? []).toString()
    const leaf = JSON.parse(text) as Record<string, unknown>
    const payload = textOf(record, texts)
    if (payload !== undefined)
      disclosed += `${formatDisclosed({ record, blob: sealed(record, texts).blob, key: digest(`pack key ${record}`) })}\n`
    tables.take(record, { text, leaf }, payload)
  }
  tables.finish()
  for (const [name, text] of csv) files.set(tablePath(name, 'csv'), Buffer.from(text))
  for (const [name, text] of jsonl) files.set(tablePath(name, 'jsonl'), Buffer.from(text))
  files.set(PACK_PATHS.payloads, Buffer.from(disclosed))
  return rows
}

/** A pack in memory. */
export class MemoryPack extends MemorySource implements PackSource {
  readonly #paths: readonly string[]

  constructor(files: Files) {
    super(files)
    this.#paths = [...files.keys()]
  }

  async list(): Promise<readonly PackEntry[]> {
    return this.#paths.map((path) => ({ path, isFile: true }))
  }
}
