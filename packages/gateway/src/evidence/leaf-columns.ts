import type { JsonObject } from '#base'

/** What the index keeps of a record, to find it by (`docs/spec/record.md`, "Paths to query by"). */
export interface LeafColumns {
  readonly time: number
  readonly phase: string
  readonly actor: string | null
  readonly session: string | null
  readonly resource: string | null
  readonly verb: string | null
  readonly decision: string | null
  /** The intent's number, for an outcome. */
  readonly intent: number | null
}

/** Reads the columns out of a leaf; what is not there is null. */
export function leafColumns(leaf: JsonObject): LeafColumns {
  const unmapped = leaf['unmapped']
  return {
    time: integer(leaf['time']) ?? 0,
    phase: text(member(unmapped, 'phase')) ?? 'event',
    actor: text(member(member(leaf['actor'], 'user'), 'uid')),
    session: text(member(member(leaf['actor'], 'session'), 'uid')),
    resource: text(member(leaf['dst_endpoint'], 'svc_name')),
    verb: text(member(unmapped, 'verb')),
    decision: text(member(member(unmapped, 'decision'), 'outcome')),
    intent: integer(member(unmapped, 'intent')),
  }
}

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
function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function integer(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : null
}
