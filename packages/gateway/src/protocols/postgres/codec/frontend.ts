/**
 * Messages that a client sends once the session is up. PostgreSQL 18, Message Formats.
 */
import { type Bytes, parseUtf8 } from '#base'
import { ByteReader } from './byte-reader.ts'
import { MAX_BIND, MAX_NAME, MAX_SMALL_MESSAGE, MAX_STATEMENT_TEXT } from './limits.ts'
import { Front } from './message-types.ts'
import { MessageWriter } from './message-writer.ts'
import { invalid } from './wire-error.ts'

/** Formats of a value: "Presently, text is zero and binary is one." */
export type Format = 0 | 1

/** Which of the two name spaces a Describe or Close means. */
export type Target = 'statement' | 'portal'

/** One message of a client. Bytes are views of what was decoded. */
export type FrontendMessage =
  | { readonly kind: 'query'; readonly text: Bytes }
  | ParseMessage
  | BindMessage
  | { readonly kind: 'describe'; readonly target: Target; readonly name: string }
  | { readonly kind: 'execute'; readonly portal: string; readonly maxRows: number }
  | { readonly kind: 'close'; readonly target: Target; readonly name: string }
  | { readonly kind: 'flush' }
  | { readonly kind: 'sync' }
  | { readonly kind: 'terminate' }
  /** SASL answers too. */
  | { readonly kind: 'password'; readonly data: Bytes }
  | { readonly kind: 'functionCall'; readonly body: Bytes }
  | { readonly kind: 'copyData'; readonly data: Bytes }
  | { readonly kind: 'copyDone' }
  | { readonly kind: 'copyFail'; readonly reason: Bytes }

/** Prepares a statement; the empty name is the unnamed one. */
export interface ParseMessage {
  readonly kind: 'parse'
  readonly name: string
  readonly text: Bytes
  /** Object ids of parameter types; 0 leaves one open, and there may be fewer than parameters. */
  readonly parameterTypes: readonly number[]
}

/** Binds a prepared statement to parameters, which makes a portal. */
export interface BindMessage {
  readonly kind: 'bind'
  readonly portal: string
  readonly statement: string
  /** None (all text), one (for all), or one for each parameter. */
  readonly parameterFormats: readonly Format[]
  /** `undefined` is NULL. */
  readonly parameters: readonly (Bytes | undefined)[]
  /** None (all text), one (for all), or one for each column. */
  readonly resultFormats: readonly Format[]
}

/** The most bytes of a whole message of a type, header included; 0 for a type that no client may send. */
export function frontendLimit(type: number): number {
  switch (type) {
    case Front.query:
    case Front.parse:
      // Room for the name and the parameter types (at most 65535 of 4 bytes) beside the text.
      return MAX_STATEMENT_TEXT + MAX_SMALL_MESSAGE
    case Front.bind:
      return MAX_BIND
    case Front.describe:
    case Front.execute:
    case Front.close:
    case Front.flush:
    case Front.sync:
    case Front.terminate:
    case Front.password:
    case Front.functionCall:
    case Front.copyData:
    case Front.copyDone:
    case Front.copyFail:
      return MAX_SMALL_MESSAGE
    default:
      return 0
  }
}

/**
 * Decodes the whole message `buffer[start]`…`buffer[end - 1]`.
 *
 * @throws {WireError} `SP_WIRE_INVALID`.
 */
export function decodeFrontend(buffer: Bytes, start: number, end: number): FrontendMessage {
  const reader = new ByteReader(buffer, start, end)
  const type = reader.uint8()
  reader.int32()
  const message = decodeBody(type, reader)
  reader.finish()
  return message
}

function decodeBody(type: number, reader: ByteReader): FrontendMessage {
  switch (type) {
    case Front.query:
      return { kind: 'query', text: reader.cstringBytes(reader.remaining) }
    case Front.parse:
      return decodeParse(reader)
    case Front.bind:
      return decodeBind(reader)
    case Front.describe:
      return { kind: 'describe', target: decodeTarget(reader), name: reader.cstring(MAX_NAME) }
    case Front.execute:
      return { kind: 'execute', portal: reader.cstring(MAX_NAME), maxRows: reader.int32() }
    case Front.close:
      return { kind: 'close', target: decodeTarget(reader), name: reader.cstring(MAX_NAME) }
    case Front.flush:
      return { kind: 'flush' }
    case Front.sync:
      return { kind: 'sync' }
    case Front.terminate:
      return { kind: 'terminate' }
    case Front.password:
      return { kind: 'password', data: reader.bytes(reader.remaining) }
    case Front.functionCall:
      return { kind: 'functionCall', body: reader.bytes(reader.remaining) }
    case Front.copyData:
      return { kind: 'copyData', data: reader.bytes(reader.remaining) }
    case Front.copyDone:
      return { kind: 'copyDone' }
    case Front.copyFail:
      return { kind: 'copyFail', reason: reader.cstringBytes(reader.remaining) }
    default:
      throw invalid('a message type that no client may send')
  }
}

