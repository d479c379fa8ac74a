/** What the README says to type is typed: each command of its `sh` blocks, and what `npm start` then shows, as it would be pasted. */
import assert from 'node:assert/strict'
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { REPOSITORY } from '../demo/plan.ts'

const readme = readFileSync(join(REPOSITORY, 'README.md'), 'utf8')
const MOST_LINES = 200
const TIMEOUT_MS = 120_000

/** Run by whoever runs this. */
const runElsewhere: ReadonlySet<string> = new Set(['npm test', 'npm run check'])

const commands = [...readme.matchAll(/^```sh\n(.*?)^```$/gms)]
  .flatMap(([, block = '']) => block.split('\n'))
  .filter((line) => line.trim() !== '' && !line.startsWith('#'))

/** The checkout under another name, so that what commands write lies outside of it. */
let folder: string

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-readme-'))
  // The demo keeps its logins in `.sallyport` of the checkout, once it runs.
  for (const name of new Set([...readdirSync(REPOSITORY), '.sallyport']))
    if (name !== '.git') symlinkSync(join(REPOSITORY, name), join(folder, name))
})
after(() => {
  rmSync(folder, { recursive: true, force: true })
})

interface Typed {
  readonly child: ChildProcessWithoutNullStreams
  /** All that it has said. */
  readonly text: () => string
}

/** Types a command into a shell; `program` says how the shell is started. */
function type(command: string, program: readonly [string, ...string[]] = ['sh', '-c']): Typed {
  const [name, ...args] = program
  const child = spawn(name, [...args, command], { cwd: folder, stdio: 'pipe', timeout: TIMEOUT_MS })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stdin.on('error', () => {})
  return { child, text: () => said }
}

async function run(command: string, input = ''): Promise<string> {
  const { child, text } = type(command)
  child.stdin.end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  assert.equal(code, 0, `${command}\n${text()}`)
  return text()
}

test(`the README has at most ${MOST_LINES} lines`, () => {
  assert.ok(readme.trimEnd().split('\n').length <= MOST_LINES)
})

test('it gives commands to type', () => {
  for (const command of ['npm start', 'npm start -- --check', ...runElsewhere]) assert.ok(commands.includes(command))
})

describe('works as it stands in the README', () => {
  for (const command of commands) {
    if (command === 'npm start' || runElsewhere.has(command)) continue
    test(command, async (t) => {
      const said = await run(command)
      t.diagnostic(said.trimEnd().split('\n').at(-1) ?? '')
    })
  }
})

/** util-linux: runs a command in a terminal of its own, and types there what it reads. */
const TERMINAL = ['script', '--quiet', '--return', '--log-out', '/dev/null', '--command'] as const
const CONTROL_C = '\u0003'

test('npm start shows a screen, each line of which works as pasted; Ctrl-C ends it', async (t) => {
  const began = performance.now()
  const { child, text } = type('npm start', [...TERMINAL])
  const ended = once(child, 'close')
  try {
    await shown(child, text, /^ {2}Ctrl-C stops and removes everything/m)
    t.diagnostic(`the screen after ${((performance.now() - began) / 1000).toFixed(1)} s`)
    await paste(text().replaceAll('\r', ''))
  } finally {
    child.stdin.write(CONTROL_C)
  }
  const [code] = (await ended) as [number | null]
  assert.ok(code === 0 || code === 128 + constants.signals.SIGINT, `${code} ${text()}`)
  const data = /configuration in (\S+)$/m.exec(text())?.[1] ?? assert.fail(text())
  assert.ok(!existsSync(data), `${data} was left behind`)
  const address = /logins, API and MCP at (\S+)$/m.exec(text())?.[1] ?? assert.fail(text())
  await assert.rejects(fetch(address), 'something still listens')
})

async function shown(child: ChildProcessWithoutNullStreams, text: () => string, wanted: RegExp): Promise<void> {
  while (!wanted.test(text())) {
    assert.equal(child.exitCode, null, text())
    await once(child.stdout, 'data', { signal: AbortSignal.timeout(TIMEOUT_MS) })
  }
}

/** Types what the screen says, in its order. */
async function paste(screen: string): Promise<void> {
  const statements = [...screen.matchAll(/^ {6}(\S.*?;) {2,}/gm)].map(([, statement = '']) => statement)
  assert.equal(statements.length, 2)
  const [psql, token, ...reading] = [...screen.matchAll(/^ {4}((?:PGPASSWORD=|npx ).*?)(?: {2,}.*)?$/gm)].map(
    ([, line = '']) => line,
  )
  assert.ok(psql !== undefined && token !== undefined)
  const played = await run(psql, statements.join('\n'))
  assert.match(played, /\*{10,12}\d{4}/)
  const ref = /\[ref ([0-9A-Z]+)\]/.exec(played)?.[1] ?? assert.fail(played)
  assert.match(await run(token), /^[\w-]{43,60}$/m)
  assert.equal(reading.length, 5)
  for (const line of reading) await run(line.replace('<ref>', ref))
}
