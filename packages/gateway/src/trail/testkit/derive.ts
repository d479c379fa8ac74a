/** Items through a segment into leaves, without a disk: what is encoded on one side is decoded and derived on the other. */
import { Batch, makeCall } from '../batch.ts'
import { Derivation, type DerivedRecord } from '../derivation.ts'
import { decodeEntries } from '../entry.ts'
import type { Item } from '../items.ts'
import { segmentKey } from '../key-schedule.ts'
import { makeSegmentHeader } from '../segment-header.ts'
import { Segment } from '../segment.ts'
import { poolFiles } from '../pool-files.ts'
import { ORIGIN, VERSION } from './samples.ts'

const dayKey = Buffer.alloc(32, 3)
const nowhere = {
  write: () => Promise.resolve(0),
  read: () => Promise.resolve(0),
  size: () => Promise.resolve(0),
  sync: () => Promise.resolve(),
  close: () => Promise.resolve(),
}

let segments = 0

/** Derives the records of items that are written one after the other into one segment, the first with this number. */
export function deriveItems(items: readonly Item[], firstIndex = 0): DerivedRecord[] {
  segments += 1
  const keyId = '2026-11-21.0123abcd'
  const made = makeSegmentHeader({ segment: segments, origin: ORIGIN, product: VERSION, keyId })
  // Not random here, so that leaves can be compared with what they were when they were pinned.
  const header = { ...made, salt: Buffer.alloc(32, 1), payloadNonce: Buffer.alloc(12, 2) }
  const plan = {
    files: poolFiles,
    walFolder: '/',
    origin: ORIGIN,
    product: VERSION,
    dayKey: { id: keyId, bytes: dayKey },
    segment: segments,
    bytes: 1e9,
  }
  const segment = new Segment(plan, segmentKey(dayKey, header.salt), nowhere)
  const batch = new Batch(segment, firstIndex, Buffer.alloc(0))
  batch.append(makeCall(items))
  const derivation = new Derivation(header, dayKey)
  const records: DerivedRecord[] = []
  for (const entry of decodeEntries(batch.entries)) {
    const record = derivation.take(entry, () => true)
    if (record !== undefined) records.push(record)
  }
  return records
}
