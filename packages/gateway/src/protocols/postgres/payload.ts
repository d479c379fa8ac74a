/**
 * The payload of an operation: the exact statement and parameters as JSON. It goes through the scrubber before it is recorded, so a
 * parameter has to be written such that a card number in it can be *seen*: binary integers and numerics as digits, also within arrays, other
 * binary as characters, one a byte, never as hexadecimal.
 */
import { type Bytes, concatBytes, type Json, parseUtf8, toUtf8 } from '#base'
import { MAX_PAYLOAD_BYTES } from '#model'
import type { BindMessage, Format } from './codec/index.ts'

/** Which of its ways through the protocol an operation is. */
export type PayloadMark = 'prepared' | 'fetch'

/** Makes the payload of a statement; `mark` tells a preparation or a further fetch from a run. */
export function statementPayload(statement: string, parameters?: readonly Json[], mark?: PayloadMark): Bytes {
  const facts: Record<string, Json> = { statement }
  if (parameters !== undefined) facts['parameters'] = parameters
  if (mark !== undefined) facts[mark] = true
  return toUtf8(JSON.stringify(facts))
}

/** What a mark adds to a payload. */
const MARK_BYTES = 32

/** Whether a record can hold a payload, with any mark. */
export function isRecordable(payload: Bytes): boolean {
  return payload.length <= MAX_PAYLOAD_BYTES - MARK_BYTES
}

/** The same for the payload of a text, which is only made when its length leaves doubt: JSON makes six bytes of a code unit at most. */
export function isTextRecordable(text: string): boolean {
  return text.length * 6 + 2 * MARK_BYTES <= MAX_PAYLOAD_BYTES || isRecordable(statementPayload(text))
}

/** A payload that a record can hold: as it is, or how many bytes of what it was. */
export function recordable(payload: Bytes, message: string): Bytes {
  return isRecordable(payload) ? payload : unreadablePayload(message, payload.length)
}

/** The payload of something that has no readable text: how many bytes of what it was. */
export function unreadablePayload(message: string, bytes: number): Bytes {
  return toUtf8(JSON.stringify({ message, bytes }))
}

/**
 * Parameters as JSON: text as it is, NULL as null, binary as `{"<type>": "<its text>"}`, `{"<type>[]": ["<its text>", …]}`
 * or `{"binary": "<a character for each byte>"}`.
 */
export function describeParameters(bind: BindMessage, types: readonly number[]): readonly Json[] {
  const { parameterFormats: formats } = bind
  return bind.parameters.map((value, index) => {
    const format = (formats.length === 1 ? formats[0] : formats[index]) ?? 0
    return value === undefined ? null : describeParameter(value, format, types[index] ?? 0)
  })
}

/**
 * The parameters of a Bind byte for byte, with the types that the client declared and the formats: what an approval is bound to, since JSON for
 * reading writes some different ones alike. Names are not part of it, nor what the server says of types, which depends on what was described.
 *
 *   types: uint16 · (type: uint32)… · parameters: uint16 · (format: uint16 · length: int32, -1 for NULL · value)…
 */
export function exactParameters(bind: BindMessage, declaredTypes: readonly number[]): Bytes {
  const { parameterFormats: formats, parameters } = bind
  const head = new DataView(new ArrayBuffer(2 + 4 * declaredTypes.length + 2))
  head.setUint16(0, declaredTypes.length)
  for (const [index, type] of declaredTypes.entries()) head.setUint32(2 + 4 * index, type)
  head.setUint16(head.byteLength - 2, parameters.length)
  const values = parameters.flatMap((value, index) => {
    const field = new DataView(new ArrayBuffer(6))
    field.setUint16(0, (formats.length === 1 ? formats[0] : formats[index]) ?? 0)
    field.setInt32(2, value?.length ?? -1)
    return value === undefined ? [bytesOf(field)] : [bytesOf(field), value]
  })
  return concatBytes([bytesOf(head), ...values])
}

/** Settings by which the same text means something else: `'01/02/2026'`, `now()::date`. PostgreSQL reports each of them. */
const MEANING = ['DateStyle', 'IntervalStyle', 'TimeZone']

/** What an approval is bound to besides the payload: what the session has set, and the parameters byte for byte. */
export function exactMeaning(settings: ReadonlyMap<string, string>, parameters: Bytes | undefined): Bytes {
  const set = MEANING.map((name) => `${name}\0${settings.get(name) ?? ''}\0`).join('')
  return concatBytes([toUtf8(set), parameters ?? new Uint8Array()])
}

function bytesOf({ buffer }: DataView): Bytes {
  return new Uint8Array(buffer)
}

function describeParameter(value: Bytes, format: Format, type: number): Json {
  if (format === 0) return parseUtf8(value) ?? { binary: latin1(value) }
  const reader = binaryReaders.get(type)
  const text = reader?.read(value)
  if (reader !== undefined && text !== undefined) return { [reader.name]: text }
  return describeUntyped(value)
}

/**
 * A binary value of a type that is not known (the server infers it): readable text is text; eight bytes are most often an int8, and a
 * numeric shows its structure. Whatever it is, its digits can be seen.
 */
