/** What others wrote does not command the terminal of whoever reads it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createOutput, print, table } from './output.ts'

/** Prints one text in both ways. */
function printed(json: boolean, text: string): { readonly out: string; readonly err: string } {
  const said = { out: '', err: '' }
  const write = (stream: 'out' | 'err') => (chunk: string) => (said[stream] += chunk)
  const output = createOutput(json, { out: write('out'), err: write('err') })
  print(output, { text }, () => table(['WHAT'], [[text], ['second']]))
  output.talk(text)
  return said
}

test('characters that command, turn, hide or look like a space are shown by their numbers, not sent', () => {
  const cases: readonly (readonly [written: string, shown: string])[] = [
    ['a\u001b[2Jb\u0007c\u009bd\u007fe', 'a<U+001B>[2Jb<U+0007>c<U+009B>d<U+007F>e'],
    ['a\rb', 'a<U+000D>b'],
    ['\u202e\u2066\u061c\u200f\u2028', '<U+202E><U+2066><U+061C><U+200F><U+2028>'],
    ['\u200b\u200d\ufeff\u00ad\u2060\u3164\ufe0f', '<U+200B><U+200D><U+FEFF><U+00AD><U+2060><U+3164><U+FE0F>'],
    ['a\u00a0b\u3000c\u2800', 'a<U+00A0>b<U+3000>c<U+2800>'],
    ['\u{e0041}\u{e000}', '<U+E0041><U+E000>'],
    ['\ud800x', '<U+D800>x'],
    // What is written here is not what it looks like: the form has no second reading.
    ['<U+202E> <u+202e> U+202E', '<U+003C>U+202E> <u+202e> U+202E'],
    [String.raw`'\u202e' U&'\202E'`, String.raw`'\u202e' U&'\202E'`],
    ['tab\tgrün 卡 💳 é', 'tab\tgrün 卡 💳 é'],
  ]
  for (const [written, shown] of cases) {
    assert.deepEqual(printed(false, written), { out: `WHAT\n${shown}\nsecond\n`, err: `${shown}\n` })
  }
})

test('no cell of a table makes a row of its own', () => {
  assert.equal(table(['A', 'B'], [['one\ntwo', 'x\r\ny']]), 'A        B\none two  x y')
})

test('JSON says the same as before, in plain characters', () => {
  const text = '\u001b\u009bü\u202e\u{e0041} <U+202E>'
  const { out } = printed(true, text)
  assert.deepEqual(JSON.parse(out), { text })
  assert.equal(out, '{"text":"\\u001b\\u009bü\\u202e\\udb40\\udc41 <U+202E>"}\n')
})
