import type { IncomingMessage } from 'node:http'
import { parseUtf8 } from '#base'

/** Reads a body of up to so many bytes; undefined when it is larger, broken off or no UTF-8. The server's own deadline bounds the wait. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    // Whoever asked is still to be answered, so what is too large is left unread and the connection closed after the answer.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      length += chunk.length
      if (length > maxBytes) return undefined
      chunks.push(chunk)
    }
  } catch {
    return undefined
  }
  return parseUtf8(Buffer.concat(chunks))
}