/** `name: string | text: string | n: int16 | type: int32 × n` */
function decodeParse(reader: ByteReader): ParseMessage {
  const name = reader.cstring(MAX_NAME)
  const text = reader.cstringBytes(reader.remaining)
  const count = reader.uint16()
  if (count * 4 > reader.remaining) throw invalid('a Parse that counts more parameter types than it holds')
  const parameterTypes: number[] = []
  for (let index = 0; index < count; index++) parameterTypes.push(reader.uint32())
  return { kind: 'parse', name, text, parameterTypes }
}

/** `portal: string | statement: string | n: int16 | format: int16 × n | n: int16 | (length: int32 | bytes) × n | n: int16 | format: int16 × n` */
function decodeBind(reader: ByteReader): BindMessage {
  const portal = reader.cstring(MAX_NAME)
  const statement = reader.cstring(MAX_NAME)
  const parameterFormats = decodeFormats(reader)
  const count = reader.uint16()
  if (count * 4 > reader.remaining) throw invalid('a Bind that counts more parameters than it holds')
  if (parameterFormats.length > 1 && parameterFormats.length !== count) {
    throw invalid('a Bind whose parameter formats do not fit its parameters')
  }
  const parameters: (Bytes | undefined)[] = []
  for (let index = 0; index < count; index++) parameters.push(decodeValue(reader))
  return { kind: 'bind', portal, statement, parameterFormats, parameters, resultFormats: decodeFormats(reader) }
}

function decodeFormats(reader: ByteReader): readonly Format[] {
  const count = reader.uint16()
  if (count * 2 > reader.remaining) throw invalid('a Bind that counts more formats than it holds')
  const formats: Format[] = []
  for (let index = 0; index < count; index++) {
    const format = reader.uint16()
    if (format !== 0 && format !== 1) throw invalid('a format code that is neither text nor binary')
    formats.push(format)
  }
  return formats
}

/** "The length of the parameter value, in bytes … As a special case, -1 indicates a NULL parameter value." */
function decodeValue(reader: ByteReader): Bytes | undefined {
  const length = reader.int32()
  if (length === -1) return undefined
  return reader.bytes(length)
}

function decodeTarget(reader: ByteReader): Target {
  const letter = reader.uint8()
  if (letter === 0x53) return 'statement'
  if (letter === 0x50) return 'portal'
  throw invalid('a Describe or Close of neither a statement nor a portal')
}

/** Encodes a message; the exact inverse of `decodeFrontend`. */
export function encodeFrontend(message: FrontendMessage): Bytes {
  switch (message.kind) {
    case 'query':
      return new MessageWriter(Front.query).cstringBytes(message.text).build()
    case 'parse':
      return encodeParse(message)
    case 'bind':
      return encodeBind(message)
    case 'describe':
      return new MessageWriter(Front.describe).uint8(encodeTarget(message.target)).cstring(message.name).build()
    case 'execute':
      return new MessageWriter(Front.execute).cstring(message.portal).int32(message.maxRows).build()
    case 'close':
      return new MessageWriter(Front.close).uint8(encodeTarget(message.target)).cstring(message.name).build()
    case 'flush':
      return new MessageWriter(Front.flush).build()
    case 'sync':
      return new MessageWriter(Front.sync).build()
    case 'terminate':
      return new MessageWriter(Front.terminate).build()
    case 'password':
      return new MessageWriter(Front.password).bytes(message.data).build()
    case 'functionCall':
      return new MessageWriter(Front.functionCall).bytes(message.body).build()
    case 'copyData':
      return new MessageWriter(Front.copyData).bytes(message.data).build()
    case 'copyDone':
      return new MessageWriter(Front.copyDone).build()
    case 'copyFail':
      return new MessageWriter(Front.copyFail).cstringBytes(message.reason).build()
  }
}

function encodeParse(message: ParseMessage): Bytes {
  const writer = new MessageWriter(Front.parse).cstring(message.name).cstringBytes(message.text)
  writer.uint16(message.parameterTypes.length)
  for (const type of message.parameterTypes) writer.int32(type)
  return writer.build()
}

function encodeBind(message: BindMessage): Bytes {
  const writer = new MessageWriter(Front.bind).cstring(message.portal).cstring(message.statement)
  encodeFormats(writer, message.parameterFormats)
  writer.uint16(message.parameters.length)
  for (const value of message.parameters) {
    if (value === undefined) writer.int32(-1)
    else writer.int32(value.length).bytes(value)
  }
  encodeFormats(writer, message.resultFormats)
  return writer.build()
}

function encodeFormats(writer: MessageWriter, formats: readonly Format[]): void {
  writer.uint16(formats.length)
  for (const format of formats) writer.uint16(format)
}

function encodeTarget(target: Target): number {
  return target === 'statement' ? 0x53 : 0x50
}

/** The password of a PasswordMessage, or undefined when it is not one UTF-8 string with its terminating zero byte. */
export function passwordOf(data: Bytes): string | undefined {
  if (data.length === 0 || data.indexOf(0) !== data.length - 1) return undefined
  return parseUtf8(data.subarray(0, -1))
}
