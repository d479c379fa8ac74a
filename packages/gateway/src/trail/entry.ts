import type { Bytes } from '#base'
import type { OutcomeStatus } from '#model'

/**
 * The entries of a frame, little endian:
 *
 *     | length, 4 | type, 1 | status, 1 | links, 2 | context, 4 | shape, 4 | index, 8 | time in ms, 8 | body, length - 32 |
 *
 * The body of an intent begins with as many bytes of *links* as the head says, mostly none; the payload follows. Nothing else has links.
 *
 * A *definition* (context: who in which session; shape: what, with the decision) has its own number in the context or shape field, no index, and
 * canonical JSON as body. Numbers of definitions hold within one segment.
 */
export const ENTRY_HEADER_BYTES = 32
/** The fixed part of an outcome's body. */
export const OUTCOME_BYTES = 65

const TYPE = { context: 1, shape: 2, intent: 3, outcome: 4, system: 5 } as const

/** How an operation ended, in the order of the status byte: never reordered, only added to. */
export const OUTCOME_STATUSES: readonly OutcomeStatus[] = [
  'success',
  'error',
  'refused',
  'skipped',
  'cancelled',
  'masking-refused',
  'lost',
]

/** A definition: `number` is what intents and outcomes of the segment refer to. */
type DefinitionEntry =
  | { readonly kind: 'context'; readonly number: number; readonly json: Bytes }
  | { readonly kind: 'shape'; readonly number: number; readonly json: Bytes }

interface Numbered {
  readonly index: number
  readonly timeMs: number
}

/** The intent of one operation; `payload` is scrubbed plaintext. */
export interface IntentRecordEntry extends Numbered {
  readonly kind: 'intent'
  readonly context: number
  readonly shape: number
  /** Canonical JSON of `LinkFacts`; empty when there is nothing to say. At most 65,535 bytes. */
  readonly links: Bytes
  readonly payload: Bytes
}

/** How an operation ended. */
export interface OutcomeRecordEntry extends Numbered {
  readonly kind: 'outcome'
  readonly context: number
  readonly shape: number
  readonly status: OutcomeStatus
  readonly intent: number
  readonly rows: number
  readonly bytes: number
  readonly durationMs: number
  /** 32 bytes, or none. */
  readonly digest?: Bytes
  /** Canonical JSON of `OutcomeExtra`; empty when there is nothing to say. */
  readonly extra: Bytes
}

/** A record whose facts are all in its body: canonical JSON of the leaf without number, time and origin. */
export interface SystemRecordEntry extends Numbered {
  readonly kind: 'system'
  readonly json: Bytes
}

/** Whatever has an index. */
type RecordEntry = IntentRecordEntry | OutcomeRecordEntry | SystemRecordEntry
/** Whatever lies in a frame. */
export type Entry = DefinitionEntry | RecordEntry

/** The length of an entry when encoded. */
export function entryBytes(entry: Entry): number {
  return ENTRY_HEADER_BYTES + bodyBytes(entry)
}

function bodyBytes(entry: Entry): number {
  switch (entry.kind) {
    case 'context':
    case 'shape':
    case 'system':
      return entry.json.length
    case 'intent':
      return entry.links.length + entry.payload.length
    case 'outcome':
      return OUTCOME_BYTES + entry.extra.length
    default:
      return entry satisfies never
  }
}

/** Encodes an entry at an offset of a buffer that has room for it; returns the offset behind it. */
export function encodeEntry(entry: Entry, target: Buffer, offset: number): number {
  const end = offset + entryBytes(entry)
  target.fill(0, offset, offset + ENTRY_HEADER_BYTES)
  target.writeUInt32LE(end - offset, offset)
  target[offset + 4] = TYPE[entry.kind]
  if (entry.kind === 'context' || entry.kind === 'shape') {
    target.writeUInt32LE(entry.number, offset + (entry.kind === 'context' ? 8 : 12))
    target.set(entry.json, offset + ENTRY_HEADER_BYTES)
    return end
  }
  target.writeDoubleLE(entry.index, offset + 16)
  target.writeDoubleLE(entry.timeMs, offset + 24)
  if (entry.kind === 'system') {
    target.set(entry.json, offset + ENTRY_HEADER_BYTES)
    return end
  }
  target.writeUInt32LE(entry.context, offset + 8)
  target.writeUInt32LE(entry.shape, offset + 12)
  if (entry.kind === 'intent') encodeIntent(entry, target, offset)
  else encodeOutcome(entry, target, offset)
  return end
}

