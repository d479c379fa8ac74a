import { canonicalJson, type Json, type JsonObject } from '#base'

/** An entry bundle gives the length of a leaf two bytes. */
export const MAX_LEAF_BYTES = 65_535

/**
 * How many bytes of JSON each part of a leaf may take; what is longer is cut and named in `unmapped.truncated`. Together with what has a fixed form
 * they stay below `MAX_LEAF_BYTES`, which a property test holds.
 */
export const LEAF_BOUNDS = {
  template: 10_240,
  accesses: 8_192,
  groups: 6_144,
  policies: 6_144,
  reason: 1_024,
  incomplete: 1_024,
  need: 512,
  operation: 512,
  causedBy: 2_048,
  approvalRecords: 2_048,
  approvers: 2_048,
  masking: 24_576,
  details: 32_768,
} as const

/** A name or id that must be whole; a longer one is refused. */
export const MAX_NAME_BYTES = 1_024

/** The bytes that a value takes as canonical JSON. */
export function jsonBytes(value: Json): number {
  return Buffer.byteLength(canonicalJson(value))
}

/** Cuts a text so that it takes at most `maxBytes` as JSON; the text itself when it fits. */
export function capText(text: string, maxBytes: number): string {
  // Six bytes are the most that JSON makes of a code unit (\u0000).
  if (text.length * 6 + 2 <= maxBytes || jsonBytes(text) <= maxBytes) return text
  let fits = 0
  let tooLong = text.length
  while (tooLong - fits > 1) {
    const middle = (fits + tooLong) >> 1
    if (jsonBytes(wholeCharacters(text, middle)) <= maxBytes) fits = middle
    else tooLong = middle
  }
  return wholeCharacters(text, fits)
}

/** The first code units of a text, without half of a surrogate pair at the end. */
function wholeCharacters(text: string, length: number): string {
  const cut = text.slice(0, length)
  return cut.isWellFormed() ? cut : cut.slice(0, -1)
}

/** Keeps as many items from the front as take at most `maxBytes` as a JSON list; the list itself when all do. */
export function capList<T extends Json>(items: readonly T[], maxBytes: number): readonly T[] {
  let bytes = 2
  for (const [count, item] of items.entries()) {
    bytes += jsonBytes(item) + 1
    if (bytes - 1 > maxBytes) return items.slice(0, count)
  }
  return items
}

/** Keeps those members of an object, in order of their names, that fit into `maxBytes`; the object itself when all do. */
export function capMembers(object: JsonObject, maxBytes: number): JsonObject {
  if (jsonBytes(object) <= maxBytes) return object
  const kept: [string, Json][] = []
  let bytes = 2
  for (const name of Object.keys(object).sort()) {
    const member = object[name]
    if (member === undefined) continue
    const more = jsonBytes(name) + jsonBytes(member) + 2
    if (bytes + more > maxBytes) continue
    bytes += more
    kept.push([name, member])
  }
  return Object.fromEntries(kept)
}
