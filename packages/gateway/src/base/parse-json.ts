/**
 * The value of a JSON text, as `JSON.parse` gives it where V8 has no fault.
 *
 * V8 from 12.8 on (nodejs/node#63785) takes an escaped name for another one, when an object that it parsed before had that one in the same place:
 * after `{"\\":0}`, the text `{"\u0061":1}` becomes `{"\\":1}`. Whoever wrote the first can make us misread the second, so JSON that others wrote is
 * read here. Names with escapes are read one by one; a string is not misread.
 *
 * @throws {SyntaxError} for what is no JSON.
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text)
  if (!text.includes('\\')) return value
  const { names, plain } = plainNames(text)
  return names.some((name) => name.includes('\\')) ? renamed(plain, names) : value
}

/** The names of a text's members as they are written, and the text with each of them replaced by one that tells which it was. */
function plainNames(text: string): { readonly names: readonly string[]; readonly plain: string } {
  const names: string[] = []
  const pieces: string[] = []
  let copied = 0
  let at = text.indexOf('"')
  while (at >= 0) {
    const end = skipString(text, at)
    if (isName(text, end)) {
      pieces.push(text.slice(copied, at), `"n${names.length}"`)
      names.push(text.slice(at, end))
      copied = end
    }
    at = text.indexOf('"', end)
  }
  return { names, plain: pieces.join('') + text.slice(copied) }
}

function renamed(plain: string, names: readonly string[]): unknown {
  return JSON.parse(plain, (_name, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    const members: readonly [string, unknown][] = Object.entries(value)
    return Object.fromEntries(members.map(([name, member]) => [nameOf(names, name), member]))
  })
}

function nameOf(names: readonly string[], place: string): string {
  return String(JSON.parse(names[Number(place.slice(1))] ?? ''))
}

/** Whether a colon follows the string that ends here. */
function isName(text: string, end: number): boolean {
  let at = end
  while (' \t\n\r'.includes(text[at] ?? '"')) at++
  return text[at] === ':'
}

/** The index behind a string of a JSON text that begins here; the same index when none does. */
export function skipString(text: string, start: number): number {
  if (text[start] !== '"') return start
  let end = start
  do {
    end = text.indexOf('"', end + 1)
    if (end < 0) return text.length
  } while (isEscaped(text, end))
  return end + 1
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0
  while (text[at - 1 - backslashes] === '\\') backslashes++
  return backslashes % 2 === 1
}
