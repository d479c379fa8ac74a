import assert from 'node:assert/strict'
import { spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { initialise } from '#app'
import { VERSION } from '#base'
import { catalogue } from '#model'
import { EXIT } from './exit-codes.ts'

const main = fileURLToPath(new URL('./main.ts', import.meta.url))

function run(args: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [...process.execArgv, main, ...args], { encoding: 'utf8' })
}

function temporaryFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-cli-'))
  context.after(() => {
    rmSync(folder, { recursive: true })
  })
  return folder
}

test('a log that cannot be written ends nothing: a full disk leaves the exit code what it is', (context) => {
  if (!existsSync('/dev/full')) {
    context.skip('not run: this system has no /dev/full')
    return
  }
  const full = openSync('/dev/full', 'w')
  const { status } = spawnSync(process.execPath, [...process.execArgv, main, 'no-such-command'], {
    stdio: ['ignore', 'ignore', full],
  })
  closeSync(full)
  assert.equal(status, EXIT.usage)
})

test('it says its version', () => {
  const { stdout } = run(['--version'])
  assert.equal(stdout, `${VERSION}\n`)
})

test('it has every command that an error names as the next step', () => {
  const { stdout } = run(['--help'])
  const there = new Set([...stdout.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name))
  const named = Object.values(catalogue).flatMap(({ next }) => [...next.matchAll(/sallyport ([a-z]+)/g)])
  assert.ok(named.length > 0)
  for (const [words, name] of named) assert.ok(there.has(name), `no such command: ${words}`)
})

test('who is not logged in hears so, as whom, and leaves nothing behind', (context) => {
  const folder = temporaryFolder(context)
  for (const profile of [['--profile', 'bob'], ['--profile=bob']]) {
    const { status, stderr } = spawnSync(process.execPath, [...process.execArgv, main, 'whoami', ...profile], {
      cwd: folder,
      env: { ...process.env, XDG_STATE_HOME: folder },
      encoding: 'utf8',
    })
    assert.match(stderr, /^not logged in as profile "bob"\n {2}next: sallyport login/)
    assert.equal(status, EXIT.login)
  }
  assert.deepEqual(readdirSync(folder), [])
})

test('what an option or a reference cannot be is said by the name that it has here, before anybody is asked', () => {
  for (const [words, args] of [
    [/^"yesterday" is neither an ISO time nor an age/, ['log', '--since', 'yesterday']],
    [/^say one of --token-stdin, --id, --login, --person/, ['token', 'revoke', '--reason', 'lost']],
    [/^"" is not a reference\n {2}next: give it as it was shown/, ['why', '']],
    [/^"00\.\.\/F3" is not a reference/, ['show', '00../F3']],
    [/^"0007F4" is not a reference/, ['approve', '0007F4']],
    [/^"12" is not a reference/, ['deny', '12', '--reason', 'no']],
  ] as const) {
    const { status, stderr } = run(args)
    assert.match(stderr, words)
    assert.equal(status, EXIT.usage)
  }
})

test('a folder that is not there is not one that was checked', () => {
  for (const folder of ['/nonexistent/trail', main]) {
    const { status, stdout, stderr } = run(['trail', 'verify', folder])
    assert.equal(stdout, '')
    assert.ok(stderr.startsWith(`there is no folder ${folder}\n  next: `), stderr)
    assert.equal(status, EXIT.notFound)
  }
})

test('a configuration that is not there, or not whole, is wrong usage, with a next step that helps', (context) => {
  const folder = temporaryFolder(context)
  const [config = ''] = initialise(join(folder, 'boundary'))
  const policy = join(folder, 'boundary/policy')
  const absent = join(folder, 'sallyport.yaml')
  const refused = (args: readonly string[], words: string): void => {
    const { status, stderr } = run(args)
    assert.ok(stderr.startsWith(`${words}\n  next: name the file with -c, or`), stderr)
    assert.equal(status, EXIT.usage)
  }
  refused(['validate', '-c', absent], `there is no ${absent}`)
  refused(['up', '-c', absent], `there is no ${absent}`)
  rmSync(join(policy, 'tests.yaml'))
  refused(['policy', 'test', '-c', config], `there is no ${join(policy, 'tests.yaml')}`)
  rmSync(policy, { recursive: true })
  refused(['policy', 'test', '-c', config], `there is no folder ${policy}`)
  writeFileSync(config, '[')
  const { status, stderr } = run(['up', '-c', config])
  assert.match(stderr, /sallyport\.yaml:1:2: .*\n  next: mend the lines named/)
  assert.equal(status, EXIT.usage)
})

test('up says which secrets are not there, and is ready all the same where they may come', (context) => {
  const folder = temporaryFolder(context)
  const [config = ''] = initialise(folder)
  const text = readFileSync(config, 'utf8')
  writeFileSync(config, text.replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:0').replace(/, clientSecret.*\}/, ' }'))
  const started = run(['up', '--until-eof', '-c', config])
  assert.match(
    started.stderr,
    /^.*sallyport\.yaml:\d+:\d+: resources\.0\.postgres\.password: the vault has no shop: run: /m,
  )
  assert.deepEqual([started.status, started.stdout], [EXIT.ok, 'ready\n'])
  writeFileSync(config, text.replace('vault:shop', 'env:SALLYPORT_NOT_SET'))
  const refused = run(['up', '--until-eof', '-c', config])
  assert.match(
    refused.stderr,
    /resources\.0\.postgres\.password: the environment has no SALLYPORT_NOT_SET: set it .*\n {2}next: /,
  )
  assert.deepEqual([refused.status, refused.stdout], [EXIT.usage, ''])
})
