import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { Census, childrenOf, startedAt, treeOf, usageOf } from './process-tree.ts'

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

test('what has ended is no process any more, though nobody has asked how it did', async () => {
  // The parent of what ended becomes a program that never asks.
  const child = spawn('/bin/sh', ['-c', 'true & exec sleep 60'])
  await once(child, 'spawn')
  try {
    const { pid = 0 } = child
    const deadline = performance.now() + 15_000
    const isEnded = (): boolean => childrenOf(pid).length === 1 && childrenOf(pid).every((one) => !startedAt(one))
    while (!isEnded() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10))
    assert.equal(treeOf(pid).length, 2)
    const { processes, memoryBytes } = usageOf([...treeOf(pid), 4_194_305])
    assert.equal(processes, 1)
    assert.ok(memoryBytes > 0)
  } finally {
    child.kill('SIGKILL')
  }
})
