/** Packs made to mislead, stop or leave the check; all are signed, with a key that their maker has. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { signCheckpoint } from '../checkpoint.ts'
import { runCommand } from '../command.ts'
import { canonicalJson } from '../record.ts'
import { writeFiles } from '../testkit/folder.ts'
import { ORIGIN, signer } from '../testkit/sample-log.ts'
import { MemoryPack, type PackChanges, packFiles, packLeaves } from '../testkit/sample-pack.ts'
import { type PackManifest, parseManifest } from './manifest.ts'
import { formatPackReport } from './pack-report.ts'
import type { PackVerification } from './pack-verification.ts'
import { unknownFiles } from './unknown-files.ts'
import { verifyPack } from './verify-pack.ts'

const records = { first: 20, last: 119 }
const whole = packFiles(300, { records })
const check = (changes: PackChanges): Promise<PackVerification> =>
  verifyPack(new MemoryPack(packFiles(300, { records, ...changes })))

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-hostile-'))
  await writeFiles(folder, whole)
})
afterEach(() => rm(folder, { recursive: true }))

async function run(...options: readonly string[]): Promise<{ readonly exitCode: number; readonly stdout: string }> {
  let stdout = ''
  const exitCode = await runCommand([folder, ...options], {
    stdout: (text) => (stdout += text),
    stderr: () => undefined,
  })
  return { exitCode, stdout }
}

test('the name of a file says nothing in the name of the check', async () => {
  const name = 'x\nRESULT: intact.\u001b[2K\u009b2K\u202e\u2028'
  const files = new Map(whole).set(name, Buffer.from(''))
  const verification = await verifyPack(new MemoryPack(files))
  assert.equal(verification.finding?.file, name)
  const lines = formatPackReport(verification).trimEnd().split('\n')
  assert.equal(lines.at(-1), 'RESULT: altered.')
  assert.equal(
    lines.at(-2),
    '✗ x<U+000A>RESULT: intact.<U+001B>[2K<U+009B>2K<U+202E><U+2028> is not part of the pack: the manifest does not name it.',
  )
  assert.doesNotMatch(lines.join(''), /\p{C}/u)
})

test('JSON has the same value, and nothing in it reaches the terminal as a command', async () => {
  const name = 'x\u009b2K\u202e\u{e0001}'
  await writeFile(join(folder, name), '')
  const report = await run('--json')
  assert.equal((JSON.parse(report.stdout) as { finding: { file: string } }).finding.file, name)
  assert.doesNotMatch(report.stdout, /[^\P{C}\n]/u)
  await rm(folder, { recursive: true })
  const leaves = packLeaves(300).map((leaf, index) =>
    index === 30 ? Buffer.from(Buffer.from(leaf).toString().replace('{', `{"a":"${name}",`)) : leaf,
  )
  await writeFiles(folder, packFiles(300, { records, leaves }))
  const { exitCode, stdout } = await run('--records')
  assert.equal(exitCode, 0)
  assert.doesNotMatch(stdout, /[^\P{C}\n]/u)
  const lines = stdout.trimEnd().split('\n')
  assert.deepEqual(JSON.parse(lines[10] ?? ''), JSON.parse(Buffer.from(leaves[30] ?? []).toString()))
})

test('what is no part of a pack is not said to be checked', async () => {
  const table = { name: '6-nobody-else', artifact: 5, title: 'Nobody else', query: 'none', rows: 1, columns: [] }
  const manifest = parseManifest(whole.get('manifest.json') ?? assert.fail())
  const { tables } = manifest
  const verification = await check({
    manifest: { tables: [...tables, table] },
    edit: (files) => {
      files.set('artifacts/6-nobody-else.csv', Buffer.from('who\nnobody\n'))
      // A bundle that the pack does not need is compared with nothing.
      files.set('trail/tile/entries/001.p/44', Buffer.from('forged'))
    },
  })
  const report = formatPackReport(verification)
  assert.equal(verification.counts.tables, tables.length)
  assert.match(report, /^! not checked {12}2 files that are no part of a pack: artifacts\/6-nobody-else\.csv, trail\//m)
  assert.doesNotMatch(formatPackReport(await check({})), /no part of a pack/)
  const undisclosed: PackManifest = { ...manifest, disclosed: 'none' }
  assert.deepEqual(unknownFiles(undisclosed), [
    'artifacts/1-statements.csv',
    'artifacts/1-statements.jsonl',
    'payloads.jsonl',
  ])
})

test('a policy file lies below the folder', async () => {
  for (const name of ['../../trail/vkey', '../../../../../etc/passwd', '/etc/passwd', 'a\nb', '']) {
    const policy = { hash: '0'.repeat(64), activationRecord: 1, files: [name] }
    const { finding } = await check({ manifest: { policy } })
    assert.deepEqual([finding?.code, finding?.file], ['pack-changed', 'manifest.json'], name)
    assert.match(finding?.message ?? '', /a path that a pack does not have/)
  }
})

test('a record that nests too deep is named', async () => {
  for (const depth of [65, 1_000, 5_000, 20_000, 32_000]) {
    const leaves = packLeaves(300).map((leaf, index) =>
      index === 30
        ? Buffer.from(
            Buffer.from(leaf)
              .toString()
              .replace('"details":{', `"details":{"a":${nested(depth)},`),
          )
        : leaf,
    )
    const { verdict, finding } = await verifyPack(
      new MemoryPack(packFiles(300, { records: { first: 40, last: 99 }, leaves })),
    )
    assert.deepEqual([verdict, finding?.record], ['altered', 30], String(depth))
    assert.equal(finding?.message, 'record 30 changed: nested too deep')
  }
})

test('columns that are no names of columns do not end the check', async () => {
  const leaves = packLeaves(300).map((leaf, index) => {
    if (index !== 22) return leaf
    const record = JSON.parse(Buffer.from(leaf).toString()) as { unmapped: Record<string, unknown> }
    const columns = ['id', { toString: 1, valueOf: 1 }, [[]], 7]
    record.unmapped['accesses'] = [{ effect: 'select', object: { kind: 'table', name: 'customers' }, columns }]
    return Buffer.from(canonicalJson(record))
  })
  const files = packFiles(300, { records, leaves })
  assert.match(Buffer.from(files.get('artifacts/1-access-log.csv') ?? []).toString(), /,select customers \(id\),/)
  assert.equal((await verifyPack(new MemoryPack(files))).verdict, 'intact')
})

test('a line of the roster is no longer than an id and a name', async () => {
  const { verdict, finding } = await check({
    edit: (files) => files.set('roster.jsonl', Buffer.from(`${nested(100_000)}\n`)),
  })
  assert.deepEqual([verdict, finding?.file], ['altered', 'roster.jsonl'])
})

test('a manifest that claims more records than it has files for is refused before they are looked for', async () => {
  const size = 2 ** 52
  const root = Buffer.alloc(32, 7)
  for (const last of [100_000, 2 ** 32, 2 ** 51]) {
    const { verdict, finding } = await check({
      manifest: { checkpoint: { size, rootSha256: root.toString('hex') }, records: { first: 0, last } },
      edit: (files) =>
        files.set('trail/checkpoint', signCheckpoint({ origin: ORIGIN, size, root, extensions: [] }, [signer])),
    })
    assert.deepEqual([verdict, finding?.code, finding?.file], ['altered', 'pack-changed', 'manifest.json'])
    assert.match(finding?.message ?? '', /more records than files/)
  }
})

test('links and pipes are no files of a pack', { skip: process.platform === 'win32' }, async () => {
  for (const path of ['manifest.json', 'trail/checkpoint', 'artifacts/1-access-log.csv', 'payloads.jsonl']) {
    await rename(join(folder, path), join(folder, 'moved'))
    await symlink(join(folder, 'moved'), join(folder, path))
    const linked = await run()
    assert.notEqual(linked.exitCode, 0)
    assert.ok(
      linked.stdout.includes(`✗ ${path} is not part of the pack`) || linked.stdout.includes('✗ moved'),
      linked.stdout,
    )
    await rm(join(folder, path))
    execFileSync('mkfifo', [join(folder, path)])
    assert.notEqual((await run()).exitCode, 0, path)
    await rm(join(folder, path))
    await rename(join(folder, 'moved'), join(folder, path))
  }
  await rename(join(folder, 'trail'), `${folder}-elsewhere`)
  await symlink(`${folder}-elsewhere`, join(folder, 'trail'))
  assert.equal((await run()).exitCode, 3)
  await rm(join(folder, 'trail'))
  await rename(`${folder}-elsewhere`, join(folder, 'trail'))
  assert.equal((await run()).exitCode, 0)
})

function nested(depth: number): string {
  return `${'['.repeat(depth)}${']'.repeat(depth)}`
}
