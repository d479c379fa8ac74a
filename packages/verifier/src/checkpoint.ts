import { decodeBase64, encodeBase64 } from './bytes.ts'
import { VerifierError } from './errors.ts'
import { openNote, signNote } from './note.ts'
import { HASH_BYTES } from './sha256.ts'
import type { NoteSigner, VerifierKey } from './verifier-key.ts'

/** As torchwood bounds it. */
const MAX_ORIGIN_BYTES = 255

/** The head of a log: the text of a signed note. */
export interface Checkpoint {
  readonly origin: string
  /** How many records the log has. */
  readonly size: number
  /** The root of the tree of that size. */
  readonly root: Uint8Array
  /** Further lines, opaque; ours has none. */
  readonly extensions: readonly string[]
}

/** A checkpoint of which the log's own signature was checked. */
export interface OpenedCheckpoint {
  readonly checkpoint: Checkpoint
  /** The key whose name is the origin. */
  readonly key: VerifierKey
}

/**
 * Parses the text of a checkpoint; the exact inverse of `formatCheckpoint`.
 *
 * SPEC c2sp.org/tlog-checkpoint: "The note text is a sequence of at least three non-empty lines, separated by newlines
 * (U+000A)."
 *
 *     origin
 *     tree size in decimal
 *     base64 of the root hash
 *
 * @throws {VerifierError} `SP_CHECKPOINT_MALFORMED`
 */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin, decimal, base64, ...rest] = text.split('\n')
  if (origin === undefined || decimal === undefined || base64 === undefined || rest.pop() !== '')
    throw malformed('fewer than three lines')
  // "with no leading zeroes (unless the tree is empty, in which case the tree size is `0`)"
  const size = /^(0|[1-9]\d{0,15})$/.test(decimal) ? Number(decimal) : -1
  const root = decodeBase64(base64)
  if (!Number.isSafeInteger(size) || size < 0) throw malformed('the second line is not a tree size')
  if (root?.length !== HASH_BYTES) throw malformed('the third line is not a root hash')
  const checkpoint = { origin, size, root, extensions: rest }
  checkForm(checkpoint)
  return checkpoint
}

/**
 * Writes the text of a checkpoint.
 *
 * @throws {VerifierError} `SP_CHECKPOINT_MALFORMED` for what `parseCheckpoint` would refuse.
 */
export function formatCheckpoint(checkpoint: Checkpoint): string {
  checkForm(checkpoint)
  return [checkpoint.origin, String(checkpoint.size), encodeBase64(checkpoint.root), ...checkpoint.extensions, ''].join(
    '\n',
  )
}

function checkForm({ origin, size, root, extensions }: Checkpoint): void {
  if (origin === '' || Buffer.byteLength(origin) > MAX_ORIGIN_BYTES) throw malformed('the origin is empty or too long')
  if (!Number.isSafeInteger(size) || size < 0) throw malformed('the size is not a whole number')
  if (root.length !== HASH_BYTES) throw malformed('the root is not a hash')
  // "Extension lines, if any, MUST be non-empty." A line with a control character could not be part of a signed note.
  const isLine = (line: string): boolean => line !== '' && line.isWellFormed() && !/[\u0000-\u001f]/.test(line)
  if (![origin, ...extensions].every(isLine)) throw malformed('an empty line or a control character')
}

/** Signs a checkpoint. A log never signs two that are inconsistent: the caller persists it before it publishes. */
export function signCheckpoint(checkpoint: Checkpoint, signers: readonly NoteSigner[]): Uint8Array {
  return signNote(formatCheckpoint(checkpoint), signers)
}

/**
 * Parses a signed checkpoint and checks it against the known keys.
 *
 * @throws {VerifierError} as `openNote` and `parseCheckpoint`; `SP_NOTE_UNSIGNED` also when only keys of other names
 * signed it.
 */
export function openCheckpoint(bytes: Uint8Array, knownKeys: readonly VerifierKey[]): OpenedCheckpoint {
  const note = openNote(bytes, knownKeys)
  const checkpoint = parseCheckpoint(note.text)
  // "The log's key name in its signature line SHOULD match the origin line": ours does, and a key of another log says
  // nothing about this one.
  const key = note.keys.find(({ name }) => name === checkpoint.origin)
  if (key === undefined)
    throw new VerifierError('SP_NOTE_UNSIGNED', `log ${checkpoint.origin} is not signed by a known key of that name`)
  return { checkpoint, key }
}

function malformed(reason: string): VerifierError {
  return new VerifierError('SP_CHECKPOINT_MALFORMED', `not a checkpoint: ${reason}`)
}
