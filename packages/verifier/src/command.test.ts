import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { runCommand } from './command.ts'
import { FolderSource } from './source.ts'
import { writeFiles } from './testkit/folder.ts'
import type { Files } from './testkit/memory-source.ts'
import { filesOf, ORIGIN, sampleLog, signer } from './testkit/sample-log.ts'
import { packFiles } from './testkit/sample-pack.ts'
import { forged, inBundle } from './testkit/tampering.ts'
import { fingerprintOf, formatVerifierKey } from './verifier-key.ts'

const log = sampleLog(50)
const files = filesOf(log)
const vkey = formatVerifierKey(signer.key)
let root = ''

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'sallyport-verify-'))
})
after(() => rm(root, { recursive: true }))

interface Run {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

async function run(...argv: readonly string[]): Promise<Run> {
  let stdout = ''
  let stderr = ''
  const exitCode = await runCommand(argv, { stdout: (text) => (stdout += text), stderr: (text) => (stderr += text) })
  return { exitCode, stdout, stderr }
}

async function folderOf(name: string, content: Files = files): Promise<string> {
  const folder = join(root, name)
  await writeFiles(folder, content)
  return folder
}

function tampered(): Files {
  const all = new Map(files)
  inBundle('tile/entries/000.p/50', (entries) => (entries[17] = forged(log, 17)))(all)
  return all
}

test('an intact folder: every check is a line, what was not shown too', async () => {
  const { exitCode, stdout, stderr } = await run(await folderOf('intact'))
  const lines = stdout.trimEnd().split('\n')
  assert.deepEqual([exitCode, stderr], [0, ''])
  assert.deepEqual(
    lines.map((line) => line.slice(0, 24).trimEnd()),
    [
      '✓ checkpoint signature',
      '',
      '! key not checked',
      '✓ 50 records',
      '✓ 1 tile file',
      '✓ 18 outcomes',
      '✓ 25 payloads',
      '! gap declared',
      '! newest not shown',
      'RESULT: intact, 1 declar',
    ],
  )
  assert.match(stdout, /key taken from the folder itself; compare fingerprint/)
  assert.match(stdout, /nothing shows that this is the newest state/)
  assert.match(stdout, /record 24, 2026-11-21 09:00:05\.750Z to 2026-11-21 09:00:06\.000Z; segment 3 cut at byte 4096/)
  // What rests on the folder's own key says so where a script looks too.
  assert.equal(lines.at(-1), `RESULT: intact, 1 declared gap, by whoever holds key ${fingerprintOf(signer.key)}.`)
})

test('with the key and a checkpoint from elsewhere nothing is left open', async () => {
  const folder = await folderOf('known')
  const known = join(root, 'known-checkpoint')
  await writeFile(known, files.get('checkpoint') ?? assert.fail())
  const keyFile = join(root, 'log.vkey')
  await writeFile(keyFile, `${vkey}\n`)
  for (const key of [vkey, keyFile]) {
    const { exitCode, stdout } = await run(folder, '--vkey', key, '--known-checkpoint', known)
    assert.equal(exitCode, 0)
    assert.doesNotMatch(stdout, /key taken from|newest not shown/)
    assert.match(stdout, /✓ checkpoint consistent +with the one that you hold, of 50 records/)
  }
})

test('an altered folder: the record, the file, and what is still intact', async () => {
  const { exitCode, stdout } = await run(await folderOf('altered', tampered()))
  assert.equal(exitCode, 2)
  assert.deepEqual(stdout.trimEnd().split('\n').slice(-2), [
    '✗ record 17 changed: file tile/entries/000.p/50. Everything before record 17 is intact.',
    'RESULT: altered.',
  ])
})

test('an incomplete folder and one that cannot be judged have their own exit codes', async () => {
  const short = new Map(files)
  short.delete('payload/000.p/50')
  const incomplete = await run(await folderOf('incomplete', short))
  assert.equal(incomplete.exitCode, 3)
  assert.match(incomplete.stdout, /RESULT: incomplete\.\n$/)
  const keyless = new Map(files)
  keyless.delete('vkey')
  const undecided = await run(await folderOf('keyless', keyless))
  assert.equal(undecided.exitCode, 4)
  assert.match(undecided.stdout, /✗ no key to check with: .*\nRESULT: cannot decide\.\n$/)
  const nothing = await run(join(root, 'not-there'))
  assert.equal(nothing.exitCode, 4)
})

test('the form for programs is stable', async () => {
  const { exitCode, stdout } = await run(await folderOf('json', tampered()), '--json', '--vkey', vkey)
  const report: unknown = JSON.parse(stdout)
  assert.equal(exitCode, 2)
  assert.deepEqual(report, {
    apiVersion: 'sallyport/v1',
    kind: 'TrailVerification',
    verdict: 'altered',
    exitCode: 2,
    finding: {
      code: 'record-changed',
      verdict: 'altered',
      message: 'record 17 changed',
      record: 17,
      file: 'tile/entries/000.p/50',
      intactBefore: 17,
    },
    checkpoint: {
      origin: ORIGIN,
      size: 50,
      root: Buffer.from(files.get('checkpoint') ?? assert.fail())
        .toString()
        .split('\n')[2],
    },
    key: {
      name: 'sample.example/trail/n1+c499630d',
      fingerprint: 'AE:2A:A0:F7:CD:38:72:30:52:FF:36:76:E3:45:53:C9:B9:33:41:91:F1:06:11:18:E2:C2:DA:6B:5E:A4:DB:0F',
      from: 'given',
    },
    knownCheckpoint: null,
    counts: { records: 50, tiles: 0, payloads: 25, outcomes: 18, openIntents: 7 },
    gaps: [
      {
        record: 24,
        fromMs: 1795251605750,
        untilMs: 1795251606000,
        cuts: [{ segment: 3, offset: 4096, firstIndex: 24 }],
      },
    ],
    gapCount: 1,
    clockSteps: null,
  })
})

for (const argv of [
  [],
  ['a', 'b'],
  ['a', '--nonsense'],
  ['a', '--vkey', '/nowhere/key'],
  ['a', '--known-checkpoint', '/nowhere/checkpoint'],
  ['a', '--vkey'],
]) {
  test(`wrong usage: ${JSON.stringify(argv)}`, async () => {
    const { exitCode, stdout, stderr } = await run(...argv)
    assert.deepEqual([exitCode, stdout], [4, ''])
    assert.match(stderr, /^sallyport-verify: .*\nTry sallyport-verify --help\n$/s)
  })
}

test('a pack is known by its files, and checked as one', async () => {
  const pack = packFiles(300, { records: { first: 20, last: 119 } })
  const folder = await folderOf('pack', pack)
  const { exitCode, stdout } = await run(folder)
  assert.equal(exitCode, 0, stdout)
  assert.deepEqual(
    stdout.split('\n').map((line) => line.slice(0, 24).trimEnd()),
    [
      '  evidence pack',
      '',
      '✓ checkpoint signature',
      '',
      '! key not checked',
      '✓ 29 files',
      '✓ 2 tiles',
      '✓ 100 records',
      '',
      '',
      '✓ 30 payloads',
      '✓ 9 tables',
      '✓ policy',
      '✓ heartbeats',
      '✓ approvals',
      '! newest not shown',
      'RESULT: intact, by whoev',
      '',
    ],
  )
  const records = await run(folder, '--records', '--vkey', vkey)
  assert.equal(records.stdout.trimEnd().split('\n').length, 100)
  assert.match(records.stderr, /RESULT: intact/)
  const json = JSON.parse((await run(folder, '--json')).stdout) as { kind: string; verdict: string }
  assert.deepEqual([json.kind, json.verdict], ['PackVerification', 'intact'])
  for (const name of ['manifest.json', 'manifest.sig', 'SHA256SUMS']) {
    const without = new Map(pack)
    without.delete(name)
    const cut = await run(await folderOf(`pack without ${name}`, without))
    assert.deepEqual([cut.exitCode, cut.stdout.includes(`✗ ${name} is missing`)], [3, true])
  }
  const lying = new Map(pack).set('artifacts/5-masking.csv', Buffer.from('record\n'))
  const { exitCode: altered, stdout: said } = await run(await folderOf('forged pack', lying))
  assert.equal(altered, 2)
  assert.match(said, /✗ artifacts\/5-masking\.csv changed: line 1 .*\nRESULT: altered\./)
})

test('--help helps', async () => {
  const { exitCode, stdout } = await run('--help')
  assert.equal(exitCode, 0)
  assert.match(stdout, /--known-checkpoint FILE/)
  assert.ok(stdout.split('\n').every((line) => line.length <= 80))
})

test(
  'a folder or a pipe where a file should be ends with a verdict',
  { skip: process.platform === 'win32' },
  async () => {
    const folder = await folderOf('pipe')
    await rm(join(folder, 'tile/0/000.p/50'))
    execFileSync('mkfifo', [join(folder, 'tile/0/000.p/50')])
    const { exitCode, stdout } = await run(folder)
    assert.equal(exitCode, 4)
    assert.match(stdout, /✗ tile\/0\/000\.p\/50 is not a regular file/)
    await assert.rejects(new FolderSource(folder).open('tile'), { code: 'SP_FILE_UNREADABLE' })
    assert.equal(await new FolderSource(folder).open('checkpoint/below'), undefined)
  },
)

test('a file larger than it may be is altered, and is not read', async () => {
  const all = new Map(files).set('checkpoint', Buffer.alloc(1_000_001))
  const { exitCode, stdout } = await run(await folderOf('large', all))
  assert.equal(exitCode, 2)
  assert.match(stdout, /checkpoint is 1000001 bytes, more than the 1000000 it may have/)
})
