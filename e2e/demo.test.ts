/** The demo beside another, and ended at odd moments: nothing stays behind, and nothing of the others goes. */
import assert from 'node:assert/strict'
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { REPOSITORY } from '../demo/plan.ts'

/** What the demo makes lies here. */
let folder: string
const children: ChildProcessWithoutNullStreams[] = []

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-beside-'))
})
after(() => {
  // Where a test failed; it ends what it has started itself when its input ends.
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

/** A demo under way, in a process group of its own, as in a terminal. */
interface Demo {
  readonly child: ChildProcessWithoutNullStreams
  readonly text: () => string
}

function start(...args: readonly string[]): Demo {
  const child = spawn(process.execPath, [...process.execArgv, join(REPOSITORY, 'demo/main.ts'), ...args], {
    env: { ...process.env, TMPDIR: folder },
    detached: true,
  })
  children.push(child)
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  return { child, text: () => text }
}

async function shown({ child, text }: Demo, wanted: RegExp): Promise<void> {
  const ended = once(child, 'close')
  while (!wanted.test(text())) {
    assert.equal(child.exitCode, null, text())
    await Promise.race([once(child.stdout, 'data', { signal: AbortSignal.timeout(120_000) }), ended])
  }
}

/** Ctrl-C: the terminal gives it to the whole group, and a launcher passes it on once more. */
async function interrupt({ child }: Demo): Promise<number | null> {
  const ended = once(child, 'close')
  process.kill(-(child.pid ?? assert.fail('not started')), 'SIGINT')
  child.kill('SIGINT')
  const [code] = (await ended) as [number | null]
  return code
}

async function run(line: string): Promise<string> {
  const child = spawn('sh', ['-c', line], { cwd: REPOSITORY })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
  const [code] = (await once(child, 'close')) as [number | null]
  assert.equal(code, 0, `${line}: ${text}`)
  return text
}

test('a second demo and the tour leave the first its logins, and nothing else', async () => {
  const first = start()
  await shown(first, /^ {2}Ctrl-C stops/m)
  const second = start()
  await shown(second, /^ {2}Ctrl-C stops/m)
  const tour = start('--check')
  const requests = /npx sallyport requests --profile \S+/
  const [ofFirst, ofSecond] = [first, second].map(({ text }) => requests.exec(text())?.[0] ?? assert.fail(text()))
  assert.notEqual(ofFirst, ofSecond)
  for (const line of [ofFirst, ofSecond]) await run(line ?? '')
  await shown(tour, /✓ alice signs in/)
  assert.equal(await interrupt(tour), 130, tour.text())
  // As behind a pipe whose reader has heard Ctrl-C first.
  second.child.stdout.destroy()
  assert.equal(await interrupt(second), 0, second.text())
  await run(ofFirst ?? '')
  assert.equal(await interrupt(first), 0, first.text())
  assert.deepEqual(readdirSync(folder), [])
})

test('Ctrl-C while it starts leaves nothing behind', async () => {
  const demo = start()
  await shown(demo, /^Sallyport demo/)
  assert.equal(await interrupt(demo), 0, demo.text())
  assert.deepEqual(readdirSync(folder), [])
})
