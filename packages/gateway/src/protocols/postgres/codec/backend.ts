/**
 * Messages that a server sends. PostgreSQL 18, Message Formats. On the way of results these are not decoded to objects: `rows.ts` walks
 * rows in place. Decoding is for the handshake, descriptions, errors and notices.
 */
import type { Bytes } from '#base'
import { ByteReader } from './byte-reader.ts'
import type { Format } from './frontend.ts'
import { MAX_ROW, MAX_SERVER_MESSAGE } from './limits.ts'
import { Back } from './message-types.ts'
import { invalid } from './wire-error.ts'

/** "Current backend transaction status indicator": idle, in a transaction block, in a failed transaction block. */
export type TransactionStatus = 'I' | 'T' | 'E'

/** One column of a RowDescription. */
export interface ColumnDescription {
  readonly name: string
  /** "If the field can be identified as a column of a specific table, the object ID of the table; otherwise zero." */
  readonly tableId: number
  /** "… the attribute number of the column; otherwise zero." */
  readonly attribute: number
  readonly typeId: number
  /** Negative for variable-width types. */
  readonly typeSize: number
  readonly typeModifier: number
  /** 0 where it is not known yet (Describe of a statement). */
  readonly format: Format
}

/** Fields of an error or notice in order: a letter (PostgreSQL 18, Error and Notice Message Fields) and its text. */
export type NoticeFields = readonly (readonly [letter: string, value: string])[]

/** One message of a server. Bytes are views of what was decoded. */
export type BackendMessage =
  | { readonly kind: 'authentication'; readonly request: number; readonly data: Bytes }
  | { readonly kind: 'backendKeyData'; readonly processId: number; readonly key: Bytes }
  | { readonly kind: 'parameterStatus'; readonly name: string; readonly value: string }
  | { readonly kind: 'readyForQuery'; readonly status: TransactionStatus }
  | { readonly kind: 'rowDescription'; readonly columns: readonly ColumnDescription[] }
  | { readonly kind: 'parameterDescription'; readonly types: readonly number[] }
  | { readonly kind: 'dataRow'; readonly values: readonly (Bytes | undefined)[] }
  | { readonly kind: 'commandComplete'; readonly tag: string }
  | { readonly kind: 'error' | 'notice'; readonly fields: NoticeFields }
  | { readonly kind: 'negotiateProtocolVersion'; readonly version: number; readonly unsupported: readonly string[] }
  | { readonly kind: 'notification'; readonly processId: number; readonly channel: string; readonly payload: string }
  | { readonly kind: 'copyResponse'; readonly type: number; readonly body: Bytes }
  | { readonly kind: 'copyData'; readonly data: Bytes }
  | { readonly kind: 'functionCallResponse'; readonly value: Bytes | undefined }
  | { readonly kind: BareKind }

/** Messages without a body. */
export type BareKind =
  'parseComplete' | 'bindComplete' | 'closeComplete' | 'emptyQuery' | 'noData' | 'portalSuspended' | 'copyDone'

/** Type bytes of the messages without a body. */
export const bareTypes: Readonly<Record<BareKind, number>> = {
  parseComplete: Back.parseComplete,
  bindComplete: Back.bindComplete,
  closeComplete: Back.closeComplete,
  emptyQuery: Back.emptyQuery,
  noData: Back.noData,
  portalSuspended: Back.portalSuspended,
  copyDone: Back.copyDone,
}

const bareKinds = new Map(Object.entries(bareTypes).map(([kind, type]) => [type, kind as BareKind]))

const knownTypes = new Set<number>(Object.values(Back))

/** The most bytes of a whole message of a type, header included; 0 for a type that no server may send. */
export function backendLimit(type: number): number {
  if (type === Back.dataRow) return MAX_ROW
  return knownTypes.has(type) ? MAX_SERVER_MESSAGE : 0
}

/**
 * Decodes the whole message `buffer[start]`…`buffer[end - 1]`.
 *
 * @throws {WireError} `SP_WIRE_INVALID`.
 */
export function decodeBackend(buffer: Bytes, start: number, end: number): BackendMessage {
  const reader = new ByteReader(buffer, start, end)
  const type = reader.uint8()
  reader.int32()
  const message = decodeBody(type, reader)
  reader.finish()
  return message
}

