/**
 * Names of entities: `<resource>/<part>/…`, each part percent-encoded, so that no name of a table, tool or argument can look like another.
 */

const SAFE = /[!$&-),-.0-[\]-~+]/

/**
 * Encodes one part of an entity name: printable ASCII other than `%`, `/`, `#`, `"`, `\`, `*` and space stays; everything else becomes
 * percent-encoded UTF-8; a final `.approved` is written `%2Eapproved` (it would look like the twin of an action); empty is `%`.
 *
 * @throws {URIError} for a lone surrogate, which has no UTF-8 form.
 */
export function encodePart(part: string): string {
  if (part === '') return '%'
  let encoded = ''
  for (const character of part) encoded += SAFE.test(character) ? character : percentEncode(character)
  return encoded.endsWith('.approved') ? `${encoded.slice(0, -'.approved'.length)}%2Eapproved` : encoded
}

function percentEncode(character: string): string {
  const encoded = encodeURIComponent(character)
  if (encoded !== character) return encoded
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}

/** Joins parts to an entity name. */
export function encodeName(parts: readonly string[]): string {
  return parts.map(encodePart).join('/')
}

/** The name of a column's data: `<database>/<schema>/<table>#<column>`. */
export function encodeData(table: readonly string[], column: string): string {
  return `${encodeName(table)}#${encodePart(column)}`
}

/** Formats text as a Cedar string literal. */
export function formatString(text: string): string {
  let literal = ''
  for (const character of text)
    literal += /[ !#-[\]-~]/.test(character) ? character : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
  return `"${literal}"`
}
