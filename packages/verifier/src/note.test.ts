import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { formatNote, MAX_NOTE_BYTES, openNote, parseNote, signNote } from './note.ts'
import { signer } from './testkit/sample-log.ts'
import {
  ed25519Signer,
  ed25519SignerFromSeed,
  fingerprintOf,
  formatVerifierKey,
  isKeyName,
  parseVerifierKey,
  verifierKey,
} from './verifier-key.ts'

// The example of golang.org/x/mod/sumdb/note, which its documentation prints: keys, text and signed note.
const goKey = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
const goText = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
const goNote = `${goText}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`
const goSeed = Buffer.from('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 'base64').subarray(1)

const bytes = (text: string): Buffer => Buffer.from(text)
const second = ed25519SignerFromSeed('witness.example', Buffer.alloc(32, 2))
const text = 'one\n\ntwo\n'

test('the note of golang.org/x/mod/sumdb/note opens under its key', () => {
  const opened = openNote(bytes(goNote), [parseVerifierKey(goKey)])
  assert.equal(opened.text, goText)
  assert.deepEqual(opened.keys.map(formatVerifierKey), [goKey])
})

test('signing with its key gives its note', () => {
  const peter = ed25519SignerFromSeed('PeterNeumann', goSeed)
  assert.equal(formatVerifierKey(peter.key), goKey)
  assert.equal(Buffer.from(signNote(goText, [peter])).toString(), goNote)
})

test('the text ends at the last empty line', () => {
  const note = parseNote(signNote(text, [signer]))
  assert.equal(note.text, text)
  assert.deepEqual(formatNote(note), signNote(text, [signer]))
})

test('unknown keys are ignored, even with the name or the id of a known one', () => {
  const otherKey = ed25519SignerFromSeed(signer.key.name, Buffer.alloc(32, 9))
  const note = parseNote(signNote(text, [signer, second, otherKey]))
  assert.deepEqual(openNote(formatNote(note), [signer.key]).keys, [signer.key])
  const broken = note.signatures.map((signature) =>
    signature.name === 'witness.example' ? { ...signature, signature: Buffer.alloc(64) } : signature,
  )
  assert.equal(openNote(formatNote({ ...note, signatures: broken }), [signer.key]).text, text)
})

test('a known key whose signature fails rejects the whole note', () => {
  const note = parseNote(signNote(text, [signer, second]))
  for (const signature of [Buffer.alloc(64), Buffer.alloc(63, 1), Buffer.alloc(65, 1)]) {
    const signatures = note.signatures.map((line) => (line.name === signer.key.name ? { ...line, signature } : line))
    const forged = formatNote({ ...note, signatures })
    assert.throws(() => openNote(forged, [second.key, signer.key]), { code: 'SP_NOTE_SIGNATURE' })
  }
  const changed = formatNote({ ...note, text: 'one\n\nTwo\n' })
  assert.throws(() => openNote(changed, [signer.key]), { code: 'SP_NOTE_SIGNATURE' })
  // Also the second signature of a key whose first one is right.
  const [first] = note.signatures
  assert.ok(first)
  const twice = formatNote({ text, signatures: [first, { ...first, signature: Buffer.alloc(64) }] })
  assert.throws(() => openNote(twice, [signer.key]), { code: 'SP_NOTE_SIGNATURE' })
})

test('a note that no known key signed is rejected', () => {
  assert.throws(() => openNote(signNote(text, [second]), [signer.key]), { code: 'SP_NOTE_UNSIGNED' })
  assert.throws(() => openNote(signNote(text, [second]), []), { code: 'SP_NOTE_UNSIGNED' })
})

test('sixteen signatures are accepted, a hundred and one are not', () => {
  const signers = (count: number) =>
    Array.from({ length: count }, (_, index) => ed25519SignerFromSeed(`w${index}.example`, Buffer.alloc(32, index)))
  assert.equal(openNote(signNote(text, [...signers(16), signer]), [signer.key]).keys.length, 1)
  const lines = signers(1).map(({ key }) => ({ name: key.name, keyId: key.keyId, signature: Buffer.alloc(64) }))
  const many = Array.from({ length: 101 }, () => lines).flat()
  assert.throws(() => formatNote({ text, signatures: many }), { code: 'SP_NOTE_MALFORMED' })
  const [line] = Buffer.from(formatNote({ text: '\n', signatures: lines }))
    .toString()
    .split('\n')
    .slice(2)
  assert.throws(() => parseNote(bytes(`${text}\n${`${line}\n`.repeat(101)}`)), { code: 'SP_NOTE_MALFORMED' })
  assert.equal(parseNote(bytes(`${text}\n${`${line}\n`.repeat(100)}`)).signatures.length, 100)
})

const signatureLine = '— a.example AAAAAAE=\n'
const malformed: readonly (readonly [string, string | Buffer])[] = [
  ['empty', ''],
  ['no signature', 'text\n\n'],
  ['no empty line', `text\n${signatureLine}`],
  ['no newline at the end', `text\n\n${signatureLine.trimEnd()}`],
  ['a tab', `te\txt\n\n${signatureLine}`],
  ['a carriage return', `text\r\n\n${signatureLine}`],
  ['a hyphen for the dash', `text\n\n- a.example AAAAAAE=\n`],
  ['two spaces', `text\n\n—  a.example AAAAAAE=\n`],
  ['no name', `text\n\n— AAAAAAE=\n`],
  ['a plus in the name', `text\n\n— a+b AAAAAAE=\n`],
  ['a no-break space in the name', `text\n\n— a\u00a0b AAAAAAE=\n`],
  ['no signature after the key id', `text\n\n— a.example AAAAAA==\n`],
  ['base64 without padding', `text\n\n— a.example AAAAAAE\n`],
  ['base64 with stray bits', `text\n\n— a.example AAAAAAF=\n`],
  ['base64 of another alphabet', `text\n\n— a.example AAAAAA_=\n`],
  ['words after the signature', `text\n\n— a.example AAAAAAE= x\n`],
  ['not UTF-8', Buffer.concat([Buffer.of(0xff), bytes(`\n\n${signatureLine}`)])],
  ['too long', Buffer.alloc(MAX_NOTE_BYTES + 1, 0x61)],
]
for (const [name, note] of malformed) {
  test(`no note: ${name}`, () => {
    assert.throws(() => parseNote(Buffer.from(note as string)), { code: 'SP_NOTE_MALFORMED' })
  })
}

test('what would not be read is not written', () => {
  for (const unsigned of ['no newline', 'a\ttab\n', 'a lone \ud800\n', '']) {
    assert.throws(() => signNote(unsigned, [signer]), { code: 'SP_NOTE_MALFORMED' })
  }
  assert.throws(() => signNote(text, []), { code: 'SP_NOTE_MALFORMED' })
})

for (const key of [
  '',
  'name',
  'name+c74f20a3',
  goKey.replace('c74f20a3', 'c74f20a4'),
  goKey.replace('c74f20a3', 'C74F20A3'),
  goKey.replace('PeterNeumann', 'Peter Neumann'),
  goKey.replace('PeterNeumann', ''),
  goKey.replace('+ARpc', '+BRpc'),
  `${goKey}=`,
  `${goKey}\n`,
  goKey.slice(0, -4),
  'x'.repeat(9000),
]) {
  test(`${JSON.stringify(key.slice(0, 80))} is no verifier key`, () => {
    assert.throws(() => parseVerifierKey(key), { code: 'SP_VKEY_MALFORMED' })
  })
}

test('a name is one word without "+"', () => {
  assert.deepEqual(['a.example/log', 'é', 'a b', 'a+b', '', 'a\u2028b', 'a\u0085b', 'a\u0007'].map(isKeyName), [
    true,
    true,
    false,
    false,
    false,
    false,
    false,
    false,
  ])
  assert.throws(() => verifierKey('a', Buffer.alloc(31)), { code: 'SP_VKEY_MALFORMED' })
})

test('a signer is made from an Ed25519 private key only', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const made = ed25519Signer('a.example', privateKey)
  assert.equal(openNote(signNote(text, [made]), [made.key]).text, text)
  assert.equal(Buffer.from(made.key.publicKey).toString('base64url'), publicKey.export({ format: 'jwk' }).x)
  assert.throws(() => ed25519Signer('a.example', publicKey), { code: 'SP_VKEY_MALFORMED' })
  assert.throws(() => ed25519Signer('a.example', generateKeyPairSync('x25519').privateKey), {
    code: 'SP_VKEY_MALFORMED',
  })
  assert.throws(() => ed25519SignerFromSeed('a.example', Buffer.alloc(31)), { code: 'SP_VKEY_MALFORMED' })
})

test('a fingerprint is what cut, base64 and sha256sum print', () => {
  assert.equal(
    fingerprintOf(parseVerifierKey(goKey)).replaceAll(':', '').toLowerCase(),
    'dca0235f866eb8d2916092f4d8148074a9528f7630f1b95e28981572a4809507',
  )
})
