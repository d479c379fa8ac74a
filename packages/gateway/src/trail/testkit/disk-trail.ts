/** A trail on a lossy disk, with everything that was promised about it, and the check that the promises were kept. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import {
  hashLeaf,
  openPayload,
  parseBundle,
  parseCheckpoint,
  parsePayloads,
  parseRecord,
  entriesPath,
  payloadPath,
  rootOfLeaves,
  type TrailSource,
  verifyTrail,
} from '@sallyport/verifier'
import type { Clock } from '#base'
import type { Sealer } from '#model'
import { openTrail, type Trail, type TrailOptions } from '../index.ts'
import type { LossyDisk } from './lossy-disk.ts'
import { keepLog, type KeptLog, makeSealer, ORIGIN, scrubber, VERSION } from './samples.ts'

export const DIRECTORY = '/srv/trail'
export const WAL = '/srv/wal'
export const KEYS = '/srv/keys'

const sealer: Sealer = makeSealer(Buffer.alloc(32, 7))

/** What was promised: receipts by number, with the payload recorded there, and checkpoints that could be read. */
export interface Promises {
  readonly receipts: Map<number, string>
  readonly checkpoints: Set<string>
}

/** A clock that steps forward a little at each look. */
function steppingClock(startMs = 1_795_262_400_000): Clock {
  let steps = 0
  const step = (): number => (steps += 0.05)
  return { nowMs: () => startMs + step(), monotonicMs: step }
}

/** Opens a trail on a disk of its own making. */
export async function openOn(
  disk: LossyDisk,
  more: Partial<TrailOptions> = {},
): Promise<{ trail: Trail; log: KeptLog }> {
  const log = keepLog()
  const trail = await openTrail({
    directory: DIRECTORY,
    walDirectory: WAL,
    keyDirectory: KEYS,
    origin: ORIGIN,
    version: VERSION,
    clock: steppingClock(),
    sealer,
    scrubber,
    log,
    filePort: disk,
    heartbeatMs: 1_000_000,
    ...more,
    limits: { segmentBytes: 65_536, ...more.limits },
  })
  return { trail, log }
}

/** The public folder as the verifier reads it. */
export function sourceOf(disk: LossyDisk): TrailSource {
  return {
    open(path) {
      const content = disk.contentOf(join(DIRECTORY, path))
      if (content === undefined) return Promise.resolve(undefined)
      return Promise.resolve({
        size: content.length,
        read: (target: Buffer, position: number) => Promise.resolve(content.copy(target, 0, position)),
        close: () => Promise.resolve(),
      })
    },
  }
}

/** A record as it was found: the leaf, parsed, and its payload when it has one. */
export interface FoundRecord {
  readonly leaf: Leaf
  readonly bytes: Uint8Array
  readonly payload: string | undefined
}

/** What tests look at of a leaf. */
interface Leaf {
  readonly class_uid: number
  readonly metadata: { readonly sequence: number }
  readonly unmapped: {
    readonly phase: string
    readonly intent?: number
    readonly status?: string
    readonly lifecycle?: string
    readonly recovered?: boolean
    readonly cut?: readonly { readonly segment: number; readonly offset: number; readonly first_index: number }[]
    readonly details?: Readonly<Record<string, unknown>>
    readonly payload?: { readonly key_id: string; readonly key_sha256: string }
  }
}

/** Reads every record of a log from its files, by the last checkpoint. */
export function readRecords(
  contentOf: (path: string) => Buffer | undefined,
  trail: Pick<Trail, 'payloadKeys'>,
): FoundRecord[] {
  const text = contentOf('checkpoint')?.toString('utf8') ?? ''
  const { size } = parseCheckpoint(text.slice(0, text.indexOf('\n\n') + 1))
  const records: FoundRecord[] = []
  for (let index = 0; index * 256 < size; index += 1) {
    const width = Math.min(256, size - index * 256)
    const entries = parseBundle(contentOf(entriesPath(index, width)) ?? Buffer.alloc(0))
    const blobs = parsePayloads(contentOf(payloadPath(index, width)) ?? Buffer.alloc(0))
    entries.forEach((bytes, at) => records.push(found(bytes, blobs[at], trail)))
  }
  return records
}

/** A leaf commits to its payload and its key, and the verifier has compared both: a leaf seen before has the payload it had then. */
const opened = new Map<string, { readonly leaf: Leaf; readonly payload: string | undefined }>()

function found(bytes: Uint8Array, blob: Uint8Array | undefined, trail: Pick<Trail, 'payloadKeys'>): FoundRecord {
  const text = Buffer.from(bytes).toString('utf8')
  let seen = opened.get(text)
  if (seen === undefined) {
    const { payload, sequence } = parseRecord(bytes)
    const key = payload === undefined ? undefined : trail.payloadKeys.recordKey(payload.keyId, sequence ?? -1)
    const isOpenable = payload !== undefined && blob !== undefined && key !== undefined
    const plain = isOpenable ? Buffer.from(openPayload(blob, key, payload)).toString('utf8') : undefined
    assert.equal(payload === undefined, plain === undefined, 'every payload can be opened')
    seen = { leaf: JSON.parse(text) as Leaf, payload: plain }
    opened.set(text, seen)
  }
  return { ...seen, bytes }
}

/** Recovers what a crash left and checks every promise. Gives the records found. */
export async function checkRecovery(disk: LossyDisk, promises: Promises): Promise<FoundRecord[]> {
  const { trail } = await openOn(disk)
  await trail[Symbol.asyncDispose]()
  const records = await checkLog(disk, trail, promises)
  const completed = new Set(records.map(({ leaf }) => leaf.unmapped.intent))
  for (const { leaf } of records) {
    if (leaf.unmapped.phase === 'intent')
      assert.ok(completed.has(leaf.metadata.sequence), 'every intent has an outcome')
  }
  return records
}

/** Checks every promise about a log that was closed. */
export async function checkLog(disk: LossyDisk, trail: Trail, promises: Promises): Promise<FoundRecord[]> {
  const verification = await verifyTrail(sourceOf(disk))
  assert.equal(verification.verdict, 'intact', verification.finding?.message ?? '')
  const records = readRecords((path) => disk.contentOf(join(DIRECTORY, path)), trail)
  const payloads = new Set<string>()
  records.forEach(({ leaf, payload }, index) => {
    assert.equal(leaf.metadata.sequence, index)
    if (payload === undefined) return
    assert.ok(!payloads.has(payload), `${payload} is recorded once`)
    payloads.add(payload)
  })
  for (const [index, payload] of promises.receipts) assert.equal(records[index]?.payload, payload, `receipt ${index}`)
  checkCheckpoints(promises.checkpoints, records)
  return records
}

/** Checks that every checkpoint that could be read is one of the log as it is now. */
export function checkCheckpoints(checkpoints: Iterable<string>, records: readonly FoundRecord[]): void {
  const hashes = records.map(({ bytes }) => hashLeaf(bytes))
  for (const text of checkpoints) {
    const { size, root } = parseCheckpoint(text.slice(0, text.indexOf('\n\n') + 1))
    assert.ok(size <= hashes.length, 'no published record is lost')
    assert.deepEqual(
      Buffer.from(rootOfLeaves(hashes.slice(0, size))),
      Buffer.from(root),
      `the tree of ${size} is still the same`,
    )
  }
}
