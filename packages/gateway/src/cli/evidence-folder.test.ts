import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type Bytes, tarEnd, tarHeader, tarPadding, toUtf8 } from '#base'
import { unpackEvidence } from './evidence-folder.ts'
import { CommandError, EXIT } from './exit-codes.ts'

const MANIFEST = '{"format":"sallyport/evidence-pack/v1"}'
const DIGEST = createHash('sha256').update(MANIFEST).digest('hex')

async function* archive(files: Readonly<Record<string, string>>, end: Bytes = tarEnd()): AsyncGenerator<Bytes> {
  for (const [path, text] of Object.entries(files)) {
    const bytes = toUtf8(text)
    yield tarHeader({ path, size: bytes.length })
    yield bytes
    yield tarPadding(bytes.length)
  }
  yield end
}

function place(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-unpack-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

const files = { 'a/b/c.csv': 'x\n', 'empty.txt': '', 'manifest.json': MANIFEST }

test('an archive becomes a folder, for its owner alone', async (t) => {
  const root = place(t)
  const folder = join(root, 'deep', 'evidence')
  assert.equal(await unpackEvidence(archive(files), folder, DIGEST), 3)
  assert.equal(readFileSync(join(folder, 'a/b/c.csv'), 'utf8'), 'x\n')
  assert.equal(statSync(join(folder, 'empty.txt')).size, 0)
  assert.equal(statSync(join(folder, 'manifest.json')).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(join(root, 'deep')), ['evidence'])
  const empty = join(root, 'empty')
  mkdirSync(empty)
  assert.equal(await unpackEvidence(archive(files), empty, DIGEST), 3)
})

test('nothing is left of an archive that is not whole, or not the one that was announced', async (t) => {
  const root = place(t)
  const folder = join(root, 'evidence')
  const broken: readonly (readonly [AsyncIterable<Bytes>, string | null])[] = [
    [archive(files, new Uint8Array(0)), DIGEST],
    [archive(files, new Uint8Array(512)), DIGEST],
    [archive(files), 'ab'.repeat(32)],
    [archive(files), null],
    [archive({ ...files, 'manifest.json': '{}' }), DIGEST],
    [archive(files, toUtf8('x'.repeat(512))), DIGEST],
  ]
  for (const [pieces, digest] of broken) {
    await assert.rejects(
      unpackEvidence(pieces, folder, digest),
      (error) => error instanceof CommandError && error.exitCode === EXIT.upstream,
    )
    assert.deepEqual(readdirSync(root), [])
  }
})

test('a folder with something in it is left as it is', async (t) => {
  const folder = place(t)
  writeFileSync(join(folder, 'mine'), 'x')
  await assert.rejects(unpackEvidence(archive(files), folder, DIGEST), { exitCode: EXIT.conflict })
  assert.deepEqual(readdirSync(folder), ['mine'])
  assert.ok(!existsSync(join(folder, 'manifest.json')))
})
