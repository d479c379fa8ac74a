import { VerifierError } from './errors.ts'

/**
 * SPEC c2sp.org/tlog-tiles: "Full tiles MUST be exactly 256 hashes wide, or 8,192 bytes." A full entry bundle has as
 * many entries.
 */
export const TILE_WIDTH = 256

/** SPEC c2sp.org/tlog-tiles: the level "MUST be a decimal ASCII integer between 0 and 63". */
export const MAX_TILE_LEVEL = 63

/** Where the checkpoint lies. SPEC c2sp.org/tlog-tiles: `<prefix>/checkpoint`. */
export const CHECKPOINT_PATH = 'checkpoint'

/** `tile/…`, `tile/entries/…`, and beside them our own `payload/…`, which are laid out like the entry bundles. */
export type ResourcePath =
  | { readonly kind: 'tile'; readonly level: number; readonly index: number; readonly width: number }
  | { readonly kind: 'entries' | 'payload'; readonly index: number; readonly width: number }

/** The path of a tile; a width of 256 is the full one. @throws {VerifierError} `SP_OUT_OF_RANGE` */
export function tilePath(level: number, index: number, width: number = TILE_WIDTH): string {
  if (!Number.isInteger(level) || level < 0 || level > MAX_TILE_LEVEL) {
    throw new VerifierError('SP_OUT_OF_RANGE', `no tile level ${level}`)
  }
  return `tile/${level}/${formatPosition(index, width)}`
}

/** The path of an entry bundle. @throws {VerifierError} `SP_OUT_OF_RANGE` */
export function entriesPath(index: number, width: number = TILE_WIDTH): string {
  return `tile/entries/${formatPosition(index, width)}`
}

/** The path of the payload file of an entry bundle. @throws {VerifierError} `SP_OUT_OF_RANGE` */
export function payloadPath(index: number, width: number = TILE_WIDTH): string {
  return `payload/${formatPosition(index, width)}`
}

/**
 * SPEC c2sp.org/tlog-tiles: "a non-negative integer encoded into zero-padded 3-digit path elements. All but the last
 * path element MUST begin with an `x`. For example, index 1234067 will be encoded as `x001/x234/067`." Then `.p/<W>`
 * for a partial one.
 */
function formatPosition(index: number, width: number): string {
  if (!Number.isSafeInteger(index) || index < 0) throw new VerifierError('SP_OUT_OF_RANGE', `no tile index ${index}`)
  if (!Number.isInteger(width) || width < 1 || width > TILE_WIDTH) {
    throw new VerifierError('SP_OUT_OF_RANGE', `no tile width ${width}`)
  }
  let path = threeDigits(index % 1000)
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    path = `x${threeDigits(rest % 1000)}/${path}`
  }
  return width === TILE_WIDTH ? path : `${path}.p/${width}`
}

function threeDigits(value: number): string {
  return String(value).padStart(3, '0')
}

const RESOURCE =
  /^(tile\/(?<level>\d{1,2})|tile\/entries|payload)\/(?<groups>(?:x\d{3}\/){0,5}\d{3})(?:\.p\/(?<width>\d{1,3}))?$/

/**
 * Parses a path below the trail's folder; the exact inverse of the formatting functions, so that one resource has one
 * path.
 *
 * @throws {VerifierError} `SP_PATH_MALFORMED`
 */
export function parseResourcePath(path: string): ResourcePath {
  const groups = RESOURCE.exec(path)?.groups
  const index = Number(groups?.['groups']?.replaceAll(/[x/]/g, ''))
  const width = Number(groups?.['width'] ?? TILE_WIDTH)
  const level = groups?.['level']
  // "<W> is the width of the tile, a decimal ASCII integer between 1 and 255": a spelled-out 256 is not the full tile.
  const isInRange =
    Number.isSafeInteger(index) && width >= 1 && width <= TILE_WIDTH && Number(level ?? 0) <= MAX_TILE_LEVEL
  if (groups === undefined || !isInRange)
    throw new VerifierError('SP_PATH_MALFORMED', 'not the path of a tile, entry bundle or payload file')
  const resource = toResource(path, level, index, width)
  if (formatResourcePath(resource) !== path)
    throw new VerifierError('SP_PATH_MALFORMED', 'a path that is not spelled as the specification spells it')
  return resource
}

function toResource(path: string, level: string | undefined, index: number, width: number): ResourcePath {
  if (level !== undefined) return { kind: 'tile', level: Number(level), index, width }
  return { kind: path.startsWith('payload/') ? 'payload' : 'entries', index, width }
}

/** The path of a resource; the exact inverse of `parseResourcePath`. @throws {VerifierError} `SP_OUT_OF_RANGE` */
export function formatResourcePath(resource: ResourcePath): string {
  switch (resource.kind) {
    case 'tile':
      return tilePath(resource.level, resource.index, resource.width)
    case 'entries':
      return entriesPath(resource.index, resource.width)
    case 'payload':
      return payloadPath(resource.index, resource.width)
  }
}

/** How many hashes level `level` has in a tree of `size`: "floor(s / 256**l)". */
export function hashesAtLevel(level: number, size: number): number {
  return Math.floor(size / TILE_WIDTH ** level)
}

/**
 * The width of tile or bundle `index` of `level` in a tree of `size`: 256 when full, 0 when it does not exist.
 *
 * SPEC c2sp.org/tlog-tiles: "The partial tile at level l for a tree of size s has floor(s / 256**l) mod 256 entries.
 * Empty tiles MUST NOT be served."
 */
export function tileWidth(level: number, index: number, size: number): number {
  return Math.max(0, Math.min(TILE_WIDTH, hashesAtLevel(level, size) - index * TILE_WIDTH))
}

/** How many tiles level `level` has in a tree of `size`, the partial one included. */
export function tilesAtLevel(level: number, size: number): number {
  return Math.ceil(hashesAtLevel(level, size) / TILE_WIDTH)
}

/** How many levels have tiles in a tree of `size`. */
export function tileLevels(size: number): number {
  let levels = 0
  while (hashesAtLevel(levels, size) > 0) levels += 1
  return levels
}
