import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FailedAttempts } from './attempts.ts'

test('failed attempts are forgotten after a minute, and whoever began first is forgotten first', () => {
  let nowMs = 0
  const attempts = new FailedAttempts({ nowMs: () => nowMs, monotonicMs: () => nowMs }, 10)
  for (let count = 0; count < 10; count++) {
    assert.ok(!attempts.isBlocked('10.0.0.1'))
    attempts.note('10.0.0.1')
  }
  assert.ok(attempts.isBlocked('10.0.0.1'))
  assert.ok(!attempts.isBlocked('10.0.0.2'))
  nowMs = 60_001
  assert.ok(!attempts.isBlocked('10.0.0.1'))
  for (let count = 0; count < 10; count++) attempts.note('10.0.0.3')
  for (let address = 0; address < 10_000; address++) attempts.note(`host-${String(address)}`)
  assert.ok(!attempts.isBlocked('10.0.0.3'))
})
