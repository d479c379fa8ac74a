import { isSameBytes } from './bytes.ts'
import { type Checkpoint, openCheckpoint } from './checkpoint.ts'
import { VerifierError } from './errors.ts'
import { MAX_NOTE_BYTES } from './note.ts'
import { readWhole, type TrailSource } from './source.ts'
import { CHECKPOINT_PATH } from './tiles.ts'
import type { Finding, KeyOrigin } from './verification.ts'
import { formatKeyId, MAX_VKEY_BYTES, parseVerifierKey, type VerifierKey } from './verifier-key.ts'

/** Where the folder of a trail has its verifier key, one a line. */
export const VKEY_PATH = 'vkey'

/** A log has one key, and one more for each time it was changed. */
const MAX_KEYS = 16

/** What the caller trusts. */
export interface Trust {
  /**
   * The log's keys as the caller has them from elsewhere; absent: those in the folder are used, and the result says so.
   */
  readonly keys?: readonly VerifierKey[]
  /** A signed checkpoint that the caller holds. */
  readonly knownCheckpoint?: Uint8Array
}

/** A head that was checked. */
export interface TrailHead {
  readonly checkpoint: Checkpoint
  readonly key: VerifierKey
  readonly keyOrigin: KeyOrigin
  readonly known: Checkpoint | undefined
}

/** A head, or why there is none; with as much of it as was read. */
export type HeadResult = { readonly kind: 'head'; readonly head: TrailHead } | StoppedHead

/** Why a trail is not looked at further. */
interface StoppedHead extends Partial<TrailHead> {
  readonly kind: 'stop'
  readonly finding: Finding
}

/** Reads verifier keys, one a line. @throws {VerifierError} `SP_VKEY_MALFORMED` */
export function parseVerifierKeys(text: string): readonly VerifierKey[] {
  const lines = text.split('\n').filter((line) => line !== '')
  if (lines.length === 0 || lines.length > MAX_KEYS)
    throw new VerifierError('SP_VKEY_MALFORMED', `${lines.length} verifier keys; 1 to ${MAX_KEYS} are expected`)
  return lines.map(parseVerifierKey)
}

/**
 * Checks what vouches for the whole: key, checkpoint, signature, and that it is not older than or beside a checkpoint
 * that the caller holds.
 *
 * @throws {VerifierError} `SP_FILE_UNREADABLE`, `SP_FILE_TOO_LARGE`
 */
export async function openHead(source: TrailSource, trust: Trust): Promise<HeadResult> {
  const keyOrigin: KeyOrigin = trust.keys === undefined ? 'folder' : 'given'
  const keys = trust.keys ?? (await folderKeys(source))
  if ('code' in keys) return { kind: 'stop', finding: keys }
  const signed = await readWhole(source, CHECKPOINT_PATH, MAX_NOTE_BYTES)
  if (signed === undefined)
    return stop(
      'checkpoint-missing',
      'incomplete',
      'the checkpoint is missing: nothing says what the log should be',
      CHECKPOINT_PATH,
    )
  const opened = tryOpen(signed, keys)
  if ('fault' in opened) return { ...stopAtCheckpoint(opened.fault), keyOrigin }
  const { checkpoint, key } = opened
  if (trust.knownCheckpoint === undefined)
    return { kind: 'head', head: { checkpoint, key, keyOrigin, known: undefined } }
  const known = tryOpen(trust.knownCheckpoint, keys)
  if ('fault' in known)
    return {
      ...stop('known-checkpoint-unusable', 'undecided', `the known checkpoint does not verify: ${known.fault.message}`),
      checkpoint,
      key,
      keyOrigin,
    }
  const conflict = conflictOf(checkpoint, known.checkpoint)
  if (conflict !== undefined) return { ...conflict, checkpoint, key, keyOrigin, known: known.checkpoint }
  return { kind: 'head', head: { checkpoint, key, keyOrigin, known: known.checkpoint } }
}

async function folderKeys(source: TrailSource): Promise<readonly VerifierKey[] | Finding> {
  const text = await readWhole(source, VKEY_PATH, MAX_VKEY_BYTES * MAX_KEYS)
  if (text === undefined) {
    const message = `no key to check with: ${VKEY_PATH} is not in the folder and none was given`
    return { code: 'key-missing', verdict: 'undecided', message, file: VKEY_PATH }
  }
  try {
    return parseVerifierKeys(text.toString('utf8'))
  } catch (cause) {
    if (!(cause instanceof VerifierError)) throw cause
    return {
      code: 'key-malformed',
      verdict: 'undecided',
      message: `${VKEY_PATH} is not a verifier key: ${cause.message}`,
      file: VKEY_PATH,
    }
  }
}

type Opened = { readonly checkpoint: Checkpoint; readonly key: VerifierKey } | { readonly fault: VerifierError }

function tryOpen(signed: Uint8Array, keys: readonly VerifierKey[]): Opened {
  try {
    return openCheckpoint(signed, keys)
  } catch (cause) {
    if (cause instanceof VerifierError) return { fault: cause }
    throw cause
  }
}

function stopAtCheckpoint(fault: VerifierError): StoppedHead {
  if (fault.code === 'SP_NOTE_UNSIGNED')
    return stop('key-unknown', 'undecided', `the checkpoint cannot be judged: ${fault.message}`, CHECKPOINT_PATH)
  if (fault.code === 'SP_NOTE_SIGNATURE')
    return stop(
      'checkpoint-changed',
      'altered',
      `the checkpoint changed after signing: ${fault.message}`,
      CHECKPOINT_PATH,
    )
  return stop('checkpoint-changed', 'altered', `the checkpoint cannot be read: ${fault.message}`, CHECKPOINT_PATH)
}

function conflictOf(checkpoint: Checkpoint, known: Checkpoint): StoppedHead | undefined {
  if (known.origin !== checkpoint.origin) {
    return stop('known-checkpoint-unusable', 'undecided', `the known checkpoint is of another log, ${known.origin}`)
  }
  if (known.size > checkpoint.size) {
    return stop(
      'rolled-back',
      'altered',
      `rolled back: you hold a checkpoint of size ${known.size}, this folder ends at ${checkpoint.size}`,
      CHECKPOINT_PATH,
    )
  }
  if (known.size === checkpoint.size && !isSameBytes(known.root, checkpoint.root)) {
    return stop(
      'forked',
      'altered',
      `forked: you hold a checkpoint of the same size ${known.size} with another root`,
      CHECKPOINT_PATH,
    )
  }
  return undefined
}

function stop(code: Finding['code'], verdict: Finding['verdict'], message: string, file?: string): StoppedHead {
  return { kind: 'stop', finding: file === undefined ? { code, verdict, message } : { code, verdict, message, file } }
}

/** How a key is shown: its name and short id. */
export function describeKey(key: VerifierKey): string {
  return `${key.name}+${formatKeyId(key.keyId)}`
}