function decodeBody(type: number, reader: ByteReader): BackendMessage {
  const bare = bareKinds.get(type)
  if (bare !== undefined) return { kind: bare }
  switch (type) {
    case Back.authentication:
      return { kind: 'authentication', request: reader.uint32(), data: reader.bytes(reader.remaining) }
    case Back.backendKeyData:
      return { kind: 'backendKeyData', processId: reader.uint32(), key: reader.bytes(reader.remaining) }
    case Back.parameterStatus:
      return { kind: 'parameterStatus', name: reader.lenientCstring(), value: reader.lenientCstring() }
    case Back.readyForQuery:
      return { kind: 'readyForQuery', status: decodeStatus(reader) }
    case Back.rowDescription:
      return { kind: 'rowDescription', columns: decodeColumns(reader) }
    case Back.parameterDescription:
      return { kind: 'parameterDescription', types: decodeTypes(reader) }
    case Back.dataRow:
      return { kind: 'dataRow', values: decodeValues(reader) }
    case Back.commandComplete:
      return { kind: 'commandComplete', tag: reader.lenientCstring() }
    case Back.error:
      return { kind: 'error', fields: decodeFields(reader) }
    case Back.notice:
      return { kind: 'notice', fields: decodeFields(reader) }
    default:
      return decodeRare(type, reader)
  }
}

function decodeRare(type: number, reader: ByteReader): BackendMessage {
  switch (type) {
    case Back.negotiateProtocolVersion:
      return decodeNegotiation(reader)
    case Back.notification: {
      const processId = reader.uint32()
      return { kind: 'notification', processId, channel: reader.lenientCstring(), payload: reader.lenientCstring() }
    }
    case Back.copyInResponse:
    case Back.copyOutResponse:
    case Back.copyBothResponse:
      return { kind: 'copyResponse', type, body: reader.bytes(reader.remaining) }
    case Back.copyData:
      return { kind: 'copyData', data: reader.bytes(reader.remaining) }
    case Back.functionCallResponse:
      return { kind: 'functionCallResponse', value: decodeValue(reader) }
    default:
      throw invalid('a message type that no server may send')
  }
}

function decodeStatus(reader: ByteReader): TransactionStatus {
  const letter = String.fromCharCode(reader.uint8())
  if (letter === 'I' || letter === 'T' || letter === 'E') return letter
  throw invalid('a transaction status that is none')
}

/** `n: int16 | (name: string | table: int32 | attribute: int16 | type: int32 | size: int16 | modifier: int32 | format: int16) × n` */
function decodeColumns(reader: ByteReader): readonly ColumnDescription[] {
  const count = reader.uint16()
  if (count * 19 > reader.remaining) throw invalid('a RowDescription that counts more columns than it holds')
  const columns: ColumnDescription[] = []
  for (let index = 0; index < count; index++) {
    columns.push({
      name: reader.lenientCstring(),
      tableId: reader.uint32(),
      attribute: reader.int16(),
      typeId: reader.uint32(),
      typeSize: reader.int16(),
      typeModifier: reader.int32(),
      format: decodeFormat(reader),
    })
  }
  return columns
}

function decodeFormat(reader: ByteReader): Format {
  const format = reader.uint16()
  if (format === 0 || format === 1) return format
  throw invalid('a format code that is neither text nor binary')
}

function decodeTypes(reader: ByteReader): readonly number[] {
  const count = reader.uint16()
  if (count * 4 > reader.remaining) throw invalid('a ParameterDescription that counts more types than it holds')
  const types: number[] = []
  for (let index = 0; index < count; index++) types.push(reader.uint32())
  return types
}

function decodeValues(reader: ByteReader): readonly (Bytes | undefined)[] {
  const count = reader.uint16()
  if (count * 4 > reader.remaining) throw invalid('a DataRow that counts more values than it holds')
  const values: (Bytes | undefined)[] = []
  for (let index = 0; index < count; index++) values.push(decodeValue(reader))
  return values
}

function decodeValue(reader: ByteReader): Bytes | undefined {
  const length = reader.int32()
  return length === -1 ? undefined : reader.bytes(length)
}

/** `(letter: byte | text: string) × …, then a zero byte` */
function decodeFields(reader: ByteReader): NoticeFields {
  const fields: (readonly [string, string])[] = []
  for (;;) {
    const letter = reader.uint8()
    if (letter === 0) return fields
    fields.push([String.fromCharCode(letter), reader.lenientCstring()])
  }
}

function decodeNegotiation(reader: ByteReader): BackendMessage {
  const version = reader.uint32()
  const count = reader.uint32()
  if (count > reader.remaining) throw invalid('a NegotiateProtocolVersion that counts more options than it holds')
  const unsupported: string[] = []
  for (let index = 0; index < count; index++) unsupported.push(reader.lenientCstring())
  return { kind: 'negotiateProtocolVersion', version, unsupported }
}
