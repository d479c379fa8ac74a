import * as nodeCrypto from 'node:crypto'
import { toBuffer } from './bytes.ts'

/** Bytes of a SHA-256 digest. */
export const HASH_BYTES = 32

type OneShot = (algorithm: string, data: Uint8Array, encoding: 'latin1') => string

// Node 20.12 brought crypto.hash, which halves the cost of a small digest; before it, a Hash object per digest does.
const oneShot: OneShot | undefined = 'hash' in nodeCrypto ? nodeCrypto.hash : undefined

export function sha256(data: Uint8Array): Buffer {
  const digest = Buffer.allocUnsafe(HASH_BYTES)
  sha256Into(data, digest, 0)
  return digest
}

/** Writes the digest of `data` into `target` at `offset`; `data` may overlap it. */
export function sha256Into(data: Uint8Array, target: Buffer, offset: number): void {
  // A latin1 string written in place is cheaper than a Buffer made and copied: this is the verifier's and the
  // sequencer's hot loop.
  if (oneShot !== undefined) target.write(oneShot('sha256', data, 'latin1'), offset, 'latin1')
  else nodeCrypto.createHash('sha256').update(data).digest().copy(target, offset)
}

/** The digest of several pieces in a row. */
export function sha256Of(...pieces: readonly Uint8Array[]): Buffer {
  const hash = nodeCrypto.createHash('sha256')
  for (const piece of pieces) hash.update(piece)
  return hash.digest()
}

/** A digest that is fed piece by piece. */
export class Sha256 {
  readonly #hash = nodeCrypto.createHash('sha256')

  update(piece: Uint8Array): void {
    this.#hash.update(toBuffer(piece))
  }

  digest(): Buffer {
    return this.#hash.digest()
  }
}
