import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signer } from '../testkit/sample-log.ts'
import { MemoryPack, type PackChanges, packFiles } from '../testkit/sample-pack.ts'
import type { Trust } from '../trail-head.ts'
import { fingerprintOf } from '../verifier-key.ts'
import { formatPackReport } from './pack-report.ts'
import { verifyPack } from './verify-pack.ts'

const trust: Trust = { keys: [signer.key] }

async function report(changes: PackChanges, given: Trust = trust): Promise<string> {
  const verification = await verifyPack(new MemoryPack(packFiles(300, changes)), given)
  assert.equal(verification.finding, undefined)
  return formatPackReport(verification)
}

test('what shows that the period is whole is said of each end, and where nothing shows it that is said', async () => {
  const inside = await report({ records: { first: 20, last: 119 } })
  assert.match(inside, /^ {25}record 19, before the first, is of another time$/m)
  assert.match(inside, /^ {25}record 120, behind the last, is of another time$/m)
  const whole = await report({ records: { first: 0, last: 299 } })
  assert.match(whole, /^ {25}the first is the first of the log: the log begins within the period$/m)
  assert.match(whole, /^! end of the log {9}the last is the newest of the head: nothing shows that none followed/m)
  assert.doesNotMatch(whole, /of another time/)
  const period = { fromMs: Date.UTC(2026, 10, 21), toMs: Date.UTC(2026, 10, 22) - 1 }
  const early = await report({ records: { first: 0, last: 299 }, manifest: { period } })
  assert.match(
    early,
    /^! period not over {8}made 2026-11-21 09:05:00\.000Z, before it ended: nothing is said of the time after$/m,
  )
})

test('a result that rests on the key of the pack itself names that key', async () => {
  const own = await report({}, {})
  assert.ok(own.endsWith(`\nRESULT: intact, by whoever holds key ${fingerprintOf(signer.key)}.\n`), own)
  assert.ok((await report({})).endsWith('\nRESULT: intact.\n'))
})
