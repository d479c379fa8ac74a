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

test('control characters are shown, not sent', () => {
  const hostile = 'a\u001b[2Jb\u0007c\u009bd\u202ee\rf\u007fg\tü'
  const shown = 'a\\x1b[2Jb\\x07c\\x9bd\\u202ee\\x0df\\x7fg\tü'
  assert.deepEqual(printed(false, hostile), { out: `WHAT\n${shown}\nsecond\n`, err: `${shown}\n` })
})

test('JSON says the same as before, in plain characters', () => {
  const { out } = printed(true, '\u001b\u009bü')
  assert.deepEqual(JSON.parse(out), { text: '\u001b\u009bü' })
  assert.equal(out, '{"text":"\\u001b\\u009bü"}\n')
})
