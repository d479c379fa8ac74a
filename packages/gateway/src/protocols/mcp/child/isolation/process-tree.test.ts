import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { Census } from './process-tree.ts'

test('all processes are looked at once for all who ask at the same time', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] })
  const census = new Census()
  const uid = process.getuid?.() ?? 0
  assert.ok(census.of(uid).includes(process.pid))
  assert.deepEqual(census.of(4_000_000_000), [])
  const child = spawn('sleep', ['60'])
  await once(child, 'spawn')
  try {
    const { pid = 0 } = child
    context.mock.timers.tick(199)
    assert.equal(census.of(uid).includes(pid), false)
    context.mock.timers.tick(1)
    assert.ok(census.of(uid).includes(pid))
  } finally {
    child.kill('SIGKILL')
  }
})
