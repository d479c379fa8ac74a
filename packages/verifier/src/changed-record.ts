import { isSameBytes } from './bytes.ts'
import { claimedSequence, parseRecord } from './record.ts'
import type { RecordProblem } from './record-check.ts'
import { entriesPath, TILE_WIDTH, tilesAtLevel } from './tiles.ts'
import type { BundleRead, TrailReader } from './trail-reader.ts'
import type { Finding } from './verification.ts'

/**
 * Says what happened at `index`, where the bundle has not what was signed, by what stands there and what that claims to
 * be.
 *
 * @throws {VerifierError} `SP_FILE_UNREADABLE`, `SP_FILE_TOO_LARGE`
 */
export async function nameChange(reader: TrailReader, bundle: BundleRead, index: number): Promise<Finding> {
  const entry = entryIn(bundle, index)
  if (entry === undefined) return nameShortBundle(reader, bundle)
  const claimed = claimedSequence(entry)
  if (claimed === undefined || claimed === index)
    return finding('record-changed', bundle, index, `record ${index} changed`)
  const other = await reader.entry(claimed)
  if (other !== undefined && isSameBytes(other, entry)) {
    return finding('record-copied', bundle, index, `record ${index} is a copy of ${claimed}`)
  }
  if (claimed > index && isFollowed(bundle, index, claimed) && !standsElsewhere(bundle, index, other)) {
    const missing = claimed - index === 1 ? `record ${index} is` : `records ${index} to ${claimed - 1} are`
    return finding('record-missing', bundle, index, `${missing} missing: record ${claimed} stands there`)
  }
  return finding('record-moved', bundle, index, `record ${claimed} stands where ${index} should`)
}

/** After a deletion the rest has moved up. */
function isFollowed(bundle: BundleRead, index: number, claimed: number): boolean {
  const next = entryIn(bundle, index + 1)
  return next === undefined || claimedSequence(next) === claimed + 1
}

function standsElsewhere(bundle: BundleRead, index: number, other: Uint8Array | undefined): boolean {
  return [...bundle.entries, ...(other === undefined ? [] : [other])].some((entry) => claimedSequence(entry) === index)
}

/** Says what is wrong with a bundle that ends too early, or does not end with its last entry. */
export function nameShortBundle(reader: TrailReader, bundle: BundleRead): Finding {
  const { entries, path, width, damage } = bundle
  const index = bundle.index * TILE_WIDTH + entries.length
  if (entries.length >= width) {
    return finding(
      'bundle-changed',
      bundle,
      index - 1,
      `${path} does not end with record ${index - 1}: ${damage ?? 'bytes follow'}`,
    )
  }
  if (damage?.startsWith('only') !== true) {
    return finding(
      'record-changed',
      bundle,
      index,
      `record ${index} changed: ${path} cannot be read from there on (${damage ?? 'damaged'})`,
    )
  }
  if (bundle.index === tilesAtLevel(0, reader.size) - 1) return logEnds(index, reader.size, path)
  return finding('record-missing', bundle, index, `record ${index} is missing: ${path} ends before it`)
}

/** Says what is missing with a bundle. @throws {VerifierError} `SP_FILE_UNREADABLE` */
export async function nameMissingBundle(reader: TrailReader, index: number): Promise<Finding> {
  const first = index * TILE_WIDTH
  const last = tilesAtLevel(0, reader.size) - 1
  for (const later of new Set([index + 1, last])) {
    if (later > index && later <= last && (await reader.bundle(later)) !== undefined) {
      const message = `records ${first} to ${first + TILE_WIDTH - 1} are missing: ${entriesPath(index)} is not there`
      return { code: 'bundle-missing', verdict: 'incomplete', message, record: first, file: entriesPath(index) }
    }
  }
  // An older partial bundle may be left; it shows how far the log goes.
  for (let width = Math.min(TILE_WIDTH, reader.size - first) - 1; width > 0; width -= 1) {
    const path = entriesPath(index, width)
    const file = await reader.source.open(path)
    if (file === undefined) continue
    await file.close()
    return logEnds(first + width, reader.size, path)
  }
  return logEnds(first, reader.size, entriesPath(index, Math.min(TILE_WIDTH, reader.size - first)))
}

function logEnds(at: number, size: number, file: string): Finding {
  return {
    code: 'log-short',
    verdict: 'incomplete',
    message: `log ends at ${at} but the checkpoint says ${size}`,
    record: at,
    file,
  }
}

/** Puts a record's own problem into words. @throws {VerifierError} `SP_FILE_UNREADABLE`, `SP_FILE_TOO_LARGE` */
export async function nameProblem(
  reader: TrailReader,
  bundle: BundleRead,
  index: number,
  problem: RecordProblem,
): Promise<Finding> {
  switch (problem.kind) {
    case 'malformed':
      return finding('record-changed', bundle, index, `record ${index} changed: ${problem.reason}`)
    case 'sequence':
      if (problem.claimed !== undefined) return nameChange(reader, bundle, index)
      return finding('record-changed', bundle, index, `record ${index} changed: it has no sequence number`)
    case 'log-name':
      return finding('record-of-another-log', bundle, index, `record ${index} is of another log, ${problem.name}`)
    case 'intent':
      return nameStrayOutcome(reader, bundle, index, problem.intent)
  }
}

async function nameStrayOutcome(
  reader: TrailReader,
  bundle: BundleRead,
  index: number,
  intent: number,
): Promise<Finding> {
  if (intent >= index)
    return finding(
      'outcome-without-intent',
      bundle,
      index,
      `record ${index} is the outcome of ${intent}, which does not come before it`,
    )
  const entry = await reader.entry(intent)
  if (entry !== undefined && isIntent(entry)) {
    return finding('outcome-repeated', bundle, index, `record ${index} is a second outcome of ${intent}`)
  }
  return finding(
    'outcome-without-intent',
    bundle,
    index,
    `record ${index} is the outcome of ${intent}, which is not an intent`,
  )
}

function isIntent(entry: Uint8Array): boolean {
  try {
    return parseRecord(entry).phase === 'intent'
  } catch {
    // What cannot be parsed is not an intent.
    return false
  }
}

function entryIn(bundle: BundleRead, index: number): Uint8Array | undefined {
  return bundle.entries[index - bundle.index * TILE_WIDTH]
}

function finding(code: Finding['code'], bundle: BundleRead, record: number, message: string): Finding {
  return { code, verdict: 'altered', message, record, file: bundle.path }
}
