import type { Bytes } from '#base'
import { type BackendMessage, bareTypes, type ColumnDescription, type NoticeFields } from './backend.ts'
import { Back } from './message-types.ts'
import { MessageWriter } from './message-writer.ts'

/** Encodes a message of a server; the exact inverse of `decodeBackend`. */
export function encodeBackend(message: BackendMessage): Bytes {
  switch (message.kind) {
    case 'authentication':
      return new MessageWriter(Back.authentication).int32(message.request).bytes(message.data).build()
    case 'backendKeyData':
      return new MessageWriter(Back.backendKeyData).int32(message.processId).bytes(message.key).build()
    case 'parameterStatus':
      return new MessageWriter(Back.parameterStatus).cstring(message.name).cstring(message.value).build()
    case 'readyForQuery':
      return new MessageWriter(Back.readyForQuery).uint8(message.status.charCodeAt(0)).build()
    case 'rowDescription':
      return encodeColumns(message.columns)
    case 'parameterDescription':
      return encodeTypes(message.types)
    case 'dataRow':
      return encodeRow(message.values)
    case 'commandComplete':
      return new MessageWriter(Back.commandComplete).cstring(message.tag).build()
    case 'error':
      return encodeFields(Back.error, message.fields)
    case 'notice':
      return encodeFields(Back.notice, message.fields)
    case 'negotiateProtocolVersion':
      return encodeNegotiation(message.version, message.unsupported)
    case 'notification':
      return new MessageWriter(Back.notification)
        .int32(message.processId)
        .cstring(message.channel)
        .cstring(message.payload)
        .build()
    case 'copyResponse':
      return new MessageWriter(message.type).bytes(message.body).build()
    case 'copyData':
      return new MessageWriter(Back.copyData).bytes(message.data).build()
    case 'functionCallResponse':
      return encodeValue(new MessageWriter(Back.functionCallResponse), message.value).build()
    default:
      return new MessageWriter(bareTypes[message.kind]).build()
  }
}

function encodeColumns(columns: readonly ColumnDescription[]): Bytes {
  const writer = new MessageWriter(Back.rowDescription).uint16(columns.length)
  for (const column of columns) {
    writer
      .cstring(column.name)
      .int32(column.tableId)
      .uint16(column.attribute & 0xffff)
    writer
      .int32(column.typeId)
      .uint16(column.typeSize & 0xffff)
      .int32(column.typeModifier)
      .uint16(column.format)
  }
  return writer.build()
}

function encodeTypes(types: readonly number[]): Bytes {
  const writer = new MessageWriter(Back.parameterDescription).uint16(types.length)
  for (const type of types) writer.int32(type)
  return writer.build()
}

function encodeRow(values: readonly (Bytes | undefined)[]): Bytes {
  const writer = new MessageWriter(Back.dataRow).uint16(values.length)
  for (const value of values) encodeValue(writer, value)
  return writer.build()
}

function encodeValue(writer: MessageWriter, value: Bytes | undefined): MessageWriter {
  return value === undefined ? writer.int32(-1) : writer.int32(value.length).bytes(value)
}

function encodeFields(type: number, fields: NoticeFields): Bytes {
  const writer = new MessageWriter(type)
  for (const [letter, value] of fields) writer.uint8(letter.charCodeAt(0)).cstring(value)
  return writer.uint8(0).build()
}

function encodeNegotiation(version: number, unsupported: readonly string[]): Bytes {
  const writer = new MessageWriter(Back.negotiateProtocolVersion).int32(version).int32(unsupported.length)
  for (const option of unsupported) writer.cstring(option)
  return writer.build()
}
