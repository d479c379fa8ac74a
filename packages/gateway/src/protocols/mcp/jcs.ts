/** Where the canonical form was put together deeper than any definition is, something is wrong with it. */
const MAX_DEPTH = 128

/**
 * The canonical form of a JSON value as `parseJson` gives it (RFC 8785), fractions and all. The records of the trail have integers only
 * (`canonicalJson` of `#base`); what an MCP server defines may hold any number.
 *
 * @throws {TypeError} for what has no canonical form: lone surrogates, numbers beyond what a double holds.
 * @see https://www.rfc-editor.org/rfc/rfc8785
 */
export function canonicalForm(value: unknown, depth = 0): string {
  if (depth > MAX_DEPTH) throw new TypeError('too deep for a canonical form')
  switch (typeof value) {
    case 'string':
      return canonicalText(value)
    case 'number':
      // RFC 8785 §3.2.2.3: numbers are serialized as ECMAScript does it, which "makes -0 into 0" and refuses NaN and Infinity.
      if (!Number.isFinite(value)) throw new TypeError('a number without a canonical form')
      return JSON.stringify(value)
    case 'boolean':
      return String(value)
    case 'object':
      if (value === null) return 'null'
      return Array.isArray(value) ? canonicalArray(value, depth) : canonicalObject(value, depth)
    default:
      throw new TypeError(`${typeof value} is none of JSON`)
  }
}

function canonicalArray(elements: readonly unknown[], depth: number): string {
  return `[${elements.map((element) => canonicalForm(element, depth + 1)).join(',')}]`
}

function canonicalObject(value: object, depth: number): string {
  // RFC 8785 §3.2.3: sorted as "arrays of UTF-16 code units", which is what sort() compares.
  const members = Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${canonicalText(name)}:${canonicalForm(member, depth + 1)}`)
  return `{${members.join(',')}}`
}

function canonicalText(text: string): string {
  if (!text.isWellFormed()) throw new TypeError('a lone surrogate has no canonical form')
  return JSON.stringify(text)
}
