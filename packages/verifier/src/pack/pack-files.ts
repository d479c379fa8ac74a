import { encodeHex } from '../bytes.ts'
import { Sha256 } from '../sha256.ts'
import type { Finding } from '../verification.ts'
import type { PackFile } from './manifest.ts'
import type { PackSource } from './pack-source.ts'

/** Bytes of a file that are in memory at once. */
const WINDOW_BYTES = 1024 * 1024

/** The files that are not those of the manifest, in its order; all were read. @throws {VerifierError} `SP_FILE_UNREADABLE` */
export async function changedFiles(
  source: PackSource,
  files: readonly PackFile[],
): Promise<ReadonlyMap<string, Finding>> {
  const window = Buffer.allocUnsafe(WINDOW_BYTES)
  const findings = new Map<string, Finding>()
  for (const file of files) {
    const finding = await checkFile(source, file, window)
    if (finding !== undefined) findings.set(file.path, finding)
  }
  return findings
}

async function checkFile(
  source: PackSource,
  { path, sha256, size }: PackFile,
  window: Buffer,
): Promise<Finding | undefined> {
  const file = await source.open(path)
  if (file === undefined)
    return { code: 'pack-file-missing', verdict: 'incomplete', message: `${path} is missing`, file: path }
  try {
    if (file.size !== size) return fileChanged(path, `it has ${file.size} bytes, the manifest says ${size}`)
    const hash = new Sha256()
    for (let at = 0; at < size;) {
      const read = await file.read(window, at)
      if (read === 0) break
      hash.update(window.subarray(0, read))
      at += read
    }
    return encodeHex(hash.digest()) === sha256
      ? undefined
      : fileChanged(path, 'its SHA-256 is not the one in the manifest')
  } finally {
    await file.close()
  }
}

function fileChanged(path: string, reason: string): Finding {
  return { code: 'pack-file-changed', verdict: 'altered', message: `${path} changed: ${reason}`, file: path }
}
