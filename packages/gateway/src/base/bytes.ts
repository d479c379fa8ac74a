/** An unsigned byte array; a view handed out is never rewritten by its giver unless it says so. */
export type Bytes = Uint8Array<ArrayBufferLike>

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Encodes text as UTF-8; lone surrogates become U+FFFD. */
export function toUtf8(text: string): Bytes {
  return encoder.encode(text)
}

/** Decodes UTF-8; malformed sequences become U+FFFD, so this is for showing, never for deciding. */
export function fromUtf8(bytes: Bytes): string {
  return decoder.decode(bytes)
}

/** Decodes UTF-8, or returns undefined when the bytes are not well-formed UTF-8. */
export function parseUtf8(bytes: Bytes): string | undefined {
  try {
    return strictDecoder.decode(bytes)
  } catch {
    return undefined
  }
}

/** Joins byte arrays into one new array. */
export function concatBytes(parts: readonly Bytes[]): Bytes {
  let length = 0
  for (const part of parts) length += part.length
  const joined = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    joined.set(part, offset)
    offset += part.length
  }
  return joined
}

const HEX = '0123456789abcdef'

/** Formats bytes as lower-case hexadecimal. */
export function toHex(bytes: Bytes): string {
  let text = ''
  for (const byte of bytes) text += HEX.charAt(byte >> 4) + HEX.charAt(byte & 15)
  return text
}
