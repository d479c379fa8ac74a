import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { mcpBlock } from './settings.ts'

const least = { command: ['node', 'server.js'], code: ['server'] }

test('what is not said has a bound', () => {
  assert.deepEqual(mcpBlock.parse(least), {
    ...least,
    environment: {},
    isolation: 'namespaces',
    limits: {
      memoryMb: 512,
      startSeconds: 20,
      callSeconds: 60,
      idleMinutes: 5,
      outputBytes: 8_388_608,
      queue: 32,
    },
  })
  assert.equal(mcpBlock.parse({ ...least, limits: { callSeconds: 5 } }).limits.memoryMb, 512)
})

describe('refused', () => {
  for (const [name, change] of [
    ['a command for a shell', { command: 'node server.js' }],
    ['no command', { command: [] }],
    ['no program', { command: ['', 'server.js'] }],
    ['a zero byte', { command: ['node', 'a\0b'] }],
    ['a database that is no name', { database: 'postgres://cards' }],
    ['a variable that is none', { environment: { 'A=B': 'x' } }],
    ['a secret from nowhere', { environment: { KEY: { from: 'somewhere' } } }],
    ['isolation by another name', { isolation: 'docker' }],
    ['no time for a call', { limits: { callSeconds: 0 } }],
    ['answers without end', { limits: { outputBytes: 1 << 30 } }],
    ['an unknown limit', { limits: { cpu: 1 } }],
    ['an unknown key', { url: 'http://localhost' }],
  ] as const) {
    test(name, () => {
      assert.equal(mcpBlock.safeParse({ ...least, ...change }).success, false)
    })
  }
})
