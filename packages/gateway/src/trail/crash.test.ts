import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openOn } from './testkit/disk-trail.ts'
import { LossyDisk } from './testkit/lossy-disk.ts'
import { crashEverywhere, Witness, work } from './testkit/workload.ts'

const OPERATIONS = 220
const seed = Number(process.env['SALLYPORT_CRASH_SEED'] ?? 20_261_121)

test('a crash at any point of writing, sequencing, closing or recovery loses no receipt', async (t) => {
  const disk = new LossyDisk()
  await disk.makeFolder('/srv')
  await disk.syncFolder('/')
  const witness = new Witness(disk)
  const { trail } = await openOn(disk)
  await work(trail, witness, (next) => next >= OPERATIONS)
  await trail[Symbol.asyncDispose]()
  assert.ok(witness.receipts.size >= OPERATIONS)

  const { crashes, nested } = await crashEverywhere(witness.points, { seed, nestedEvery: 8 })
  assert.ok(crashes > 400 && nested > 50, `only ${crashes} points, ${nested} in recovery`)
  t.diagnostic(
    `${crashes} crash points, ${nested} of them crashed again in recovery; ${witness.checkpoints.size} checkpoints`,
  )
})
