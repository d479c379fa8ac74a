/**
 * The packets that a client may send first. They have no type byte:
 *
 *     length: int32, counts itself | code: int32 | …
 *
 * PostgreSQL 18, Message Formats: CancelRequest, GSSENCRequest, SSLRequest, StartupMessage.
 */
import type { Bytes } from '#base'
import { ByteReader } from './byte-reader.ts'
import { MAX_STARTUP_PACKET } from './limits.ts'
import { MessageWriter } from './message-writer.ts'
import { invalid, WireError } from './wire-error.ts'

const CANCEL_REQUEST = 80877102
const SSL_REQUEST = 80877103
const GSSENC_REQUEST = 80877104

/** PostgreSQL 18, CancelRequest: "The maximum key length is 256 bytes." */
const MAX_CANCEL_KEY = 256

/** The first packet of a connection. */
export type StartupPacket =
  | { readonly kind: 'ssl' }
  | { readonly kind: 'gssenc' }
  | { readonly kind: 'cancel'; readonly processId: number; readonly key: Bytes }
  | {
      readonly kind: 'startup'
      readonly major: number
      readonly minor: number
      /** In the order sent; a name may come twice, the last one counts. */
      readonly parameters: ReadonlyMap<string, string>
    }

/**
 * The length of the packet that begins here, or undefined while fewer than four bytes are there.
 *
 * @throws {WireError} for a length that no start-up packet has.
 */
export function startupLength(buffer: Bytes): number | undefined {
  if (buffer.length < 4) return undefined
  const length = new ByteReader(buffer, 0, 4).uint32()
  if (length < 8) throw invalid('a start-up packet with an impossible length')
  if (length > MAX_STARTUP_PACKET) throw new WireError('SP_WIRE_TOO_LARGE', 'a start-up packet over the limit')
  return length
}

/**
 * Decodes one whole packet.
 *
 * @throws {WireError} `SP_WIRE_INVALID`.
 */
export function decodeStartup(packet: Bytes): StartupPacket {
  const reader = new ByteReader(packet, 4, packet.length)
  const code = reader.uint32()
  switch (code) {
    case SSL_REQUEST:
      reader.finish()
      return { kind: 'ssl' }
    case GSSENC_REQUEST:
      reader.finish()
      return { kind: 'gssenc' }
    case CANCEL_REQUEST:
      return decodeCancel(reader)
    default:
      return { kind: 'startup', major: code >>> 16, minor: code & 0xffff, parameters: decodeParameters(code, reader) }
  }
}

function decodeCancel(reader: ByteReader): StartupPacket {
  const processId = reader.uint32()
  if (reader.remaining < 4 || reader.remaining > MAX_CANCEL_KEY) throw invalid('a cancel key of an impossible length')
  return { kind: 'cancel', processId, key: reader.bytes(reader.remaining) }
}

/** Only those of protocol 3: of another major version nothing but the number is known. */
function decodeParameters(code: number, reader: ByteReader): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  if (code >>> 16 !== 3) return parameters
  for (;;) {
    const name = reader.cstring(MAX_STARTUP_PACKET)
    if (name === '') break
    parameters.set(name, reader.cstring(MAX_STARTUP_PACKET))
  }
  reader.finish()
  return parameters
}

/** Encodes a first packet; the exact inverse of `decodeStartup`. */
export function encodeStartup(packet: StartupPacket): Bytes {
  switch (packet.kind) {
    case 'ssl':
      return new MessageWriter().int32(SSL_REQUEST).build()
    case 'gssenc':
      return new MessageWriter().int32(GSSENC_REQUEST).build()
    case 'cancel':
      return new MessageWriter().int32(CANCEL_REQUEST).int32(packet.processId).bytes(packet.key).build()
    case 'startup': {
      const writer = new MessageWriter().int32((packet.major << 16) | packet.minor)
      for (const [name, value] of packet.parameters) writer.cstring(name).cstring(value)
      return packet.major === 3 ? writer.uint8(0).build() : writer.build()
    }
  }
}
