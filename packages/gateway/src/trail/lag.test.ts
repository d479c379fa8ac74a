import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LagMeter, lagShare, mustRefuse, throttleFor } from './lag.ts'
import { DEFAULT_LIMITS } from './limits.ts'

test('writers are slowed down from half of the limit on, refused at it, and let in again well below', () => {
  const limits = { ...DEFAULT_LIMITS, lagRecords: 1_000, lagSegments: 10 }
  const cases = [
    { records: 0, segments: 0, delayMs: 0, refused: false, refusedStill: false },
    { records: 500, segments: 1, delayMs: 0, refused: false, refusedStill: false },
    { records: 750, segments: 1, delayMs: 25, refused: false, refusedStill: false },
    { records: 10, segments: 8, delayMs: 30, refused: false, refusedStill: true },
    { records: 1_000, segments: 1, delayMs: 50, refused: true, refusedStill: true },
    { records: 5_000, segments: 90, delayMs: 50, refused: true, refusedStill: true },
  ]
  for (const { records, segments, delayMs, refused, refusedStill } of cases) {
    const share = lagShare({ records, segments }, limits)
    assert.equal(throttleFor(share), delayMs, `${records} records, ${segments} segments`)
    assert.equal(mustRefuse(share, false), refused)
    assert.equal(mustRefuse(share, true), refusedStill)
  }
})

test('the lag is the age of the oldest record that is not integrated', () => {
  const meter = new LagMeter()
  assert.equal(meter.measure(10, 10, 0), 0)
  assert.equal(meter.measure(20, 10, 100), 0)
  assert.equal(meter.measure(30, 10, 350), 250)
  assert.equal(meter.measure(30, 15, 600), 500)
  assert.equal(meter.measure(30, 20, 700), 350)
  assert.equal(meter.measure(30, 30, 800), 0)
  for (let step = 1; step <= 20_000; step += 1) meter.measure(30 + step, 30, 1_000 + step)
  assert.equal(meter.measure(20_030, 30, 21_000), 19_999, 'also after very many measurements')
})
