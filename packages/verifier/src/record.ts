import { decodeUtf8, toBuffer } from './bytes.ts'
import { VerifierError } from './errors.ts'

/** What the leaf commits to of its payload. */
export interface PayloadCommitment {
  readonly alg: 'A256GCM'
  /** Names the day key that the record key was derived from. */
  readonly keyId: string
  /** SHA-256 of the record key, hexadecimal: GCM alone does not commit to a key. */
  readonly keySha256: string
  /** SHA-256 over nonce, ciphertext and tag, hexadecimal. */
  readonly sha256: string
  /** Bytes of plaintext. */
  readonly size: number
}

/** A tail that was cut at recovery: nothing from there on was acknowledged. */
export interface Cut {
  readonly segment: number
  readonly offset: number
  readonly firstIndex: number
}

/**
 * What the verifier reads of a record. Whatever is missing or of another type is undefined: the record is then not of
 * that kind.
 */
export interface RecordFacts {
  readonly sequence: number | undefined
  readonly uid: string | undefined
  readonly logName: string | undefined
  readonly timeMs: number | undefined
  readonly phase: 'intent' | 'outcome' | undefined
  /** The record that an outcome completes. */
  readonly intent: number | undefined
  /** Application Lifecycle records only. */
  readonly lifecycle: string | undefined
  readonly cuts: readonly Cut[]
  readonly payload: PayloadCommitment | undefined
}

/** OCSF Application Lifecycle. */
const CLASS_LIFECYCLE = 6002

/** The gateway nests eight deep within `unmapped.details`. Whoever walks a record may do so without running out of stack. */
const MAX_DEPTH = 64

type JsonObject = Readonly<Record<string, unknown>>

/**
 * Parses a leaf, which must be the canonical form (RFC 8785) of one JSON object: so that no two byte strings are the
 * same record.
 *
 * @throws {VerifierError} `SP_RECORD_MALFORMED`
 */
export function parseRecord(entry: Uint8Array): RecordFacts {
  return factsOf(parseLeaf(entry))
}

/** As `parseRecord`, but gives all that the leaf says. @throws {VerifierError} `SP_RECORD_MALFORMED` */
export function parseLeaf(entry: Uint8Array): JsonObject {
  return parseLeafText(leafText(entry))
}

/** A leaf as text. @throws {VerifierError} `SP_RECORD_MALFORMED` */
export function leafText(entry: Uint8Array): string {
  const text = decodeUtf8(entry)
  if (text === undefined) throw malformed('not UTF-8')
  return text
}

/** As `parseLeaf`. @throws {VerifierError} `SP_RECORD_MALFORMED` */
export function parseLeafText(text: string): JsonObject {
  const value = parseCanonical(text)
  if (!isObject(value)) throw malformed('not a JSON object')
  return value
}

function parseCanonical(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    if (isCanonical(text, value)) return value
  } catch (cause) {
    if (cause instanceof VerifierError) throw cause
    // A SyntaxError, or a RangeError where 65,535 bytes nest deeper than the stack; the cause would quote the record.
    throw malformed(cause instanceof RangeError ? 'nested too deep' : 'not JSON')
  }
  throw malformed('not in canonical form')
}

/**
 * What a leaf says its number is, however damaged it is otherwise; for naming what happened, never for accepting it.
 */
export function claimedSequence(entry: Uint8Array): number | undefined {
  try {
    const value: unknown = JSON.parse(toBuffer(entry).toString('utf8'))
    return isObject(value) ? countOf(objectOf(value['metadata'])['sequence']) : undefined
  } catch {
    // Whatever it is, it is no record with a number.
    return undefined
  }
}

/**
 * Tells whether `text` is the canonical form of the value it was parsed into.
 *
 * JSON.stringify writes strings and numbers as RFC 8785 §3.2.2 wants them and no white space, in the order of the text;
 * so a text that comes out equal is canonical if its members are sorted too. Two things escape that: names that look
 * like array indices, which a JavaScript object reorders, and lone surrogates, which JSON.stringify escapes but RFC
 * 8785 forbids.
 */
export function isCanonical(text: string, value: unknown): boolean {
  if (text.includes('\\ud') && !isWellFormedDeep(value)) return false
  if (JSON.stringify(value) === text) return isSorted(value)
  return /"\d+":/.test(text) && canonicalJson(value) === text
}

