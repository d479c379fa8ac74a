import { encodeHex } from '../bytes.ts'
import { VerifierError } from '../errors.ts'
import { parseLeaf } from '../record.ts'
import { sha256 } from '../sha256.ts'
import { readWhole } from '../source.ts'
import type { TrailReader } from '../trail-reader.ts'
import type { Finding } from '../verification.ts'
import { type AskingPolicies, askingPolicies, NO_POLICY, policyFiles } from './asking-policies.ts'
import { PACK_PATHS } from './layout.ts'
import type { PackManifest } from './manifest.ts'
import { textAt } from './members.ts'
import type { PackSource } from './pack-source.ts'

/** More than a policy has. */
const MAX_POLICY_BYTES = 64 * 1024 * 1024

/** Which policies ask for an approval, by the policy in the pack; whether that is the one in force `checkPolicy` says. @throws {VerifierError} `SP_FILE_UNREADABLE`, `SP_FILE_TOO_LARGE` */
export async function readAsking(source: PackSource): Promise<AskingPolicies> {
  const whole = await readWhole(source, PACK_PATHS.policyText, MAX_POLICY_BYTES)
  return whole === undefined ? NO_POLICY : askingPolicies(whole.toString('utf8'))
}

/**
 * Checks that the policy in the pack is the one that a record of the log put in force, and that its files are the texts
 * that were loaded.
 *
 * @throws {VerifierError} `SP_FILE_UNREADABLE`, `SP_FILE_TOO_LARGE`
 */
export async function checkPolicy(
  source: PackSource,
  reader: TrailReader,
  { policy }: PackManifest,
): Promise<Finding | undefined> {
  if (policy === undefined) return undefined
  const file = PACK_PATHS.policyText
  const whole = await readWhole(source, file, MAX_POLICY_BYTES)
  if (whole === undefined)
    return { code: 'pack-file-missing', verdict: 'incomplete', message: `${file} is missing`, file }
  if (encodeHex(sha256(whole)) !== policy.hash) return changed(file, 'its SHA-256 is not the hash of the policy')
  const texts: string[] = []
  for (const name of policy.files) {
    const path = `${PACK_PATHS.policyFiles}/${name}`
    const text = await readWhole(source, path, MAX_POLICY_BYTES)
    if (text === undefined)
      return { code: 'pack-file-missing', verdict: 'incomplete', message: `${path} is missing`, file: path }
    texts.push(text.toString('utf8'))
  }
  const loaded = [...policyFiles(whole.toString('utf8'))].sort()
  texts.sort()
  const at = texts.findIndex((text, index) => text !== loaded[index])
  if (at >= 0 || loaded.length !== texts.length)
    return changed(PACK_PATHS.policyFiles, `its files are not the texts that ${file} has`)
  return await checkActivation(reader, policy)
}

async function checkActivation(
  reader: TrailReader,
  { hash, activationRecord }: NonNullable<PackManifest['policy']>,
): Promise<Finding | undefined> {
  const entry = await reader.entry(activationRecord)
  if (entry === undefined)
    return {
      code: 'bundle-missing',
      verdict: 'incomplete',
      message: `record ${activationRecord}, which put the policy in force, is missing`,
      record: activationRecord,
    }
  const leaf = leafOf(entry)
  const isActivation =
    textAt(leaf, 'unmapped', 'activity') === 'activate' &&
    textAt(leaf, 'entity', 'type') === 'policy' &&
    textAt(leaf, 'entity', 'uid') === hash
  if (isActivation) return undefined
  const message = `${PACK_PATHS.policyText} is not the policy that record ${activationRecord} put in force`
  return { code: 'policy-changed', verdict: 'altered', message, record: activationRecord, file: PACK_PATHS.policyText }
}

function leafOf(entry: Uint8Array): unknown {
  try {
    return parseLeaf(entry)
  } catch (cause) {
    // What cannot be read put nothing in force.
    if (cause instanceof VerifierError) return undefined
    throw cause
  }
}

function changed(file: string, reason: string): Finding {
  return { code: 'policy-changed', verdict: 'altered', message: `${file} changed: ${reason}`, file }
}
