import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { parseIso } from './times.ts'

const { TZ } = process.env
before(() => {
  process.env['TZ'] = 'America/New_York'
})
after(() => {
  if (TZ === undefined) delete process.env['TZ']
  else process.env['TZ'] = TZ
})

test('a time without an offset is UTC, wherever it is read', () => {
  const noon = Date.UTC(2026, 10, 1, 12)
  for (const text of ['2026-11-01T12:00', '2026-11-01 12:00:00', '2026-11-01T12:00:00.000Z', '2026-11-01T07:00-05:00'])
    assert.equal(parseIso(text), noon, text)
  assert.equal(parseIso('2026-11-01'), noon - 12 * 3_600_000)
  assert.equal(parseIso('2026-11-01 12:00:00.25Z'), noon + 250)
})

test('what is no day and no ISO time is not guessed', () => {
  for (const text of [
    '',
    '1',
    'Nov 1',
    '1 Nov 2026',
    '2026-11',
    '2026-13-01',
    '2026-11-01T25:00',
    '2026-11-01T12',
    'now',
  ])
    assert.equal(parseIso(text), undefined, text)
})
