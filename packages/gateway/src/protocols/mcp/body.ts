import type { IncomingMessage } from 'node:http'
import { type Bytes, concatBytes } from '#base'

/** Why a body was not read. */
export type BodyProblem = 'too-large' | 'too-slow' | 'broken' | 'encoded'

/** Reads the body of a request, up to a size and within a time. What its head says of its length is believed only when it is too much. */
export async function readBody(
  request: IncomingMessage,
  maxBytes: number,
  timeoutMs: number,
): Promise<Bytes | BodyProblem> {
  const { 'content-length': length, 'content-encoding': encoding = 'identity' } = request.headers
  if (encoding.toLowerCase() !== 'identity') return 'encoded'
  if (length !== undefined && Number(length) > maxBytes) return 'too-large'
  return await new Promise((resolve) => {
    const chunks: Bytes[] = []
    let size = 0
    const settle = (outcome: Bytes | BodyProblem): void => {
      clearTimeout(timer)
      request.removeAllListeners('data')
      resolve(outcome)
    }
    const timer = setTimeout(() => {
      settle('too-slow')
    }, timeoutMs)
    request.on('data', (chunk: Bytes) => {
      size += chunk.length
      if (size > maxBytes) settle('too-large')
      else chunks.push(chunk)
    })
    request.once('end', () => {
      settle(concatBytes(chunks))
    })
    request.once('close', () => {
      settle('broken')
    })
    request.once('error', () => {
      settle('broken')
    })
  })
}
