import { mkdirSync, rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { VERSION } from '#base'
import type { BuiltEvidence, EvidenceControl } from '#api'
import { buildPack, packArchive, type PackSources } from '#evidence'
import { systemClock } from '#machine'
import { GatewayError } from '#model'
import type { TrailReader } from '#model/read'
import type { Trail } from '#trail'
import type { InForce } from './in-force.ts'

/** How long building waits for a checkpoint that covers what is durable, and for the index of it. */
const INDEXED_MS = 60_000
const INDEXED_STEP_MS = 50
const MAX_FILE_NAME = 64

/** What evidence is built from. */
export interface EvidenceParts {
  readonly dataFolder: string
  readonly trailFolder: string
  readonly trail: Trail
  readonly reader: TrailReader
  readonly active: () => InForce
  readonly names: PackSources['names']
}

/** Builds evidence packs in a folder of their own, one at a time; none outlives its being handed over, or a start. */
export function createEvidence(parts: EvidenceParts): EvidenceControl {
  const workFolder = join(parts.dataFolder, 'evidence')
  // What a process that ended left behind may hold disclosed payloads.
  rmSync(workFolder, { recursive: true, force: true })
  mkdirSync(workFolder, { mode: 0o700 })
  let isBuilding = false
  return {
    async build(order) {
      if (isBuilding) throw new GatewayError('SP_BUSY', 'another pack is being built')
      isBuilding = true
      try {
        // The policy in force before: the record that put it there is durable now, and so in the head that is waited for.
        const sources = sourcesOf(parts)
        await indexed(parts.reader, parts.trail.status().durable)
        return await buildIn(await mkdtemp(join(workFolder, 'pack-')), order, sources)
      } finally {
        isBuilding = false
      }
    },
  }
}

async function buildIn(
  folder: string,
  order: Parameters<EvidenceControl['build']>[0],
  sources: PackSources,
): Promise<BuiltEvidence> {
  const dispose = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    const { manifestSha256, records, files } = await buildPack(order, sources, folder)
    return { manifestSha256, records, files: files.length, archive: () => packArchive(folder, files), dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}

/** Waits until all records below a number are in a checkpoint and found by the index. */
async function indexed(reader: TrailReader, size: number): Promise<void> {
  const until = systemClock.monotonicMs() + INDEXED_MS
  while ((await reader.status()).indexed < size) {
    if (systemClock.monotonicMs() >= until)
      throw new GatewayError('SP_API_UNAVAILABLE', 'the newest records are not in a checkpoint yet')
    await delay(INDEXED_STEP_MS)
  }
}

function sourcesOf({ trailFolder, trail, reader, active, names }: EvidenceParts): PackSources {
  const { policy, toolServers, activationRecord } = active()
  return {
    directory: trailFolder,
    reader,
    indexed: (size) => indexed(reader, size),
    keys: trail.payloadKeys,
    product: `Sallyport ${VERSION}`,
    names,
    policy: () => {
      if (activationRecord < 0) return undefined
      const { hash, canonicalText, sources } = policy
      return {
        hash,
        canonicalText,
        activationRecord,
        files: sources.map(({ name, text }) => ({ name: fileName(name), text })),
      }
    },
    entitlements: (subject) => policy.entitlements(subject).map((row) => ({ ...row, file: fileName(row.file) })),
    tools: toolServers.flatMap(({ resource: { name: server, tools } }) =>
      tools.map(({ name }) => ({ server, tool: name })),
    ),
    sign: (manifestSha256) => trail.signPack(manifestSha256),
  }
}

/** A policy file's name without its folder, in the letters that names in a pack have. */
function fileName(path: string): string {
  return basename(path)
    .replaceAll(/[^A-Za-z0-9._-]/g, '_')
    .replace(/^[.-]/, '_')
    .slice(-MAX_FILE_NAME)
}
