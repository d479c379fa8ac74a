import assert from 'node:assert/strict'
import { hkdfSync } from 'node:crypto'
import { test } from 'node:test'
import { makeDayKey, recordKey, segmentKey } from './key-schedule.ts'

/** HKDF-Expand by another way: RFC 5869's Extract with a salt gives a key that is known, from which hkdfSync expands. */
function expandByHkdf(label: string, context: Buffer): { readonly dayKey: Buffer; readonly expanded: Buffer } {
  const input = Buffer.alloc(22, 0x0b)
  const salt = Buffer.from('000102030405060708090a0b0c', 'hex')
  // RFC 5869, A.1: the PRK of these.
  const dayKey = Buffer.from('077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5', 'hex')
  const info = Buffer.concat([Buffer.from(`${label}\0`), context])
  return { dayKey, expanded: Buffer.from(hkdfSync('sha256', input, salt, info, 32)) }
}

test('the key of a record is HKDF-Expand of the day key, the label and the number', () => {
  const index = Buffer.from('0000000100000002', 'hex')
  const { dayKey, expanded } = expandByHkdf('sallyport/trail/payload/v1', index)
  assert.deepEqual(recordKey(dayKey, 2 ** 32 + 2), expanded)
})

test('the key of a segment is HKDF-Expand of the day key, the label and the salt', () => {
  const salt = Buffer.alloc(32, 0xa5)
  const { dayKey, expanded } = expandByHkdf('sallyport/trail/segment/v1', salt)
  assert.deepEqual(segmentKey(dayKey, salt), expanded)
})

test('day keys are random', () => {
  assert.notDeepEqual(makeDayKey(), makeDayKey())
})
