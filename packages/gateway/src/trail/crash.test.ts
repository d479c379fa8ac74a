import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { verifyTrail } from '@sallyport/verifier'
import { checkRecovery, DIRECTORY, openOn, sourceOf, WAL } from './testkit/disk-trail.ts'
import { LossyDisk } from './testkit/lossy-disk.ts'
import { type CrashPoint, crashEverywhere, Witness, work } from './testkit/workload.ts'

const OPERATIONS = 220
const seed = Number(process.env['SALLYPORT_CRASH_SEED'] ?? 20_261_121)

/** Whoever reads the folder while a file of it comes or goes finds the published checkpoint whole. */
async function readAlong(points: readonly CrashPoint[]): Promise<void> {
  let readings = 0
  for (const { disk, point } of points) {
    const isChange = ['rename', 'remove', 'removeFolder'].includes(point.operation) && point.path.startsWith(DIRECTORY)
    if (!isChange || disk.contentOf(join(DIRECTORY, 'checkpoint')) === undefined) continue
    const { verdict, finding } = await verifyTrail(sourceOf(disk))
    assert.equal(verdict, 'intact', `${point.operation} ${point.path}: ${finding?.message ?? ''}`)
    readings += 1
  }
  assert.ok(readings > 20, `only ${readings} readings`)
}

test('a crash at any point of writing, sequencing, closing or recovery loses no receipt', async (t) => {
  const disk = new LossyDisk()
  await disk.makeFolder('/srv')
  await disk.syncFolder('/')
  const witness = new Witness(disk)
  const { trail } = await openOn(disk)
  await work(trail, witness, (next) => next >= OPERATIONS)
  await trail[Symbol.asyncDispose]()
  assert.ok(witness.receipts.size >= OPERATIONS)

  await readAlong(witness.points)
  const { crashes, nested } = await crashEverywhere(witness.points, { seed, nestedEvery: 8 })
  assert.ok(crashes > 400 && nested > 50, `only ${crashes} points, ${nested} in recovery`)
  t.diagnostic(
    `${crashes} crash points, ${nested} of them crashed again in recovery; ${witness.checkpoints.size} checkpoints`,
  )
})

test('a process killed before the name of the state was durable, and a loss of power at any point of the recovery', async () => {
  const disk = new LossyDisk()
  await disk.makeFolder('/srv')
  await disk.syncFolder('/')
  const witness = new Witness(disk)
  const { trail } = await openOn(disk)
  await work(trail, witness, (next) => next >= 24)
  await trail[Symbol.asyncDispose]()
  const at = witness.points.findLastIndex(
    ({ point }) => point.operation === 'rename' && point.path === join(WAL, 'state'),
  )
  const [, killed] = witness.points.slice(at)
  assert.ok(killed?.point.operation === 'syncFolder', 'renamed, and about to be made durable')

  const inner = new Witness(killed.disk, killed.promises)
  await checkRecovery(killed.disk, killed.promises)
  for (const { disk: left, point, promises } of inner.points) {
    await assert.doesNotReject(
      checkRecovery(
        left.crash('lose', () => 0),
        promises,
      ),
      `${point.operation} ${point.path}`,
    )
  }
})
