import assert from 'node:assert/strict'
import { chmodSync, globSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openTrail } from './index.ts'
import { killedTrailOptions } from './testkit/writing-process.ts'

/** What others than the owner may do with any of it, by path; nothing is listed that they may not touch. */
function open(folder: string): readonly string[] {
  return globSync('**/*', { cwd: folder }).flatMap((path) => {
    const mode = statSync(join(folder, path)).mode & 0o077
    return mode === 0 ? [] : [`${path} ${mode.toString(8)}`]
  })
}

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-modes-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function openAndClose(folder: string): Promise<void> {
  const trail = await openTrail(killedTrailOptions(folder))
  await trail.record([
    { kind: 'event', timeMs: Date.now(), event: { class: 'authentication', activity: 'login', status: 'success' } },
  ])
  await trail[Symbol.asyncDispose]()
}

for (const umask of [0o000, 0o022, 0o077]) {
  test(`all that a trail writes is the owner's, with the umask ${umask.toString(8)}`, async (t) => {
    const folder = await folderOf(t)
    const former = process.umask(umask)
    t.after(() => process.umask(former))
    await openAndClose(folder)
    assert.ok(globSync('**/*', { cwd: folder }).length > 10)
    assert.deepEqual(open(folder), [])
  })
}

test('folders and files that were put there open to others are so no longer', async (t) => {
  const folder = await folderOf(t)
  await openAndClose(folder)
  for (const path of ['wal', 'keys', ...globSync('{wal,keys}/*', { cwd: folder })]) chmodSync(join(folder, path), 0o755)
  mkdirSync(join(folder, 'wal/of somebody'))
  writeFileSync(join(folder, 'wal/note'), '', { mode: 0o644 })
  await openAndClose(folder)
  assert.deepEqual(
    open(folder).filter((path) => !path.startsWith('wal/of somebody')),
    [],
  )
})
