import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
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