function encodeIntent({ links, payload }: IntentRecordEntry, target: Buffer, offset: number): void {
  const body = offset + ENTRY_HEADER_BYTES
  target.set(payload, body + links.length)
  if (links.length === 0) return
  target.writeUInt16LE(links.length, offset + 6)
  target.set(links, body)
}

function encodeOutcome(entry: OutcomeRecordEntry, target: Buffer, offset: number): void {
  target[offset + 5] = OUTCOME_STATUSES.indexOf(entry.status)
  const body = offset + ENTRY_HEADER_BYTES
  target.writeDoubleLE(entry.intent, body)
  target.writeDoubleLE(entry.rows, body + 8)
  target.writeDoubleLE(entry.bytes, body + 16)
  target.writeDoubleLE(entry.durationMs, body + 24)
  target[body + 32] = entry.digest === undefined ? 0 : 1
  if (entry.digest === undefined) target.fill(0, body + 33, body + OUTCOME_BYTES)
  else target.set(entry.digest, body + 33)
  target.set(entry.extra, body + OUTCOME_BYTES)
}

/**
 * Decodes the entries of an opened frame; views of the frame, not copies.
 *
 * @throws {RangeError} for what encodeEntry does not write: the tag fitted, so it is a mistake of ours and never passed over.
 */
export function* decodeEntries(frame: Buffer): Generator<Entry, void, undefined> {
  let offset = 0
  while (offset < frame.length) {
    const length = frame.length - offset < ENTRY_HEADER_BYTES ? 0 : frame.readUInt32LE(offset)
    if (length < ENTRY_HEADER_BYTES || offset + length > frame.length) throw new RangeError('an entry is cut short')
    yield decodeEntry(frame.subarray(offset, offset + length))
    offset += length
  }
}

function decodeEntry(entry: Buffer): Entry {
  const body = entry.subarray(ENTRY_HEADER_BYTES)
  const context = entry.readUInt32LE(8)
  const shape = entry.readUInt32LE(12)
  const numbered = { index: entry.readDoubleLE(16), timeMs: entry.readDoubleLE(24) }
  switch (entry[4]) {
    case TYPE.context:
      return { kind: 'context', number: context, json: body }
    case TYPE.shape:
      return { kind: 'shape', number: shape, json: body }
    case TYPE.intent:
      return { kind: 'intent', ...numbered, context, shape, ...decodeIntent(entry.readUInt16LE(6), body) }
    case TYPE.outcome:
      return { kind: 'outcome', ...numbered, context, shape, ...decodeOutcome(entry[5] ?? 255, body) }
    case TYPE.system:
      return { kind: 'system', ...numbered, json: body }
    default:
      throw new RangeError(`no entry has the type ${entry[4]}`)
  }
}

/** The links of an intent that has none. */
export const NO_LINKS: Bytes = Buffer.alloc(0)

function decodeIntent(length: number, body: Buffer): Pick<IntentRecordEntry, 'links' | 'payload'> {
  if (length === 0) return { links: NO_LINKS, payload: body }
  if (length > body.length) throw new RangeError('the links of an intent are cut short')
  return { links: body.subarray(0, length), payload: body.subarray(length) }
}

type OutcomeBody = Omit<OutcomeRecordEntry, 'kind' | 'context' | 'shape' | keyof Numbered>

function decodeOutcome(statusByte: number, body: Buffer): OutcomeBody {
  const status = OUTCOME_STATUSES[statusByte]
  if (status === undefined || body.length < OUTCOME_BYTES) throw new RangeError('an outcome is cut short')
  return {
    status,
    intent: body.readDoubleLE(0),
    rows: body.readDoubleLE(8),
    bytes: body.readDoubleLE(16),
    durationMs: body.readDoubleLE(24),
    ...(body[32] === 1 ? { digest: body.subarray(33, OUTCOME_BYTES) } : {}),
    extra: body.subarray(OUTCOME_BYTES),
  }
}