/**
 * Writes a parsed JSON value in canonical form (RFC 8785).
 *
 * @throws {VerifierError} `SP_RECORD_MALFORMED` for a value that JSON or RFC 8785 does not have.
 */
export function canonicalJson(value: unknown): string {
  return canonicalAt(value, 0)
}

function canonicalAt(value: unknown, depth: number): string {
  if (depth > MAX_DEPTH) throw malformed('nested too deep')
  if (typeof value === 'string' && !value.isWellFormed()) throw malformed('text with a lone surrogate')
  if (typeof value === 'number' && !Number.isFinite(value)) throw malformed('a number that JSON does not have')
  if (Array.isArray(value)) return `[${value.map((item) => canonicalAt(item, depth + 1)).join(',')}]`
  if (!isObject(value)) {
    if (value !== null && !['string', 'number', 'boolean'].includes(typeof value)) throw malformed(`a ${typeof value}`)
    return JSON.stringify(value)
  }
  // RFC 8785 §3.2.3: "property name strings to be sorted are formatted as arrays of UTF-16 code units", which is what
  // sort() compares.
  const members = Object.keys(value)
    .sort()
    .map((name) => `${canonicalAt(name, depth)}:${canonicalAt(value[name], depth + 1)}`)
  return `{${members.join(',')}}`
}

/** @throws {VerifierError} `SP_RECORD_MALFORMED` for what nests too deep. */
function isSorted(value: unknown, depth: number = 0): boolean {
  if (depth > MAX_DEPTH) throw malformed('nested too deep')
  if (Array.isArray(value)) return value.every((item) => isSorted(item, depth + 1))
  if (!isObject(value)) return true
  let last: string | undefined
  // What JSON.parse made has no members but its own; for…in does not make a list of them first.
  for (const name in value) {
    if (last !== undefined && last >= name) return false
    const member = value[name]
    if (typeof member === 'object' && !isSorted(member, depth + 1)) return false
    last = name
  }
  return true
}

function isWellFormedDeep(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([name, member]) => name.isWellFormed() && isWellFormedDeep(member))
}

/** What the verifier reads of a leaf. @throws {VerifierError} `SP_RECORD_MALFORMED` for a commitment that cannot be read. */
export function factsOf(record: JsonObject): RecordFacts {
  const metadata = objectOf(record['metadata'])
  const unmapped = objectOf(record['unmapped'])
  const phase = unmapped['phase']
  const isLifecycle = record['class_uid'] === CLASS_LIFECYCLE
  return {
    sequence: countOf(metadata['sequence']),
    uid: textOf(metadata['uid']),
    logName: textOf(metadata['log_name']),
    timeMs: countOf(record['time']),
    phase: phase === 'intent' || phase === 'outcome' ? phase : undefined,
    intent: phase === 'outcome' ? countOf(unmapped['intent']) : undefined,
    lifecycle: isLifecycle ? textOf(unmapped['lifecycle']) : undefined,
    cuts: isLifecycle ? cutsOf(unmapped['cut']) : [],
    payload: (unmapped['payload'] ?? undefined) === undefined ? undefined : payloadOf(objectOf(unmapped['payload'])),
  }
}

function cutsOf(value: unknown): readonly Cut[] {
  if (!Array.isArray(value)) return []
  return value.map((cut: unknown) => {
    const { segment, offset, first_index: firstIndex } = objectOf(cut)
    return { segment: countOf(segment) ?? 0, offset: countOf(offset) ?? 0, firstIndex: countOf(firstIndex) ?? 0 }
  })
}

/** A commitment that is there but cannot be read is refused: passing over it would leave its payload unchecked. */
function payloadOf(payload: JsonObject): PayloadCommitment {
  const { alg, key_id: keyId, key_sha256: keySha256, sha256, size } = payload
  if (alg !== 'A256GCM') throw malformed('a payload under an unknown algorithm')
  if (typeof keyId !== 'string' || !isDigest(keySha256) || !isDigest(sha256))
    throw malformed('a payload without its digests')
  const plainBytes = countOf(size)
  if (plainBytes === undefined) throw malformed('a payload without its size')
  return { alg, keyId, keySha256, sha256, size: plainBytes }
}

function isDigest(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
}

function countOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {}
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function malformed(reason: string): VerifierError {
  return new VerifierError('SP_RECORD_MALFORMED', reason)
}
