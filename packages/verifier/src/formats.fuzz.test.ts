import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeBundle, parseBundle } from './bundle.ts'
import { formatCheckpoint, parseCheckpoint } from './checkpoint.ts'
import { VerifierError, type VerifierErrorCode } from './errors.ts'
import { formatNote, parseNote } from './note.ts'
import { encodePayloads, parsePayloads } from './payloads.ts'
import { parseRecord } from './record.ts'
import { fuzzRuns } from './testkit/fuzz-runs.ts'
import { filesOf, ORIGIN, sampleLog, signer } from './testkit/sample-log.ts'
import { formatResourcePath, parseResourcePath } from './tiles.ts'
import { formatVerifierKey, parseVerifierKey } from './verifier-key.ts'

/** Bytes near a valid input: some overwritten, some taken out, some put in. Far from it nothing gets past the first check. */
function near(valid: Uint8Array): fc.Arbitrary<Uint8Array> {
  const edit = fc.record({ at: fc.nat(valid.length), drop: fc.nat(3), put: fc.uint8Array({ maxLength: 3 }) })
  return fc
    .array(edit, { maxLength: 4 })
    .map((edits) =>
      edits.reduce<Uint8Array>(
        (bytes, { at, drop, put }) => Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + drop)]),
        valid,
      ),
    )
}

/**
 * The two claims on a parser: it throws nothing but its own error, and whatever it accepts it writes back byte for byte.
 */
function parserHolds(
  input: fc.Arbitrary<Uint8Array>,
  code: VerifierErrorCode,
  rewrite: (bytes: Uint8Array) => Uint8Array | undefined,
): void {
  let accepted = 0
  fc.assert(
    fc.property(input, (bytes) => {
      let written: Uint8Array | undefined
      try {
        written = rewrite(bytes)
      } catch (cause) {
        assert.ok(cause instanceof VerifierError, String(cause))
        assert.equal(cause.code, code)
        return
      }
      accepted += 1
      if (written !== undefined) assert.deepEqual(Buffer.from(written), Buffer.from(bytes))
    }),
    { numRuns: fuzzRuns() },
  )
  assert.ok(accepted > 0, 'no input was accepted: the property says nothing')
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')
const log = filesOf(sampleLog(9))
const checkpoint = log.get('checkpoint') ?? new Uint8Array(0)
const anyOrNear = (valid: Uint8Array): fc.Arbitrary<Uint8Array> =>
  fc.oneof({ weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }) }, { weight: 4, arbitrary: near(valid) })

test('notes', () => {
  parserHolds(anyOrNear(checkpoint), 'SP_NOTE_MALFORMED', (bytes) => formatNote(parseNote(bytes)))
})

test('checkpoints', () => {
  const valid = Buffer.from(
    formatCheckpoint({ origin: ORIGIN, size: 1234, root: Buffer.alloc(32, 7), extensions: ['x'] }),
  )
  parserHolds(anyOrNear(valid), 'SP_CHECKPOINT_MALFORMED', (bytes) =>
    Buffer.from(formatCheckpoint(parseCheckpoint(text(bytes))), 'latin1'),
  )
})

test('verifier keys', () => {
  parserHolds(anyOrNear(Buffer.from(formatVerifierKey(signer.key))), 'SP_VKEY_MALFORMED', (bytes) =>
    Buffer.from(formatVerifierKey(parseVerifierKey(text(bytes))), 'latin1'),
  )
})

test('resource paths', () => {
  const valid = fc.constantFrom('tile/0/x001/x234/067.p/8', 'tile/entries/000', 'payload/x001/002.p/255', 'tile/63/999')
  const input = valid.chain((path) => anyOrNear(Buffer.from(path)))
  parserHolds(input, 'SP_PATH_MALFORMED', (bytes) =>
    Buffer.from(formatResourcePath(parseResourcePath(text(bytes))), 'latin1'),
  )
})

test('entry bundles', () => {
  const valid = encodeBundle(['', 'a', 'bc', 'def'].map((entry) => Buffer.from(entry)))
  parserHolds(anyOrNear(valid), 'SP_BUNDLE_MALFORMED', (bytes) => encodeBundle(parseBundle(bytes)))
})

test('payload files', () => {
  const valid = encodePayloads([undefined, Buffer.alloc(28, 1), Buffer.alloc(40, 2), undefined])
  parserHolds(anyOrNear(valid), 'SP_PAYLOAD_MALFORMED', (bytes) => encodePayloads(parsePayloads(bytes)))
})

test('records', () => {
  const [leaf = new Uint8Array(0)] = sampleLog(2).leaves.slice(1)
  parserHolds(anyOrNear(leaf), 'SP_RECORD_MALFORMED', (bytes) => {
    parseRecord(bytes)
    return undefined
  })
})
