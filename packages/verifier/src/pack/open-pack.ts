import { encodeHex } from '../bytes.ts'
import { VerifierError } from '../errors.ts'
import { MAX_NOTE_BYTES, openNote } from '../note.ts'
import { sha256 } from '../sha256.ts'
import { readWhole } from '../source.ts'
import { parseVerifierKeys, type Trust, VKEY_PATH } from '../trail-head.ts'
import type { Finding, KeyOrigin } from '../verification.ts'
import { formatVerifierKey, MAX_VKEY_BYTES, type VerifierKey } from '../verifier-key.ts'
import { formatSums, MAX_MANIFEST_BYTES, PACK_PATHS, packNoteText, trailPath } from './layout.ts'
import { type PackManifest, parseManifest } from './manifest.ts'
import type { PackSource } from './pack-source.ts'

/** A pack of which manifest, signature, sums and list of files belong together. */
export interface OpenedPack {
  readonly manifest: PackManifest
  readonly key: VerifierKey
  readonly keyOrigin: KeyOrigin
}

type Opening = { readonly pack: OpenedPack } | { readonly finding: Finding }

/** Checks what vouches for every file of a pack. @throws {VerifierError} `SP_FILE_UNREADABLE`, `SP_FILE_TOO_LARGE` */
export async function openPack(source: PackSource, trust: Trust): Promise<Opening> {
  const manifestBytes = await readWhole(source, PACK_PATHS.manifest, MAX_MANIFEST_BYTES)
  if (manifestBytes === undefined) return missing(PACK_PATHS.manifest)
  const signature = await readWhole(source, PACK_PATHS.signature, MAX_NOTE_BYTES)
  if (signature === undefined) return missing(PACK_PATHS.signature)
  const keys = trust.keys ?? (await ownKeys(source))
  if ('code' in keys) return { finding: keys }
  const signed = openSignature(signature, manifestBytes, keys)
  if ('finding' in signed) return signed
  const { manifest, key } = signed
  const sums = await readWhole(source, PACK_PATHS.sums, MAX_MANIFEST_BYTES)
  if (sums === undefined) return missing(PACK_PATHS.sums)
  const expected = Buffer.from(formatSums(manifest.files, manifestBytes, signature))
  if (!expected.equals(sums)) return { finding: sumsChanged(expected.toString(), sums.toString('utf8')) }
  const listing = await checkListing(source, manifest)
  if (listing !== undefined) return { finding: listing }
  return { pack: { manifest, key, keyOrigin: trust.keys === undefined ? 'folder' : 'given' } }
}

async function ownKeys(source: PackSource): Promise<readonly VerifierKey[] | Finding> {
  const path = trailPath(VKEY_PATH)
  const text = await readWhole(source, path, MAX_VKEY_BYTES * 16)
  if (text === undefined)
    return {
      code: 'key-missing',
      verdict: 'undecided',
      message: `no key to check with: ${path} is missing and none was given`,
      file: path,
    }
  try {
    return parseVerifierKeys(text.toString('utf8'))
  } catch (cause) {
    if (!(cause instanceof VerifierError)) throw cause
    return {
      code: 'key-malformed',
      verdict: 'undecided',
      message: `${path} is not a verifier key: ${cause.message}`,
      file: path,
    }
  }
}

type Signed = { readonly manifest: PackManifest; readonly key: VerifierKey } | { readonly finding: Finding }

function openSignature(signature: Uint8Array, manifestBytes: Uint8Array, keys: readonly VerifierKey[]): Signed {
  try {
    const note = openNote(signature, keys)
    const manifest = parseSigned(note.text, manifestBytes)
    if (manifest === undefined)
      return changed(
        PACK_PATHS.manifest,
        `${PACK_PATHS.manifest} changed after signing: its SHA-256 is not the one that ${PACK_PATHS.signature} signs`,
      )
    const key = note.keys.find(({ name }) => name === manifest.origin)
    if (key === undefined || formatVerifierKey(key) !== manifest.verifierKey)
      return changed(PACK_PATHS.manifest, `${PACK_PATHS.manifest} names another key than the one that signed it`)
    return { manifest, key }
  } catch (cause) {
    if (!(cause instanceof VerifierError)) throw cause
    if (cause.code === 'SP_PACK_MALFORMED') return changed(PACK_PATHS.manifest, cause.message)
    if (cause.code === 'SP_NOTE_UNSIGNED')
      return {
        finding: {
          code: 'key-unknown',
          verdict: 'undecided',
          message: `the pack cannot be judged: ${cause.message}`,
          file: PACK_PATHS.signature,
        },
      }
    return changed(PACK_PATHS.signature, `${PACK_PATHS.signature} changed after signing: ${cause.message}`)
  }
}

/** The manifest, when it is the one that was signed. The signature is checked before anything of it is read. */
function parseSigned(text: string, manifestBytes: Uint8Array): PackManifest | undefined {
  const origin = text.split('\n')[1] ?? ''
  if (text !== packNoteText(origin, encodeHex(sha256(manifestBytes)))) return undefined
  const manifest = parseManifest(manifestBytes)
  return manifest.origin === origin ? manifest : undefined
}

function changed(file: string, message: string): { readonly finding: Finding } {
  return { finding: { code: 'pack-changed', verdict: 'altered', message, file } }
}

function missing(file: string): { readonly finding: Finding } {
  return { finding: { code: 'pack-file-missing', verdict: 'incomplete', message: `${file} is missing`, file } }
}

function sumsChanged(expected: string, found: string): Finding {
  const file = PACK_PATHS.sums
  const [wanted, lines] = [expected.split('\n'), found.split('\n')]
  const at = wanted.findIndex((line, index) => line !== lines[index])
  const where = `line ${(at < 0 ? wanted.length : at) + 1}`
  return {
    code: 'pack-changed',
    verdict: 'altered',
    message: `${file} changed: its ${where} is not what the manifest says`,
    file,
  }
}

async function checkListing(source: PackSource, { files }: PackManifest): Promise<Finding | undefined> {
  const own = [PACK_PATHS.manifest, PACK_PATHS.signature, PACK_PATHS.sums]
  const wanted = new Set([...files.map(({ path }) => path), ...own])
  const unexpected = (await source.list())
    .filter(({ path, isFile }) => !(wanted.delete(path) && isFile))
    .map(({ path }) => path)
    .sort()
  const [gone] = [...wanted].sort()
  if (gone !== undefined)
    return {
      code: 'pack-file-missing',
      verdict: 'incomplete',
      message: `${gone} is missing, though the manifest names it`,
      file: gone,
    }
  const [extra] = unexpected
  if (extra === undefined) return undefined
  const message = `${extra} is not part of the pack: the manifest does not name it`
  return { code: 'pack-file-unexpected', verdict: 'altered', message, file: extra }
}
