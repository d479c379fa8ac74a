/**
 * How long a pack of 100,000 records takes to build and to verify, and how much memory. Printed, not asserted: how long something takes says as much of the
 * machine as of us. Promised are 10 s, 5 s and 300 MB.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { buildPack } from '#evidence'
import type { IntentEntry } from '#model'
import { REPOSITORY } from '../demo/plan.ts'
import {
  alice,
  callSession,
  calling,
  childSession,
  openRecordedTrail,
  selecting,
} from '../packages/gateway/testkit/recorded-trail.ts'

const RECORDS = Number(process.env['SALLYPORT_PACK_RECORDS'] ?? 100_000)
const BATCH = 250
const MIB = 1024 * 1024

test(`a pack of ${RECORDS} records`, { timeout: 600_000 }, async (t) => {
  const recorded = await openRecordedTrail(t)
  const { trail, reader } = recorded
  for (let made = 0; made < RECORDS / 2; made += BATCH) {
    const timeMs = 1_795_300_000_000 + made
    const intents = Array.from({ length: BATCH }, (_, at): IntentEntry =>
      at % 2 === 0
        ? {
            kind: 'intent',
            timeMs,
            session: callSession,
            decided: calling('lookup_customer'),
            payload: Buffer.from(`{"id":${made + at}}`),
          }
        : {
            kind: 'intent',
            timeMs,
            session: childSession,
            decided: selecting('customers'),
            via: { server: 'ledger', childId: 'chd_1', tool: 'lookup_customer', cause: 'exact', calls: [made] },
            payload: Buffer.from(`{"statement":"select name, pan from customers where id = ${made + at}"}`),
          },
    )
    const masking = { ruleset: 'ab'.repeat(32), columns: [{ name: 'pan', rule: 'declared-pan', seen: 1, masked: 1 }] }
    for (const { sequence: intent } of await trail.record(intents))
      trail.conclude({
        kind: 'outcome',
        timeMs: timeMs + 2,
        intent,
        outcome: { status: 'success', rows: 1, bytes: 61, durationMs: 2, digest: 'cd'.repeat(32), masking },
      })
  }
  await recorded.caughtUp()
  for (const disclosed of ['none', 'statements'] as const) {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-large-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const [started, cpu] = [performance.now(), process.cpuUsage()]
    const order = { fromMs: 0, toMs: 4_000_000_000_000, disclosed, by: alice.id, atMs: 1_795_400_000_000 }
    const built = await buildPack(
      order,
      {
        directory: recorded.folder,
        reader,
        indexed: (size) => recorded.indexed(size),
        keys: trail.payloadKeys,
        product: 'Sallyport',
        names: async (ids) => Object.fromEntries(ids.map((id) => [id, id])),
        policy: () => undefined,
        entitlements: () => [],
        tools: [],
        sign: (digest) => trail.signPack(digest),
      },
      folder,
    )
    const { user, system } = process.cpuUsage(cpu)
    const bytes = readdirSync(folder, { recursive: true, encoding: 'utf8' }).reduce(
      (sum, path) => sum + statSync(join(folder, path)).size,
      0,
    )
    t.diagnostic(
      `disclosed ${disclosed}: ${built.records.last + 1} records, ${built.files.length} files, ${(bytes / MIB).toFixed(0)} MiB; built in ${((performance.now() - started) / 1000).toFixed(1)} s (${((user + system) / 1e6).toFixed(1)} s of CPU), rss ${(process.memoryUsage.rss() / MIB).toFixed(0)} MiB`,
    )
    const verifier = pathToFileURL(join(REPOSITORY, 'packages/verifier/src/cli.ts')).href
    const script = `process.argv.splice(1, 0, 'sallyport-verify'); process.on('exit', () => { const u = process.resourceUsage(); console.error('usage', u.maxRSS, u.userCPUTime + u.systemCPUTime) })
      await import(${JSON.stringify(verifier)})`
    const before = performance.now()
    const run = spawnSync(
      execPath,
      ['--conditions=@sallyport/source', '--input-type=module', '-e', script, '--', folder],
      { encoding: 'utf8' },
    )
    const [, maxRss, cpuTime] = /usage (\d+) (\d+)/.exec(run.stderr) ?? []
    assert.equal(run.status, 0, run.stdout + run.stderr)
    assert.match(run.stdout, /RESULT: intact/)
    t.diagnostic(
      `  verified in ${((performance.now() - before) / 1000).toFixed(1)} s (${(Number(cpuTime) / 1e6).toFixed(1)} s of CPU), at most ${(Number(maxRss) / 1024).toFixed(0)} MiB`,
    )
  }
})
