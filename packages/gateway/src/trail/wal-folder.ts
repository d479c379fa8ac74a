import { join } from 'node:path'

/** Where a segment lies: its number in twelve digits. */
export function segmentPath(walFolder: string, segment: number): string {
  return join(walFolder, `${String(segment).padStart(12, '0')}.wal`)
}

/** The number in the name of a segment, or undefined when the name is not one's. */
export function parseSegmentName(name: string): number | undefined {
  const digits = /^(\d{12})\.wal$/.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** Where a segment waits to be used again. */
export function pooledPath(walFolder: string, segment: number): string {
  return join(walFolder, `${String(segment).padStart(12, '0')}.pool`)
}

/** Whether a name is that of a file waiting to be used again. */
export function isPooledName(name: string): boolean {
  return /^\d{12}\.pool$/.test(name)
}

/** How many files wait at most. */
export const MAX_POOLED = 3
