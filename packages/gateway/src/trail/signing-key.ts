import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { ed25519SignerFromSeed, formatVerifierKey, type NoteSigner } from '@sallyport/verifier'
import type { Bytes } from '#base'
import { GatewayError, type Sealer } from '#model'
import { type FilePort, placeFile, readWhole } from './file-port.ts'

const FILE = 'signing.key'
const SEED_BYTES = 32
const MAX_SEALED_BYTES = 4096

/** The key that signs the checkpoints of one log. */
export interface SigningKey {
  /** The 32 bytes of RFC 8032 §5.1.5; for the thread that signs. */
  readonly seed: Bytes
  readonly signer: NoteSigner
  /** What others verify with. */
  readonly verifierKey: string
}

/**
 * Opens the signing key of a log, or makes it when the log is new.
 *
 * @throws {GatewayError} `SP_VAULT_SEAL_BROKEN` when it cannot be opened, `SP_TRAIL_TAMPERED` when it is missing though the log is not new.
 */
export async function openSigningKey(
  files: FilePort,
  folder: string,
  sealer: Sealer,
  log: { readonly origin: string; readonly isNew: boolean },
): Promise<SigningKey> {
  const path = join(folder, FILE)
  const context = `sallyport/trail/signing-key/${log.origin}`
  const sealed = await readWhole(files, path, MAX_SEALED_BYTES)
  if (sealed !== undefined) return signingKey(log.origin, sealer.open(sealed, context))
  if (!log.isNew) throw new GatewayError('SP_TRAIL_TAMPERED', 'the key that signed the last checkpoint is missing')
  const seed = randomBytes(SEED_BYTES)
  await placeFile(files, `${path}.tmp`, path, [sealer.seal(seed, context)])
  await files.syncFolder(folder)
  return signingKey(log.origin, seed)
}

function signingKey(origin: string, seed: Bytes): SigningKey {
  if (seed.length !== SEED_BYTES) throw new GatewayError('SP_VAULT_SEAL_BROKEN', 'the signing key has the wrong length')
  const signer = ed25519SignerFromSeed(origin, seed)
  return { seed, signer, verifierKey: formatVerifierKey(signer.key) }
}
