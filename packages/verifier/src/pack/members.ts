/** Members of parsed records. A record may be anything: what is not there, or of another type, is null. */

/** A JSON object as it was parsed. */
export type JsonObject = Readonly<Record<string, unknown>>

/**
 * The value at a path of members, undefined when there is none. The names are this package's own, so none of them is one
 * that every object has.
 */
export function valueAt(value: unknown, ...path: readonly string[]): unknown {
  let at = value
  for (const name of path) {
    if (typeof at !== 'object' || at === null) return undefined
    at = (at as JsonObject)[name]
  }
  return at
}

export function textAt(value: unknown, ...path: readonly string[]): string | null {
  const found = valueAt(value, ...path)
  return typeof found === 'string' ? found : null
}

export function countAt(value: unknown, ...path: readonly string[]): number | null {
  const found = valueAt(value, ...path)
  return typeof found === 'number' && Number.isSafeInteger(found) ? found : null
}

export function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = valueAt(value, ...path)
  return Array.isArray(found) ? found : []
}

/** The texts of a list; what is no text is passed over. */
export function textsAt(value: unknown, ...path: readonly string[]): readonly string[] {
  return listAt(value, ...path).filter((item) => typeof item === 'string')
}

/** The numbers of the records that a member refers to: `{index, origin}` each. */
export function recordsAt(value: unknown, ...path: readonly string[]): readonly number[] {
  return listAt(value, ...path).flatMap((item) => countAt(item, 'index') ?? [])
}

/** Times are milliseconds in records and RFC 3339 in UTC in tables; null for what is no time. */
export function utc(timeMs: number | null): string | null {
  return timeMs === null || timeMs < 0 || timeMs > 8.64e15 ? null : new Date(timeMs).toISOString()
}

/** A truth in words; null for what is none. */
export function yesOrNo(value: unknown): 'yes' | 'no' | null {
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : null
}
