import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Bytes } from '#base'
import { GatewayError } from '#model'
import { decodeFrameHead, frameSpace } from './frame.ts'
import { decodeSegmentHeader, DERIVATION, encodeSegmentHeader, HEADER_BYTES } from './segment-header.ts'
import { DIRECTORY, KEYS, openOn, type Promises, readRecords, WAL } from './testkit/disk-trail.ts'
import { LossyDisk } from './testkit/lossy-disk.ts'
import { select, session } from './testkit/samples.ts'
import { work } from './testkit/workload.ts'

/** Nothing promised yet. */
function nothing(): Promises {
  return { receipts: new Map(), checkpoints: new Set() }
}

async function emptyDisk(): Promise<LossyDisk> {
  const disk = new LossyDisk()
  await disk.makeFolder('/srv')
  await disk.syncFolder('/')
  return disk
}

/** A disk with a log that was closed properly. */
async function closedDisk(): Promise<LossyDisk> {
  const disk = await emptyDisk()
  const { trail } = await openOn(disk)
  await work(trail, nothing(), (next) => next >= 40)
  await trail[Symbol.asyncDispose]()
  return disk
}

/** A disk whose process was killed: its first segment holds every frame. */
async function killedDisk(): Promise<LossyDisk> {
  const disk = await emptyDisk()
  const { trail } = await openOn(disk)
  await work(trail, nothing(), (next) => next >= 40)
  const killed = disk.snapshot().crash('kill', Math.random)
  await trail[Symbol.asyncDispose]()
  return killed
}

const firstSegment = join(WAL, '000000000001.wal')

function change(disk: LossyDisk, path: string, edit: (content: Buffer) => Bytes): void {
  disk.overwrite(path, edit(Buffer.from(disk.contentOf(path) ?? '')))
}

/** Says of the first segment that it was written by other rules. */
function rewriteDerivation(disk: LossyDisk, derivation: number): void {
  change(disk, firstSegment, (content) => {
    const header = decodeSegmentHeader(content.subarray(0, HEADER_BYTES))
    assert.ok(header !== undefined)
    return Buffer.concat([encodeSegmentHeader({ ...header, derivation }), content.subarray(HEADER_BYTES)])
  })
}

/** Where the frames of a segment lie. */
function frameOffsets(content: Buffer): number[] {
  const offsets: number[] = []
  let head = decodeFrameHead(content.subarray(HEADER_BYTES))
  for (let at = HEADER_BYTES; head !== undefined; head = decodeFrameHead(content.subarray(at))) {
    offsets.push(at)
    at += frameSpace(head.length)
  }
  return offsets
}

/** Flips a bit in the frame of this number. */
function spoilFrame(disk: LossyDisk, frame: number): void {
  change(disk, firstSegment, (content) => {
    const at = (frameOffsets(content)[frame] ?? 0) + 40
    content.writeUInt8(content.readUInt8(at) ^ 1, at)
    return content
  })
}

const refusals: readonly {
  readonly name: string
  readonly disk: () => Promise<LossyDisk>
  readonly spoil: (disk: LossyDisk) => Promise<void> | void
  readonly message: RegExp
}[] = [
  {
    name: 'a frame in the middle does not open',
    disk: killedDisk,
    spoil: (disk) => spoilFrame(disk, 2),
    message: /segment 1 .* frame 2 does not open, but one behind it does/,
  },
  {
    name: 'the header of a segment was changed',
    disk: killedDisk,
    spoil: (disk) =>
      change(disk, firstSegment, (content) => {
        content.writeUInt8(content.readUInt8(30) ^ 1, 30)
        return content
      }),
    message: /segment 1 .* its header is not the one it was given/,
  },
  {
    name: 'a segment was written by rules to come',
    disk: killedDisk,
    spoil: (disk) => rewriteDerivation(disk, DERIVATION + 1),
    message: /segment 1 .* another version of Sallyport wrote it/,
  },
  {
    name: 'the day key of a segment is gone',
    disk: killedDisk,
    async spoil(disk) {
      for (const name of disk.namesIn(KEYS)) if (name.endsWith('.daykey')) await disk.remove(join(KEYS, name))
    },
    message: /segment \d .* the day key 2026-11-21\.[0-9a-f]{8} is missing/,
  },
  {
    name: 'the state is gone, but not the log',
    disk: closedDisk,
    spoil: (disk) => disk.remove(join(WAL, 'state')),
    message: /a checkpoint of \d+ records is published, but the state of the trail is that of 0/,
  },
  {
    name: 'the state is not one',
    disk: closedDisk,
    spoil: (disk) => change(disk, join(WAL, 'state'), (content) => content.subarray(0, 100)),
    message: /the state of the trail cannot be read/,
  },
  {
    name: 'the signing key is gone',
    disk: closedDisk,
    spoil: (disk) => disk.remove(join(KEYS, 'signing.key')),
    message: /the key that signed the last checkpoint is missing/,
  },
  {
    name: 'the published key is another',
    disk: closedDisk,
    spoil: (disk) => disk.overwrite(join(DIRECTORY, 'vkey'), Buffer.from('gw.example/trail/a+00000000+AAAA\n')),
    message: /vkey is not the key of this log/,
  },
  {
    name: 'a record of the last bundle was changed',
    disk: closedDisk,
    spoil: (disk) => spoilLast(disk, 'tile/entries/000.p'),
    message: /record \d+ is not the one that was signed|entries are missing|cut short/,
  },
  {
    name: 'a payload of the last bundle was changed',
    disk: closedDisk,
    spoil: (disk) => spoilLast(disk, 'payload/000.p'),
    message: /the payload of record \d+ is not the one it commits to/,
  },
  {
    name: 'a tile was changed',
    disk: closedDisk,
    spoil: (disk) => spoilLast(disk, 'tile/0/000.p'),
    message: /the tiles do not give the root that was signed/,
  },
  {
    name: 'an older state was put back',
    disk: emptyDisk,
    async spoil(disk) {
      const first = await openOn(disk)
      await first.trail[Symbol.asyncDispose]()
      const old = disk.contentOf(join(WAL, 'state'))
      const second = await openOn(disk)
      await second.trail[Symbol.asyncDispose]()
      disk.overwrite(join(WAL, 'state'), old ?? Buffer.alloc(0))
    },
    message: /a checkpoint of 4 records is published, but the state of the trail is that of 2/,
  },
]

