import { skipString } from '#base'

/** A member of a JSON object: its name, and the text of its value. */
export interface Member {
  readonly name: string
  /** Whether the name was written with escapes. */
  readonly isEscaped: boolean
  readonly value: string
}

/** Members of one object. */
const MAX_MEMBERS = 1_000

/**
 * The members of the JSON text of an object, the values untouched: what no policy reads is never parsed, however large it is. The text is
 * one that a JSON parser has accepted; undefined when it is no object or has too many members.
 *
 * @throws {SyntaxError} for a name that is no JSON string.
 */
export function membersOf(text: string): readonly Member[] | undefined {
  const members: Member[] = []
  let at = skipSpace(text, 0)
  if (text[at] !== '{') return undefined
  at = skipSpace(text, at + 1)
  if (text[at] === '}') return isEnd(text, at + 1) ? [] : undefined
  for (;;) {
    const nameEnd = skipString(text, at)
    const colon = skipSpace(text, nameEnd)
    if (nameEnd === at || text[colon] !== ':' || members.length === MAX_MEMBERS) return undefined
    const start = skipSpace(text, colon + 1)
    const end = skipValue(text, start)
    const name = text.slice(at, nameEnd)
    members.push({
      name: String(JSON.parse(name)),
      isEscaped: name.includes('\\'),
      value: text.slice(start, end).trimEnd(),
    })
    if (text[end] === '}') return isEnd(text, end + 1) ? members : undefined
    if (text[end] !== ',') return undefined
    at = skipSpace(text, end + 1)
  }
}

function isEnd(text: string, at: number): boolean {
  return skipSpace(text, at) === text.length
}

/** The index behind a value: of the comma or bracket that ends it. */
function skipValue(text: string, start: number): number {
  let depth = 0
  let at = start
  while (at < text.length) {
    const character = text[at]
    if (character === '"') {
      at = skipString(text, at)
      continue
    }
    if (depth === 0 && (character === ',' || character === '}')) return at
    if (character === '{' || character === '[') depth++
    if (character === '}' || character === ']') depth--
    at++
  }
  return at
}

function skipSpace(text: string, start: number): number {
  let at = start
  while (at < text.length && ' \t\n\r'.includes(text[at] ?? '')) at++
  return at
}