function describeUntyped(value: Bytes): Json {
  const text = parseUtf8(value)
  if (text !== undefined && !/[\0-\x08\x0e-\x1f]/.test(text)) return { binary: text }
  const numeric = readNumeric(value)
  if (numeric !== undefined) return { numeric }
  if (value.length === 8) return { int8: readInt8(value) ?? '' }
  return readArray(value) ?? { binary: latin1(value) }
}

/** PostgreSQL 18, array.h: MAXDIM. */
const MAX_DIMENSIONS = 6

/**
 * `array_send: dimensions: int32 | has NULLs: int32 | type: uint32 | (size: int32 | lower bound: int32) × dimensions | (length: int32, -1 for NULL ·
 * value) × elements`. The elements one after the other, whatever the dimensions; undefined also when they are more text than a record can hold.
 */
function readArray(value: Bytes): Json | undefined {
  if (value.length < 12) return undefined
  const fields = view(value)
  const [dimensions, type] = [fields.getInt32(0), fields.getUint32(8)]
  let at = 12 + 8 * dimensions
  if (dimensions < 0 || dimensions > MAX_DIMENSIONS || at > value.length) return undefined
  let count = dimensions === 0 ? 0 : 1
  for (let offset = 12; offset < at; offset += 8) count *= fields.getInt32(offset)
  const elements: (string | null)[] = []
  let room = MAX_PAYLOAD_BYTES
  while (at + 4 <= value.length) {
    const length = fields.getInt32(at)
    at += 4 + Math.max(length, 0)
    if (length < -1 || at > value.length || elements.length === count) return undefined
    const text = length < 0 ? null : elementText(value.subarray(at - length, at), type)
    elements.push(text)
    room -= text?.length ?? 0
    if (room < 0) return undefined
  }
  if (at !== value.length || elements.length !== count) return undefined
  return { [`${binaryReaders.get(type)?.name ?? 'binary'}[]`]: elements }
}

function elementText(value: Bytes, type: number): string {
  return binaryReaders.get(type)?.read(value) ?? parseUtf8(value) ?? latin1(value)
}

/** One character for each byte (ISO 8859-1). */
function latin1(value: Bytes): string {
  let text = ''
  for (const byte of value) text += String.fromCharCode(byte)
  return text
}

interface BinaryReader {
  readonly name: string
  /** The value as text, or undefined when the bytes are none of this type. */
  read(value: Bytes): string | undefined
}

/** By type id; PostgreSQL 18, the `…send` functions of src/backend/utils/adt. */
const binaryReaders = new Map<number, BinaryReader>([
  [20, { name: 'int8', read: readInt8 }],
  [21, { name: 'int2', read: (value) => (value.length === 2 ? String(view(value).getInt16(0)) : undefined) }],
  [23, { name: 'int4', read: (value) => (value.length === 4 ? String(view(value).getInt32(0)) : undefined) }],
  [700, { name: 'float4', read: (value) => (value.length === 4 ? String(view(value).getFloat32(0)) : undefined) }],
  [701, { name: 'float8', read: (value) => (value.length === 8 ? String(view(value).getFloat64(0)) : undefined) }],
  [790, { name: 'money', read: readInt8 }],
  [1700, { name: 'numeric', read: readNumeric }],
])

function readInt8(value: Bytes): string | undefined {
  return value.length === 8 ? String(view(value).getBigInt64(0)) : undefined
}

const NUMERIC_SIGNS = new Map([
  [0x0000, ''],
  [0x4000, '-'],
])

/** Far beyond a card number; longer ones would only write zeroes, up to 131,072 of them for a parameter of ten bytes. */
const MAX_NUMERIC_WEIGHT = 32
const MAX_NUMERIC_SCALE = 256

/** numeric_send: `digits: int16 | weight: int16 | sign: uint16 | scale: uint16 | (digit: int16, base 10000) × digits`. */
function readNumeric(value: Bytes): string | undefined {
  if (value.length < 8) return undefined
  const fields = view(value)
  const [count, weight, scale] = [fields.getInt16(0), fields.getInt16(2), fields.getUint16(6)]
  const sign = NUMERIC_SIGNS.get(fields.getUint16(4))
  if (sign === undefined || value.length !== 8 + 2 * count) return undefined
  if (Math.abs(weight) > MAX_NUMERIC_WEIGHT || scale > MAX_NUMERIC_SCALE) return undefined
  let digits = ''
  for (let index = 0; index < count; index++) {
    const digit = fields.getUint16(8 + 2 * index)
    if (digit > 9999) return undefined
    digits += String(digit).padStart(4, '0')
  }
  return sign + placePoint(digits, 4 * (weight + 1), scale)
}

/** Puts the decimal point behind `integral` digits (which may lie before or behind those given). */
function placePoint(digits: string, integral: number, scale: number): string {
  const whole = integral > 0 ? digits.slice(0, integral).padEnd(integral, '0') : ''
  const fraction = integral > 0 ? digits.slice(integral) : '0'.repeat(-integral) + digits
  const trimmed = whole.replace(/^0+(?=.)/, '') || '0'
  return scale > 0 || /[1-9]/.test(fraction) ? `${trimmed}.${fraction.padEnd(scale, '0')}` : trimmed
}

function view(value: Bytes): DataView {
  return new DataView(value.buffer, value.byteOffset, value.byteLength)
}
