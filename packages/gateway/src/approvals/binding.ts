import { createHmac } from 'node:crypto'
import { type Bytes, type Secret, toHex, toUtf8 } from '#base'
import type { HeldOperation } from '#model'

/** Changes when the encoding does, so that no request is ever matched under another reading. */
const FORM = 'sallyport approval binding v1'

/**
 * The digest by which an approval covers one operation and no other: whoever asks (person or workload, and the client they act through), the
 * way, the resource, and the exact bytes asked for. Not the connection, the session or the time.
 *
 * HMAC-SHA-256 under a key of its own: statements hold card numbers, and a plain digest of one could be guessed. Each part has its length (or
 * its absence) before it, so that no two operations are encoded alike.
 */
export function bindingOf({ session, operation, via }: HeldOperation, key: Secret<Bytes>): string {
  const { identity, resource } = session
  const { shape, payload, exact } = operation
  const parts: readonly (Bytes | string | undefined)[] = [
    FORM,
    identity.kind,
    identity.id,
    identity.agent?.id,
    via?.server,
    via?.tool,
    resource.kind,
    resource.name,
    shape.verb,
    shape.definition,
    payload,
    operation.arguments,
    exact?.(),
  ]
  const digest = createHmac('sha256', key.expose())
  for (const part of parts) {
    const bytes = typeof part === 'string' ? toUtf8(part) : part
    digest.update(lengthOf(bytes))
    if (bytes !== undefined) digest.update(bytes)
  }
  return toHex(digest.digest())
}

/** `absent: 0 | present: 1, length: uint32`, big-endian. */
function lengthOf(bytes: Bytes | undefined): Bytes {
  const head = new Uint8Array(5)
  if (bytes === undefined) return head
  head[0] = 1
  new DataView(head.buffer).setUint32(1, bytes.length)
  return head
}
