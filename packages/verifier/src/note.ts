import { decodeBase64, decodeUtf8, encodeBase64, encodeUtf8, toBuffer } from './bytes.ts'
import { VerifierError } from './errors.ts'
import { formatKeyId, isKeyName, isSignedBy, type NoteSigner, type VerifierKey } from './verifier-key.ts'

/** As golang.org/x/mod/sumdb/note and torchwood bound it. */
export const MAX_NOTE_BYTES = 1_000_000

/**
 * SPEC c2sp.org/signed-note: "Verifiers SHOULD apply a maximum limit to the number of signatures in a note, but MUST
 * accept at least up to 16".
 */
export const MAX_NOTE_SIGNATURES = 100

/** One signature line, checked or not. */
export interface NoteSignature {
  readonly name: string
  readonly keyId: number
  readonly signature: Uint8Array
}

/** A text with its signatures. The text is not to be used before `openNote` has checked it. */
export interface SignedNote {
  /** Ends in a newline. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

/** A note of which at least one signature was checked. */
export interface OpenedNote {
  readonly text: string
  /** The known keys that signed it. */
  readonly keys: readonly VerifierKey[]
}

/**
 * Parses a signed note; the exact inverse of `formatNote`. It checks no signature.
 *
 * @throws {VerifierError} `SP_NOTE_MALFORMED`
 */
export function parseNote(bytes: Uint8Array): SignedNote {
  if (bytes.length > MAX_NOTE_BYTES) throw malformed('larger than a note may be')
  const message = decodeUtf8(bytes)
  if (message === undefined) throw malformed('not UTF-8')
  if (hasControls(message)) throw malformed('a control character')
  // SPEC c2sp.org/signed-note: "the text is separated from the signatures by the last empty line in the note."
  const split = message.lastIndexOf('\n\n')
  if (split < 0 || !message.endsWith('\n')) throw malformed('no empty line before the signatures')
  const lines = message.slice(split + 2).split('\n')
  lines.pop()
  if (lines.length === 0) throw malformed('no signature')
  if (lines.length > MAX_NOTE_SIGNATURES) throw malformed('too many signatures')
  return { text: message.slice(0, split + 1), signatures: lines.map(parseSignature) }
}

/** "em dash (U+2014), space (U+0020), key name, space, base64-encoded signature, newline." */
function parseSignature(line: string): NoteSignature {
  const [dash, name, base64, rest] = line.split(' ')
  const bytes = decodeBase64(base64 ?? '')
  if (dash !== '—' || name === undefined || !isKeyName(name) || rest !== undefined)
    throw malformed('a line that is not a signature')
  // "Signatures are the base64 encoding of 4+n bytes. The first four bytes in the signature are the uint32 key ID
  // stored in big-endian order."
  if (bytes === undefined || bytes.length < 5) throw malformed('a signature that is not base64 of key id and signature')
  return { name, keyId: bytes.readUInt32BE(0), signature: bytes.subarray(4) }
}

/** Writes a signed note. @throws {VerifierError} `SP_NOTE_MALFORMED` for what `parseNote` would refuse. */
export function formatNote(note: SignedNote): Uint8Array {
  if (!isNoteText(note.text)) throw malformed('the text is not UTF-8 lines that end in a newline')
  if (note.signatures.length === 0 || note.signatures.length > MAX_NOTE_SIGNATURES)
    throw malformed(`${note.signatures.length} signatures`)
  const lines = note.signatures.map(({ name, keyId, signature }) => {
    if (!isKeyName(name) || signature.length === 0)
      throw malformed('a key name with spaces or "+", or an empty signature')
    const id = Buffer.alloc(4)
    id.writeUInt32BE(keyId)
    return `— ${name} ${encodeBase64(Buffer.concat([id, signature]))}\n`
  })
  const bytes = encodeUtf8(`${note.text}\n${lines.join('')}`)
  if (bytes.length > MAX_NOTE_BYTES) throw malformed('larger than a note may be')
  return bytes
}

function isNoteText(text: string): boolean {
  return text.endsWith('\n') && text.isWellFormed() && !hasControls(text)
}

/**
 * "Signed notes MUST be valid UTF-8 and MUST NOT contain any ASCII control characters (those below U+0020) other than
 * newline."
 */
function hasControls(text: string): boolean {
  return /[\u0000-\u0009\u000b-\u001f]/.test(text)
}

/** Signs a text with one key or several. @throws {VerifierError} `SP_NOTE_MALFORMED` */
export function signNote(text: string, signers: readonly NoteSigner[]): Uint8Array {
  const bytes = encodeUtf8(text)
  const signatures = signers.map((signer) => ({
    name: signer.key.name,
    keyId: signer.key.keyId,
    signature: signer.sign(bytes),
  }))
  return formatNote({ text, signatures })
}

/**
 * Parses a note and checks it against the known keys.
 *
 * @throws {VerifierError} `SP_NOTE_MALFORMED`; `SP_NOTE_SIGNATURE` when the signature of a known key fails;
 * `SP_NOTE_UNSIGNED` when no known key signed.
 */
export function openNote(bytes: Uint8Array, knownKeys: readonly VerifierKey[]): OpenedNote {
  const note = parseNote(bytes)
  const text = encodeUtf8(note.text)
  const keys = new Set<VerifierKey>()
  for (const { name, keyId, signature } of note.signatures) {
    // "Verifiers MUST ignore signatures from unknown keys, even if they share a name or ID (but not both) with a known
    // key."
    const key = knownKeys.find((known) => known.name === name && known.keyId === keyId)
    if (key === undefined) continue
    // "If a signature from a known key fails to verify, clients SHOULD reject the whole note."
    if (!isSignedBy(key, text, toBuffer(signature))) {
      throw new VerifierError(
        'SP_NOTE_SIGNATURE',
        `the signature of ${name}+${formatKeyId(keyId)} does not fit the text`,
      )
    }
    keys.add(key)
  }
  // "If no signature from a known key verifies successfully, clients MUST reject the note."
  if (keys.size === 0) {
    const signers = note.signatures.slice(0, 3).map(({ name, keyId }) => `${name}+${formatKeyId(keyId)}`)
    throw new VerifierError('SP_NOTE_UNSIGNED', `not signed by a known key, but by ${signers.join(', ')}`)
  }
  return { text: note.text, keys: [...keys] }
}

function malformed(reason: string): VerifierError {
  return new VerifierError('SP_NOTE_MALFORMED', `not a signed note: ${reason}`)
}
