import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { VERSION } from '#base'
import { catalogue } from '#model'
import { EXIT } from './exit-codes.ts'

test('a log that cannot be written ends nothing: a full disk leaves the exit code what it is', (context) => {
  if (!existsSync('/dev/full')) {
    context.skip('not run: this system has no /dev/full')
    return
  }
  const full = openSync('/dev/full', 'w')
  const main = fileURLToPath(new URL('./main.ts', import.meta.url))
  const { status } = spawnSync(process.execPath, [...process.execArgv, main, 'no-such-command'], {
    stdio: ['ignore', 'ignore', full],
  })
  closeSync(full)
  assert.equal(status, EXIT.usage)
})

test('it says its version', () => {
  const main = fileURLToPath(new URL('./main.ts', import.meta.url))
  const { stdout } = spawnSync(process.execPath, [...process.execArgv, main, '--version'], { encoding: 'utf8' })
  assert.equal(stdout, `${VERSION}\n`)
})

test('it has every command that an error names as the next step', () => {
  const main = fileURLToPath(new URL('./main.ts', import.meta.url))
  const { stdout } = spawnSync(process.execPath, [...process.execArgv, main, '--help'], { encoding: 'utf8' })
  const there = new Set([...stdout.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name))
  const named = Object.values(catalogue).flatMap(({ next }) => [...next.matchAll(/sallyport ([a-z]+)/g)])
  assert.ok(named.length > 0)
  for (const [words, name] of named) assert.ok(there.has(name), `no such command: ${words}`)
})

test('who is not logged in hears so, as whom, and leaves nothing behind', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-cli-'))
  context.after(() => {
    rmSync(folder, { recursive: true })
  })
  const main = fileURLToPath(new URL('./main.ts', import.meta.url))
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
  const main = fileURLToPath(new URL('./main.ts', import.meta.url))
  for (const [words, args] of [
    [/^"yesterday" is neither an ISO time nor an age/, ['log', '--since', 'yesterday']],
    [/^say one of --token-stdin, --id, --login, --person/, ['token', 'revoke', '--reason', 'lost']],
    [/^"" is not a reference\n {2}next: give it as it was shown/, ['why', '']],
    [/^"00\.\.\/F3" is not a reference/, ['show', '00../F3']],
    [/^"0007F4" is not a reference/, ['approve', '0007F4']],
    [/^"12" is not a reference/, ['deny', '12', '--reason', 'no']],
  ] as const) {
    const { status, stderr } = spawnSync(process.execPath, [...process.execArgv, main, ...args], { encoding: 'utf8' })
    assert.match(stderr, words)
    assert.equal(status, EXIT.usage)
  }
})

test('a folder that is not there is not one that was checked', () => {
  const main = fileURLToPath(new URL('./main.ts', import.meta.url))
  for (const folder of ['/nonexistent/trail', main]) {
    const args = [...process.execArgv, main, 'trail', 'verify', folder]
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    assert.equal(stdout, '')
    assert.ok(stderr.startsWith(`there is no folder ${folder}\n  next: `), stderr)
    assert.equal(status, EXIT.notFound)
  }
})
