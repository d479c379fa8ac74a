import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Throttle } from './throttle.ts'

const start = (): {
  clock: { now: number }
  admitted: (count: number, address: (index: number) => string) => number
} => {
  const clock = { now: 5 }
  const throttle = new Throttle({ nowMs: () => 0, monotonicMs: () => clock.now })
  return {
    clock,
    admitted: (count, address) =>
      Array.from({ length: count }, (_, index) => throttle.admit(address(index))).filter(Boolean).length,
  }
}

test('an address has 120 beginnings a minute, and others are not affected', () => {
  const { clock, admitted } = start()
  assert.equal(
    admitted(200, () => '10.0.0.1'),
    120,
  )
  assert.equal(
    admitted(10, () => '10.0.0.2'),
    10,
  )
  clock.now += 60_000
  assert.equal(
    admitted(10, () => '10.0.0.1'),
    10,
  )
})

test('a network of IPv6 is one address', () => {
  const { admitted } = start()
  assert.equal(
    admitted(200, (index) => `2001:db8:1:2::${index.toString(16)}`),
    120,
  )
  assert.equal(
    admitted(1, () => '2001:db8:1:3::1'),
    1,
  )
  assert.equal(
    admitted(130, () => '::ffff:10.0.0.1'),
    120,
  )
  assert.equal(
    admitted(1, () => '::ffff:10.0.0.2'),
    1,
  )
})

test('all together have 3,000', () => {
  const { admitted } = start()
  assert.equal(
    admitted(20_000, (index) => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`),
    3000,
  )
})
