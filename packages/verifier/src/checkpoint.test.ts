import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatCheckpoint, openCheckpoint, parseCheckpoint, signCheckpoint } from './checkpoint.ts'
import { signNote } from './note.ts'
import { ORIGIN, signer } from './testkit/sample-log.ts'
import { ed25519SignerFromSeed } from './verifier-key.ts'

// The text of the example in c2sp.org/tlog-checkpoint.
const root = 'CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I='
const example = `example.com/behind-the-sofa\n20852163\n${root}\n`

test('the example of the specification is read and written', () => {
  const checkpoint = parseCheckpoint(example)
  assert.equal(checkpoint.origin, 'example.com/behind-the-sofa')
  assert.equal(checkpoint.size, 20_852_163)
  assert.equal(Buffer.from(checkpoint.root).toString('base64'), root)
  assert.deepEqual(checkpoint.extensions, [])
  assert.equal(formatCheckpoint(checkpoint), example)
})

test('extension lines are kept', () => {
  const text = `${example}one\ntwo\n`
  assert.deepEqual(parseCheckpoint(text).extensions, ['one', 'two'])
  assert.equal(formatCheckpoint(parseCheckpoint(text)), text)
})

for (const [name, text] of [
  ['empty', ''],
  ['two lines', `a\n1\n`],
  ['no newline at the end', example.trimEnd()],
  ['no origin', `\n1\n${root}\n`],
  ['an origin that is too long', `${'é'.repeat(128)}\n1\n${root}\n`],
  ['a leading zero', `a\n01\n${root}\n`],
  ['a sign', `a\n+1\n${root}\n`],
  ['a negative size', `a\n-1\n${root}\n`],
  ['a size beyond 2^53', `a\n9007199254740992\n${root}\n`],
  ['a size with a space', `a\n1 \n${root}\n`],
  ['a root without padding', `a\n1\n${root.slice(0, -1)}\n`],
  ['a root of 31 bytes', `a\n1\n${Buffer.alloc(31).toString('base64')}\n`],
  ['an empty extension line', `${example}\nx\n`],
  ['a control character', `a\u0007\n1\n${root}\n`],
] as const) {
  test(`no checkpoint: ${name}`, () => {
    assert.throws(() => parseCheckpoint(text), { code: 'SP_CHECKPOINT_MALFORMED' })
  })
}

test('what would not be read is not written', () => {
  const checkpoint = parseCheckpoint(example)
  for (const wrong of [
    { origin: '' },
    { origin: 'a\nb' },
    { size: -1 },
    { size: 2 ** 53 },
    { root: Buffer.alloc(31) },
    { extensions: [''] },
  ]) {
    assert.throws(() => formatCheckpoint({ ...checkpoint, ...wrong }), { code: 'SP_CHECKPOINT_MALFORMED' })
  }
})

test('a checkpoint opens under the key of its origin only', () => {
  const checkpoint = { origin: ORIGIN, size: 7, root: Buffer.alloc(32, 1), extensions: [] }
  const opened = openCheckpoint(signCheckpoint(checkpoint, [signer]), [signer.key])
  assert.deepEqual(opened, { checkpoint, key: signer.key })
  const stranger = ed25519SignerFromSeed('other.example', Buffer.alloc(32, 3))
  const signedByStranger = signCheckpoint(checkpoint, [stranger])
  assert.throws(() => openCheckpoint(signedByStranger, [signer.key]), { code: 'SP_NOTE_UNSIGNED' })
  assert.throws(() => openCheckpoint(signedByStranger, [signer.key, stranger.key]), { code: 'SP_NOTE_UNSIGNED' })
  assert.throws(() => openCheckpoint(signNote('not a checkpoint\n', [signer]), [signer.key]), {
    code: 'SP_CHECKPOINT_MALFORMED',
  })
})