/** Changes a byte in the middle of the widest partial file of a folder. */
function spoilLast(disk: LossyDisk, folder: string): void {
  const widest =
    disk
      .namesIn(join(DIRECTORY, folder))
      .toSorted((a, b) => Number(a) - Number(b))
      .at(-1) ?? ''
  change(disk, join(DIRECTORY, folder, widest), (content) => {
    const middle = Math.floor(content.length / 2)
    content.writeUInt8(content.readUInt8(middle) ^ 1, middle)
    return content
  })
}

for (const { name, disk: makeDisk, spoil, message } of refusals) {
  test(`the trail is not opened when ${name}`, async () => {
    const disk = await makeDisk()
    await spoil(disk)
    await assert.rejects(openOn(disk), (error) => {
      assert.ok(error instanceof GatewayError, String(error))
      assert.equal(error.code, 'SP_TRAIL_TAMPERED')
      assert.match(error.message, message)
      return true
    })
  })
}

/** A disk the last frame of which is torn. */
async function tornDisk(): Promise<{ disk: LossyDisk; cut: { first_index: number; offset: number; segment: number } }> {
  const disk = await killedDisk()
  const content = Buffer.from(disk.contentOf(firstSegment) ?? '')
  const offset = frameOffsets(content).at(-1) ?? 0
  const cut = { first_index: content.readDoubleLE(offset + 16), offset, segment: 1 }
  content.fill(0, offset + 100, offset + 200)
  disk.overwrite(firstSegment, content)
  return { disk, cut }
}

test('a torn last frame is no refusal: it is cut, and the start record says where', async () => {
  const { disk, cut } = await tornDisk()
  const { trail } = await openOn(disk)
  await trail[Symbol.asyncDispose]()
  const records = readRecords((path) => disk.contentOf(join(DIRECTORY, path)), trail)
  const { unmapped } = records[cut.first_index]?.leaf ?? {}
  assert.equal(unmapped?.lifecycle, 'start', 'the cut number is given again')
  assert.deepEqual(unmapped.cut, [cut])
})

test('a cut waits until it can be declared, though its segment is gone', async () => {
  const { disk, cut } = await tornDisk()
  disk.mishap = ({ operation, path }) =>
    operation === 'write' && path.endsWith('.wal') ? { kind: 'error', code: 'EIO' } : undefined
  await assert.rejects(openOn(disk), { code: 'SP_TRAIL_UNAVAILABLE' })
  assert.equal(disk.contentOf(firstSegment), undefined)
  disk.mishap = () => undefined
  const { trail } = await openOn(disk)
  await trail[Symbol.asyncDispose]()
  const records = readRecords((path) => disk.contentOf(join(DIRECTORY, path)), trail)
  assert.deepEqual(records[cut.first_index]?.leaf.unmapped.cut, [cut])
})

test('segments that the version before left behind are drained, with the leaves that it would have made', async () => {
  const disk = await emptyDisk()
  const { trail } = await openOn(disk)
  const entry = { kind: 'intent', timeMs: 1, session, decided: select } as const
  await trail.record(['a', 'b', 'c'].map((payload) => ({ ...entry, payload: Buffer.from(payload) })))
  const killed = disk.snapshot().crash('kill', Math.random)
  await trail[Symbol.asyncDispose]()
  const drained = killed.snapshot().crash('kill', Math.random)
  rewriteDerivation(drained, 1)
  const leaves = []
  for (const each of [killed, drained]) {
    const reopened = await openOn(each)
    await reopened.trail[Symbol.asyncDispose]()
    const records = readRecords((path) => each.contentOf(join(DIRECTORY, path)), reopened.trail)
    leaves.push(records.slice(0, 4).map(({ bytes }) => Buffer.from(bytes).toString('utf8')))
  }
  assert.equal(leaves[0]?.length, 4)
  assert.deepEqual(leaves[0], leaves[1])
})
