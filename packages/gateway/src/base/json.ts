/** A JSON value as this code base writes it: integers below 2^53 only, text without lone surrogates. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject
/** A JSON object. */
export interface JsonObject {
  readonly [key: string]: Json
}

/**
 * Formats a JSON value canonically (RFC 8785), restricted to integers: the bytes of a record must be the same wherever it is derived.
 *
 * @throws {TypeError} for a number that is not a safe integer or text with a lone surrogate, which RFC 8785 §3.2.2 forbids.
 * @see https://www.rfc-editor.org/rfc/rfc8785
 */
export function canonicalJson(value: Json): string {
  if (typeof value === 'string') return canonicalString(value)
  if (typeof value === 'number') return canonicalNumber(value)
  if (value === null || typeof value === 'boolean') return String(value)
  if (isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  return canonicalObject(value)
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

function canonicalObject(value: JsonObject): string {
  // RFC 8785 §3.2.3: "property name strings to be sorted are formatted as arrays of UTF-16 code units", which is what sort() compares.
  const members: string[] = []
  for (const key of Object.keys(value).sort()) {
    const member = value[key]
    if (member !== undefined) members.push(`${canonicalString(key)}:${canonicalJson(member)}`)
  }
  return `{${members.join(',')}}`
}

function canonicalString(text: string): string {
  if (!text.isWellFormed()) throw new TypeError('text with a lone surrogate has no canonical JSON form')
  return JSON.stringify(text)
}

function canonicalNumber(value: number): string {
  if (!Number.isSafeInteger(value)) throw new TypeError('only safe integers have a canonical form here')
  return value === 0 ? '0' : String(value)
}
