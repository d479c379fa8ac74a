/** Members of parsed leaves. A leaf may be anything: what is not there, or of another type, is nothing. */
import type { JsonObject } from '#base'

/** Parses a leaf; undefined when it is not a JSON object, which only a damaged trail has. */
export function parseLeaf(json: string): JsonObject | undefined {
  try {
    const leaf: unknown = JSON.parse(json)
    return typeof leaf === 'object' && leaf !== null && !Array.isArray(leaf) ? (leaf as JsonObject) : undefined
  } catch {
    return undefined
  }
}

/** A member of a JSON value, undefined when it is no object or has none. */
export function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Readonly<Record<string, unknown>>)[key]
    : undefined
}

/** The items of a list; none when it is none. */
export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

export function integer(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : null
}
