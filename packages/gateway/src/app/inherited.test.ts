/** What whoever started us had open is not handed on to what we start. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { test } from 'node:test'
import { text } from 'node:stream/consumers'

const NUMBER = 77
const SCRIPT = `
import { closeInherited } from ${JSON.stringify(import.meta.resolve('./inherited.ts'))}
import { execFileSync } from 'node:child_process'
const seen = () => execFileSync('/bin/sh', ['-c', 'test -e /proc/self/fd/${NUMBER} && echo seen || echo not seen'], { encoding: 'utf8' }).trim()
const before = seen()
closeInherited()
console.log(before, '-', seen(), '-', typeof (await import('node:fs')).readFileSync('/proc/self/stat', 'latin1'))
`

test('an open file with a high number goes to no child', { skip: process.platform !== 'linux' }, async () => {
  const between = Array.from({ length: NUMBER - 3 }, () => 'ignore' as const)
  const child = spawn(process.execPath, ['--input-type=module', '--eval', SCRIPT], {
    stdio: ['ignore', 'pipe', 'inherit', ...between, 'pipe'],
  })
  assert.ok(child.stdout !== null)
  assert.equal((await text(child.stdout)).trim(), 'seen - not seen - string')
})
