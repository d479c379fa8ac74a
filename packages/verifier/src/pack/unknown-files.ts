import { CHECKPOINT_PATH, entriesPath, tileLevels, tilePath, tilesAtLevel, tileWidth } from '../tiles.ts'
import { VKEY_PATH } from '../trail-head.ts'
import { PACK_PATHS, tablePath, trailPath } from './layout.ts'
import type { PackManifest } from './manifest.ts'
import { bundlesOf } from './pack-records.ts'
import { RECORD_TABLES } from './pack-tables.ts'
import { STATEMENTS } from './statements.ts'

/** Computed by policy: signed, and not compared. */
const ENTITLEMENTS = '2-entitlements'

/** The names of the tables that a pack has. */
export function tablesOf({ disclosed }: Pick<PackManifest, 'disclosed'>): readonly string[] {
  const names = RECORD_TABLES.map(({ name }) => name)
  return [ENTITLEMENTS, ...names.filter((name) => disclosed === 'statements' || name !== STATEMENTS.name)]
}

/**
 * The files of a manifest that are no part of the format: they are as they were signed, and nothing in them was looked
 * at. To be asked of a pack in which nothing was found: there are then no more tiles in its head than files.
 */
export function unknownFiles(manifest: PackManifest): readonly string[] {
  const { verify, limitations, roster, payloads, policyText, policyFiles, columns } = PACK_PATHS
  const known = new Set<string>([
    ...[verify, limitations, roster, columns],
    ...(manifest.disclosed === 'statements' ? [payloads] : []),
    ...(manifest.policy === undefined ? [] : [policyText]),
    ...(manifest.policy?.files.map((name) => `${policyFiles}/${name}`) ?? []),
    ...tablesOf(manifest).flatMap((name) => [tablePath(name, 'csv'), tablePath(name, 'jsonl')]),
    ...logFiles(manifest).map(trailPath),
  ])
  return manifest.files.map(({ path }) => path).filter((path) => !known.has(path))
}

/** Every tile above level 0, of level 0 those of the bundles and the last one, and the bundles. */
function logFiles(manifest: PackManifest): readonly string[] {
  const { size } = manifest.checkpoint
  const paths: string[] = [CHECKPOINT_PATH, VKEY_PATH]
  for (const index of bundlesOf(manifest)) {
    const width = tileWidth(0, index, size)
    paths.push(entriesPath(index, width), tilePath(0, index, width))
  }
  for (let level = 0; level < tileLevels(size); level += 1) {
    const last = tilesAtLevel(level, size) - 1
    for (let index = level === 0 ? last : 0; index <= last; index += 1)
      paths.push(tilePath(level, index, tileWidth(level, index, size)))
  }
  return paths
}
