/** Packs over a real trail, checked with the verifier. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { formatPackReport, PackFolderSource, parseVerifierKey, verifyPack } from '@sallyport/verifier'
import { canonicalJson, formatRef } from '#base'
import {
  alice,
  bob,
  calling,
  callSession,
  childSession,
  openRecordedTrail,
  ownSession,
  type RecordedTrail,
  selecting,
} from '../../../testkit/recorded-trail.ts'
import { buildPack, type BuiltPack, type PackOrder, type PackSources } from './index.ts'

const way = { server: 'ledger', childId: 'chd_1' }
const MASKED = {
  status: 'success',
  rows: 2,
  bytes: 80,
  durationMs: 3,
  masking: { ruleset: 'ab'.repeat(32), columns: [{ name: 'pan', rule: 'declared-pan', seen: 2, masked: 2 }] },
} as const

const FILES = [{ name: 'support.cedar', text: 'permit (principal, action, resource);\n' }]
const CANONICAL = canonicalJson({ files: FILES.map(({ text }) => text) })
const HASH = createHash('sha256').update(CANONICAL).digest('hex')

/** A look-up with masked cards; a refund that is held, approved by bob, and runs. */
async function story(recorded: RecordedTrail): Promise<{ readonly activation: number }> {
  const activation = await recorded.event({
    class: 'entity-management',
    activity: 'activate',
    status: 'success',
    details: { entity: { type: 'policy', uid: HASH } },
  })
  const lookup = await recorded.operation({
    session: callSession,
    decided: calling('lookup_customer'),
    payload: '{"id":7}',
  })
  await recorded.operation({
    session: childSession,
    decided: selecting('customers'),
    via: { ...way, tool: 'lookup_customer', cause: 'exact', calls: [lookup] },
    payload: '=cmd|" /C calc"!A0, "quoted"\nselect 1',
    outcome: MASKED,
  })
  const hold = { outcome: 'hold', policies: ['refunds-above-100'], need: 'payments-leads:1' } as const
  const held = await recorded.operation({ session: callSession, decided: calling('refund', hold) })
  const ref = formatRef(held)
  const about = { entity: { type: 'request', uid: ref }, intent: held, need: 'payments-leads:1' }
  const request = { class: 'entity-management', client: callSession.client, status: 'success' } as const
  const asked = await recorded.event({
    ...request,
    activity: 'request-open',
    actor: alice,
    details: { ...about, verb: 'tools/call', expires: 4_000_000_000_000 },
  })
  const approved = await recorded.event({
    ...request,
    activity: 'request-approve',
    actor: bob,
    details: { ...about, requester: alice.id, makes: 'approved', comment: 'INC-7' },
  })
  await recorded.operation({
    session: callSession,
    decided: calling('refund'),
    approval: { request: ref, records: [asked, approved], approvers: [bob.id] },
  })
  await recorded.operation({ session: ownSession, decided: selecting('orders') })
  await recorded.caughtUp()
  return { activation }
}

function sourcesOf(recorded: RecordedTrail, activation: number): PackSources {
  const names: Readonly<Record<string, string>> = { usr_alice: 'alice@example.com', usr_bob: 'bob@example.com' }
  return {
    directory: recorded.folder,
    reader: recorded.reader,
    keys: recorded.trail.payloadKeys,
    product: 'Sallyport 0.1.0',
    names: async (ids) => Object.fromEntries(ids.flatMap((id) => (names[id] === undefined ? [] : [[id, names[id]]]))),
    policy: () => ({ hash: HASH, canonicalText: CANONICAL, files: FILES, activationRecord: activation }),
    entitlements: () => [
      {
        policy: 'agents-call-refund',
        file: 'support.cedar',
        line: 1,
        principal: 'persons in support',
        action: 'ledger/refund',
        resource: 'server ledger',
        resourceName: 'ledger',
        approval: 'sometimes',
        approvals: [{ policy: 'refunds-above-100', approvers: 'payments-leads:1' }],
        bans: [],
        need: 'refund customers',
        owner: 'support@example.com',
      },
    ],
    tools: [{ server: 'ledger', tool: 'refund' }],
    sign: (digest) => recorded.trail.signPack(digest),
  }
}

interface Made {
  readonly recorded: RecordedTrail
  readonly folder: string
  readonly built: BuiltPack
  readonly vkey: string
}

async function make(t: TestContext, disclosed: PackOrder['disclosed'], order: Partial<PackOrder> = {}): Promise<Made> {
  const recorded = await openRecordedTrail(t)
  const { activation } = await story(recorded)
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-pack-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const whole = { fromMs: 0, toMs: 4_000_000_000_000, disclosed, by: bob.id, atMs: 1_795_300_000_000, ...order }
  const built = await buildPack(whole, sourcesOf(recorded, activation), folder)
  return { recorded, folder, built, vkey: recorded.trail.status().verifierKey }
}

const rows = (folder: string, table: string): Record<string, unknown>[] =>
  readFileSync(join(folder, 'artifacts', `${table}.jsonl`), 'utf8')
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

test('a pack says who did what under whose approval, and verifies', async (t) => {
  const { folder, vkey } = await make(t, 'statements')
  const result = await verifyPack(new PackFolderSource(folder), { keys: [parseVerifierKey(vkey)] })
  assert.equal(result.finding, undefined, formatPackReport(result))
  const log = rows(folder, '1-access-log')
  const read = log.find(({ values_masked }) => values_masked === 2)
  assert.deepEqual(
    [read?.['name'], read?.['agent'], read?.['via_server'], read?.['via_tool'], read?.['outcome']],
    ['alice@example.com', 'claude-code', 'ledger', 'lookup_customer', 'success'],
  )
  const refund = log.find(({ approval }) => approval !== null)
  assert.deepEqual(refund?.['approver_names'], ['bob@example.com'])
  const [request] = rows(folder, '3-approvals')
  assert.deepEqual(
    [request?.['status'], request?.['used_by'], request?.['what']],
    ['used', [refund?.['record']], 'refund(id)'],
  )
  assert.ok(rows(folder, '3-approval-checks').every(({ count }) => count === 0))
  assert.equal(rows(folder, '5-masking')[0]?.['masked'], 2)
  assert.match(
    readFileSync(join(folder, 'artifacts/1-access-log.csv'), 'utf8'),
    /"'=cmd\|"" \/C calc""!A0, ""quoted""\nselect 1"/,
  )
  console.log(formatPackReport(result))
})

test('every file that is changed is found', async (t) => {
  const { folder, vkey } = await make(t, 'statements')
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    statSync(join(folder, path)).isFile(),
  )
  for (const path of files) {
    const bytes = readFileSync(join(folder, path))
    if (bytes.length === 0) continue
    const at = Math.floor(bytes.length / 2)
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] ?? 0) ^ 1
    writeFileSync(join(folder, path), changed)
    const result = await verifyPack(new PackFolderSource(folder), { keys: [parseVerifierKey(vkey)] })
    writeFileSync(join(folder, path), bytes)
    assert.notEqual(result.verdict, 'intact', path)
    console.log(path, '→', result.finding?.message)
  }
  cpSync(join(folder, 'VERIFY.md'), join(folder, 'EXTRA.md'))
  const extra = await verifyPack(new PackFolderSource(folder))
  assert.equal(extra.finding?.code, 'pack-file-unexpected')
})
