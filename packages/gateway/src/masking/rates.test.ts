import assert from 'node:assert/strict'
import { test } from 'node:test'
import { masking, maskValue } from './testkit/value.ts'

/** Mulberry32: the same values on every run. */
function chance(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

const below = chance(7)
const digits = (count: number): string => Array.from({ length: count }, () => below(10)).join('')
const hex = (count: number): string => Array.from({ length: count }, () => '0123456789abcdef'[below(16)]).join('')
const two = (value: number): string => String(value).padStart(2, '0')
const ipv4 = (): string => [below(256), below(256), below(256), below(256)].join('.')
const word = (): string =>
  ['the', 'order', 'of', 'failed', 'with', 'status', 'at', 'node', 'and', 'retry'][below(10)] ?? ''

/** Values of a kind, and how many of 10,000 may be altered in results and in records. What may is chance: one check digit in ten. */
const kinds: readonly (readonly [name: string, make: () => string, strict: number, loose: number])[] = [
  ['random numbers of 16 digits', () => `${1 + below(9)}${digits(15)}`, 450, 3100],
  ['epoch in ms', () => `17${digits(11)}`, 0, 300],
  ['epoch in µs', () => `17${digits(14)}`, 0, 2600],
  ['epoch in ns', () => `17${digits(17)}`, 0, 5000],
  ['snowflake ids', () => `19${digits(17)}`, 0, 5000],
  ['UUIDs', () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`, 0, 60],
  ['SHA-256 in hexadecimal', () => hex(64), 0, 80],
  ['doubles in text', () => String((below(1e9) * 1e6 + below(1e6)) / 10 ** (3 + below(13))), 60, 3500],
  ['IPv4 pairs', () => `${ipv4()} ${ipv4()}`, 30, 6400],
  ['two phones in a line', () => `415-555-${digits(4)} 212-555-${digits(4)}`, 0, 7800],
  ['IMEIs', () => `35${digits(13)}`, 0, 2500],
  [
    'log lines',
    () =>
      `2026-11-${two(1 + below(28))} 12:${two(below(60))}:00.${digits(3)} [${below(9999)}] ${word()} ${word()} ${ipv4()}:${below(65536)} ${word()}=${below(1e6)} took ${below(999)}.${digits(2)} ms`,
    0,
    700,
  ],
]

for (const [name, make, strict, loose] of kinds) {
  test(`of 10,000 ${name} at most ${strict} are altered in results, ${loose} in records`, () => {
    let inResults = 0
    let inRecords = 0
    for (let index = 0; index < 10_000; index += 1) {
      const text = make()
      if (maskValue(text).verdict !== 'clean') inResults += 1
      if (masking.scrubber.scrubText(text) !== text) inRecords += 1
    }
    assert.ok(inResults <= strict, `${inResults} in results`)
    assert.ok(inRecords <= loose, `${inRecords} in records`)
  })
}
