import { fromUtf8, toUtf8 } from '#base'
import type { MaskVerdict, ResultColumn } from '#model'
import { createMasking } from '../masking.ts'

/** One masking for all tests: it must not matter what it saw before. */
export const masking = createMasking({}, 'test ruleset')

/** Masks one whole value as a column of its own; says also whether the quick look would have passed it on. */
export function maskValue(
  text: string,
  category: ResultColumn['category'] = 'text',
  declared?: 'pan' | 'sad',
): { readonly verdict: MaskVerdict; readonly text: string; readonly mayMatch: boolean } {
  const masker = masking.begin([{ name: 'value', category, ...(declared === undefined ? {} : { declared }) }])
  // As on the wire: within a larger buffer, a length before it and another value after it.
  const bytes = toUtf8(text)
  const buffer = new Uint8Array(bytes.length + 16).fill(0x39)
  buffer.set([0x44, 0, 0, 0, 0, 0, bytes.length >> 8, bytes.length & 255], 0)
  buffer.set(bytes, 8)
  const mayMatch = masker.mayMatch(buffer, 0, buffer.length)
  const verdict = masker.mask(0, buffer, 8, 8 + bytes.length)
  return { verdict, text: fromUtf8(buffer.slice(8, 8 + bytes.length)), mayMatch }
}
