import assert from 'node:assert/strict'
import { test } from 'node:test'
import { writeAll } from './file-port.ts'
import { decodeSegmentHeader, encodeSegmentHeader, HEADER_BYTES, makeSegmentHeader } from './segment-header.ts'
import { prepareSegment } from './segment.ts'
import { LossyDisk } from './testkit/lossy-disk.ts'
import { ORIGIN, VERSION } from './testkit/samples.ts'
import { pooledPath, segmentPath } from './wal-folder.ts'

const WAL = '/wal'
const BYTES = 16_384
const dayKey = { id: '2026-11-21.0123abcd', bytes: Buffer.alloc(32, 4) }

test('a file that is used again is never seen under its old number with its new header', async () => {
  const disk = new LossyDisk()
  await disk.makeFolder(WAL)
  await disk.syncFolder('/')
  const old = await disk.create(segmentPath(WAL, 1))
  const header = makeSegmentHeader({ segment: 1, origin: ORIGIN, product: VERSION, keyId: dayKey.id })
  await writeAll(old, [encodeSegmentHeader(header), Buffer.alloc(BYTES - HEADER_BYTES)], 0)
  await old.sync()
  await disk.syncFolder(WAL)
  // The sequencer has put it aside, but not yet made that durable.
  await disk.rename(segmentPath(WAL, 1), pooledPath(WAL, 1))

  const snapshots: LossyDisk[] = []
  disk.onPoint = () => snapshots.push(disk.snapshot())
  const plan = { files: disk, walFolder: WAL, origin: ORIGIN, product: VERSION, dayKey, segment: 2, bytes: BYTES }
  await prepareSegment(plan)
  snapshots.push(disk.snapshot())
  for (const snapshot of snapshots) {
    const crashed = snapshot.crash('lose', () => 0)
    for (const segment of [1, 2]) {
      const content = crashed.contentOf(segmentPath(WAL, segment))
      if (content !== undefined) assert.equal(decodeSegmentHeader(content.subarray(0, HEADER_BYTES))?.segment, segment)
    }
  }
  assert.equal(
    snapshots
      .at(-1)
      ?.crash('lose', () => 0)
      .contentOf(segmentPath(WAL, 2))?.length,
    BYTES,
  )
})
