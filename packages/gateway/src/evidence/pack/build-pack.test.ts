/** Packs over a real trail, checked with the verifier. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { formatPackReport, PackFolderSource, parseVerifierKey, verifyPack } from '@sallyport/verifier'
import { makePack, rowsOf } from './testkit/made-pack.ts'

const filesOf = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(join(folder, path)).isFile() && statSync(join(folder, path)).size > 0)
    .sort()

const verify = (folder: string, vkey?: string): ReturnType<typeof verifyPack> =>
  verifyPack(new PackFolderSource(folder), vkey === undefined ? {} : { keys: [parseVerifierKey(vkey)] })

test('a pack says who did what under whose approval, and verifies', async (t) => {
  const { folder, vkey } = await makePack(t, { disclosed: 'statements' })
  const result = await verify(folder, vkey)
  assert.equal(result.finding, undefined, formatPackReport(result))
  const log = rowsOf(folder, '1-access-log')
  const read = log.find(({ values_masked: masked }) => masked === 2)
  assert.deepEqual(
    [read?.['name'], read?.['agent'], read?.['via_server'], read?.['via_tool'], read?.['outcome']],
    ['alice@example.com', 'claude-code', 'ledger', 'lookup_customer', 'success'],
  )
  const refund = log.find(({ approval }) => approval !== null)
  assert.deepEqual(refund?.['approver_names'], ['bob@example.com'])
  const [request] = rowsOf(folder, '3-approvals')
  const { status, used_by: usedBy, what, approved_by_names: approvers } = request ?? {}
  assert.deepEqual([status, usedBy, what, approvers], ['used', [refund?.['record']], 'refund(id)', ['bob@example.com']])
  assert.ok(rowsOf(folder, '3-approval-checks').every(({ count }) => count === 0))
  assert.equal(rowsOf(folder, '5-masking')[0]?.['masked'], 2)
  const [own] = rowsOf(folder, '2-entitlements').filter(({ subject }) => subject === 'usr_alice')
  assert.deepEqual(
    [own?.['need'], own?.['owner'], own?.['permit_uses']],
    ['refund customers', 'support@example.com', 1],
  )
  assert.doesNotMatch(formatPackReport(result), /no part of a pack/)
  assert.match(formatPackReport(result), /✓ approvals {14}12 checks \(artifacts\/3-approval-checks\.csv\), each 0/)
})

test('a text that a spreadsheet would run is only text, and whole in the JSON lines', async (t) => {
  const { folder } = await makePack(t, { disclosed: 'statements' })
  const csv = readFileSync(join(folder, 'artifacts/1-statements.csv'), 'utf8')
  assert.ok(csv.includes(`"'=cmd|"" /C calc""!A0, ""quoted""\nselect 1"`))
  assert.ok(
    rowsOf(folder, '1-statements').some(({ statement }) => statement === '=cmd|" /C calc"!A0, "quoted"\nselect 1'),
  )
})

test('without disclosure there is nothing that opens a payload', async (t) => {
  const { folder, vkey } = await makePack(t, { disclosed: 'none' })
  assert.equal((await verify(folder, vkey)).finding, undefined)
  assert.ok(!filesOf(folder).some((path) => /payload|statements/.test(path)))
  assert.ok(rowsOf(folder, '1-access-log').every(({ statement }) => statement === null))
})

test('the same order gives the same pack', async (t) => {
  const made = await makePack(t, { disclosed: 'statements' })
  const again = await made.again()
  assert.equal(again.manifestSha256, made.built.manifestSha256)
})

test('a part of the log proves itself, with its neighbours outside of it', async (t) => {
  const { folder, vkey, built } = await makePack(t, { disclosed: 'none', part: true })
  const result = await verify(folder, vkey)
  assert.equal(result.finding, undefined, formatPackReport(result))
  assert.doesNotMatch(formatPackReport(result), /no part of a pack/)
  assert.ok(built.records.first > 256 && built.records.last > built.records.first)
  assert.equal(result.counts.records, built.records.last - built.records.first + 1)
  // The first bundle has the record that put the policy in force; the one behind it nothing that the pack needs.
  const bundles = filesOf(folder).filter((path) => path.startsWith('trail/tile/entries/'))
  assert.ok(bundles.includes('trail/tile/entries/000') && !bundles.includes('trail/tile/entries/001'))
})

test('what is recorded while a pack of a time that is not over is built leaves no hole in it', async (t) => {
  const { folder, vkey, recorded, built } = await makePack(t, { disclosed: 'none', meanwhile: true })
  assert.ok(recorded.trail.status().size > built.records.last + 1)
  const result = await verify(folder, vkey)
  assert.equal(result.finding, undefined, formatPackReport(result))
})

test('the key of the pack itself is said to be no proof; another key is no proof either', async (t) => {
  const { folder } = await makePack(t, { disclosed: 'none' })
  const own = await verify(folder)
  assert.match(formatPackReport(own), /! key not checked/)
  const other = await makePack(t, { disclosed: 'none' })
  const foreign = await verify(folder, other.vkey)
  assert.deepEqual([foreign.verdict, foreign.finding?.code], ['undecided', 'key-unknown'])
})

test('what is missing, what is besides, what is no file', async (t) => {
  const { folder } = await makePack(t, { disclosed: 'none' })
  const path = join(folder, 'VERIFY.md')
  const text = readFileSync(path)
  const finding = async (): Promise<string | undefined> => (await verify(folder)).finding?.message
  rmSync(path)
  assert.equal(await finding(), 'VERIFY.md is missing, though the manifest names it')
  symlinkSync('manifest.json', path)
  assert.equal(await finding(), 'VERIFY.md is not part of the pack: the manifest does not name it')
  rmSync(path)
  writeFileSync(path, text)
  mkdirSync(join(folder, 'more'))
  assert.equal(await finding(), 'more is not part of the pack: the manifest does not name it')
  rmSync(join(folder, 'more'), { recursive: true })
  assert.equal(await finding(), undefined)
})

const PLACES = 300

test(`a byte changed at any of ${PLACES} places is found`, async (t) => {
  const { folder, vkey } = await makePack(t, { disclosed: 'statements' })
  const files = filesOf(folder)
  const draw = createHash('sha256')
  for (let place = 0; place < PLACES; place += 1) {
    const random = draw.copy().update(`${folder} ${place}`).digest()
    const path = files[place % files.length] ?? assert.fail()
    const bytes = readFileSync(join(folder, path))
    const at = random.readUInt32BE(0) % bytes.length
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] ?? 0) ^ (1 + (random.readUInt8(4) % 255))
    writeFileSync(join(folder, path), changed)
    // Without the key and with it: a forged key in the pack must not help.
    const { verdict, finding } = await verify(folder, place % 2 === 0 ? vkey : undefined)
    writeFileSync(join(folder, path), bytes)
    assert.ok(verdict !== 'intact' && finding !== undefined, `${path}, byte ${at}`)
  }
  assert.equal((await verify(folder, vkey)).verdict, 'intact')
})

test('what was changed is named with file and record', async (t) => {
  const { folder, vkey } = await makePack(t, { disclosed: 'statements' })
  const naming = async (path: string, change: (text: string) => string): Promise<string | undefined> => {
    const before = readFileSync(join(folder, path))
    const after = Buffer.from(change(before.toString('latin1')), 'latin1')
    assert.ok(!after.equals(before), path)
    writeFileSync(join(folder, path), after)
    const { finding } = await verify(folder, vkey)
    writeFileSync(join(folder, path), before)
    return finding?.message
  }
  const log = rowsOf(folder, '1-access-log')
  const at = log.findIndex(({ values_masked: masked }) => masked === 2)
  const line = `artifacts/1-access-log.jsonl changed: line ${at + 1} is not what record ${String(log[at]?.['record'])} says`
  assert.equal(
    await naming('artifacts/1-access-log.jsonl', (text) => text.replace('"values_masked":2', '"values_masked":0')),
    line,
  )
  const [entries] = filesOf(folder).filter((path) => path.startsWith('trail/tile/entries/'))
  assert.match(
    (await naming(entries ?? '', (text) => text.replace('usr_alice', 'usr_carol'))) ?? '',
    /^record \d+ changed: its hash is not the one that the signed head commits to$/,
  )
  const removed = (text: string): string => text.split('\n').toSpliced(1, 1).join('\n')
  assert.match(
    (await naming('artifacts/5-masking.csv', removed)) ?? '',
    /^artifacts\/5-masking\.csv changed: line 2 is not what record \d+ says$/,
  )
  assert.match((await naming('payloads.jsonl', removed)) ?? '', /^(artifacts\/1-|payloads\.jsonl)/)
  assert.match(
    (await naming('policy/policy.json', (text) => text.replace('permit', 'forbid'))) ?? '',
    /^policy\/policy\.json changed/,
  )
})
