/**
 * The evidence of a period from end to end: asked for with `sallyport evidence build`, checked with `sallyport-verify` as it is published, and tampered
 * with in a thousand places.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { PackFolderSource, parseVerifierKey, verifyPack } from '@sallyport/verifier'
import { type Boundary, startBoundary } from '../demo/boundary.ts'
import { type CommandResult, sallyport } from '../demo/command.ts'
import { SERVICE_USER } from '../demo/data.ts'
import { api, connect, login, type PersonName, tokenOf } from '../demo/people.ts'
import { REPOSITORY } from '../demo/plan.ts'
import { testPlan } from './plan.ts'

const POLICY = `@id("e2e-read") @need("answer customers") @owner("support@example.com") @reviewed("a test")
permit (principal is Person in Group::"support", action in Action::"select", resource == Table::"cards/public/limits");
@id("e2e-held") @need("raise limits") @owner("support@example.com") @reviewed("a test") @approvers("payments-leads:1")
permit (principal is Person in Group::"support", action in Action::"update.approved", resource == Table::"cards/public/limits");
`
const PLACES = 1_000
const PAN = '4111111111111111'

let boundary: Boundary
let folder: string

const as = (person: PersonName, ...args: readonly string[]): Promise<CommandResult> =>
  sallyport(boundary, ...args, '--profile', person)

before(async () => {
  boundary = await startBoundary(
    testPlan({
      sql: [
        'create table limits (id int primary key, pan text, amount int)',
        `insert into limits values (1, '${PAN}', 100), (2, '${PAN}', 100)`,
        `alter table limits owner to ${SERVICE_USER}`,
      ],
      tables: ['public.limits'],
      panColumns: ['public.limits.pan'],
      policy: POLICY,
    }),
  )
  for (const person of ['alice', 'bob', 'dana'] as const) await login(boundary, person)
  const client = await connect(boundary, 'alice', await tokenOf(boundary, 'alice'))
  await client.query('select pan from limits where id = 1')
  await assert.rejects(client.query('truncate limits'))
  const held = client.query('update limits set amount = 900 where id = 2')
  const ref = await openRequest()
  held.catch(() => undefined)
  const approved = await as('bob', 'approve', ref, '--reason', 'ticket 12')
  assert.equal(approved.exitCode, 0, approved.stderr)
  await held
  await client.end()
  folder = join(boundary.folder, 'evidence-out')
})
after(() => boundary.stop(false))

/** The request that alice's statement opened while it waits. */
async function openRequest(): Promise<string> {
  for (;;) {
    const { requests } = await api<{ requests: { ref: string }[] }>(boundary, 'bob', '/requests?status=open')
    if (requests[0] !== undefined) return requests[0].ref
    await delay(100)
  }
}

function days(): readonly string[] {
  const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
  return ['--from', day(Date.now() - 86_400_000), '--to', day(Date.now() + 86_400_000)]
}

const rows = (table: string): Record<string, unknown>[] =>
  readFileSync(join(folder, 'artifacts', `${table}.jsonl`), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

test('whoever may export evidence gets a pack that answers who read card data, under whose approval', async () => {
  const refused = await as('alice', 'evidence', 'build', ...days(), '-o', folder)
  assert.equal(refused.exitCode, 3, refused.stderr)
  assert.ok(!existsSync(folder))
  const built = await as('dana', 'evidence', 'build', ...days(), '-o', folder, '--disclose', 'statements')
  assert.equal(built.exitCode, 0, built.stderr)
  const again = await as('dana', 'evidence', 'build', ...days(), '-o', folder)
  assert.equal(again.exitCode, 7, again.stderr)
  const log = rows('1-access-log')
  const read = log.find(({ values_masked: masked }) => masked === 1)
  assert.deepEqual([read?.['name'], read?.['outcome'], read?.['rows']], ['alice@example.com', 'success', 1])
  assert.match(String(read?.['statement']), /select pan from limits where id = 1/)
  const approved = log.find(({ approval }) => approval !== null)
  assert.deepEqual(approved?.['approver_names'], ['bob@example.com'])
  assert.deepEqual(rows('3-approvals')[0]?.['used_by'], [approved?.['record']])
  assert.ok(rows('3-approval-checks').every(({ count }) => count === 0))
  assert.match(String((rows('3-approvals')[0] ?? {})['statement']), /set amount = 900 where id = 2/)
  const [inForce] = rows('2-policy-history').map(({ details }) => String(details))
  assert.match(inForce ?? '', /\{"need":"payments-leads:1","policy":"e2e-held"\}/)
  const mine = rows('2-entitlements').filter(
    ({ name, policy }) => name === 'alice@example.com' && policy === 'e2e-read',
  )
  assert.ok(
    mine.some(({ need, permit_uses: uses }) => need === 'answer customers' && uses === 1),
    JSON.stringify(mine),
  )
  // grep's 1: found nowhere.
  assert.equal(spawnSync('grep', ['-rq', PAN, folder]).status, 1)
})

test('the packed verifier checks it on the Node at hand, in an empty folder', async () => {
  const place = mkdtempSync(join(tmpdir(), 'sallyport-packed-'))
  try {
    const packed = execFileSync('npm', ['pack', '--silent', '--pack-destination', place, '-w', 'packages/verifier'], {
      cwd: REPOSITORY,
      encoding: 'utf8',
    })
    const name = packed.trim().split('\n').at(-1) ?? assert.fail()
    execFileSync('tar', ['-xzf', name], { cwd: place })
    const node = spawnSync('node', [join(place, 'package/bin/sallyport-verify.mjs'), folder], { encoding: 'utf8' })
    assert.equal(node.status, 0, node.stdout + node.stderr)
    assert.match(node.stdout, /RESULT: intact, by whoever holds key /)
  } finally {
    rmSync(place, { recursive: true })
  }
})

test('a byte that is changed anywhere is found', async () => {
  const { verifierKey } = await api<{ verifierKey: string }>(boundary, 'dana', '/trail/status')
  const trust = { keys: [parseVerifierKey(verifierKey)] }
  const source = new PackFolderSource(folder)
  const whole = await verifyPack(source, trust)
  assert.equal(whole.finding, undefined)
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(join(folder, path)).isFile() && statSync(join(folder, path)).size > 0)
    .sort()
  const missed: string[] = []
  for (let place = 0; place < PLACES; place++) {
    const path = files[place % files.length] ?? assert.fail()
    const bytes = readFileSync(join(folder, path))
    const at = Math.floor(Math.random() * bytes.length)
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] ?? 0) ^ (1 + Math.floor(Math.random() * 255))
    writeFileSync(join(folder, path), changed)
    const { verdict, finding } = await verifyPack(source, trust)
    if (verdict === 'intact' || finding === undefined) missed.push(`${path} at ${at}`)
    writeFileSync(join(folder, path), bytes)
  }
  assert.deepEqual(missed, [])
  mkdirSync(join(folder, 'more'))
  assert.equal((await verifyPack(source, trust)).finding?.code, 'pack-file-unexpected')
})
