/**
 * The text of a policy file: where its policies begin and end, where their words stand, and how Cedar's positions map to lines.
 *
 * Cedar gives positions as UTF-8 byte offsets into the text it was handed; JavaScript strings count UTF-16 units. Lines and columns here
 * begin at 1 and a column counts UTF-16 units, as editors and compilers do.
 */

/** A word of a policy. Comments and white space are between words. */
export interface Token {
  readonly kind: 'word' | 'string' | 'mark'
  readonly text: string
  /** Where it begins in the file (UTF-16 units). */
  readonly start: number
  readonly end: number
}

/** One policy's text: from its first word to its semicolon. */
export interface Statement {
  readonly text: string
  readonly start: number
  readonly tokens: readonly Token[]
}

/** A place in a file. */
export interface Place {
  readonly line: number
  readonly column: number
}

// Cedar's comments end at a line feed or carriage return; its strings end at the next quote that is not escaped.
const TOKEN = /\/\/[^\n\r]*|"(?:[^"\\]+|\\[^])*"?|[A-Za-z_]\w*|\d+|::|&&|\|\||[=!<>]=|\s+|[^]/gu

/** Splits a file into its policies. Whatever does not end in a semicolon is a statement too: Cedar will refuse it. */
export function splitStatements(text: string): readonly Statement[] {
  const statements: Statement[] = []
  let tokens: Token[] = []
  for (const match of text.matchAll(TOKEN)) {
    const token = toToken(match[0], match.index)
    if (token === undefined) continue
    tokens.push(token)
    if (token.text !== ';') continue
    statements.push(toStatement(text, tokens))
    tokens = []
  }
  if (tokens.length > 0) statements.push(toStatement(text, tokens))
  return statements
}

function toToken(text: string, start: number): Token | undefined {
  if (text.startsWith('//') || /^\s/u.test(text)) return undefined
  const kind = text.startsWith('"') ? 'string' : /^\w/.test(text) ? 'word' : 'mark'
  return { kind, text, start, end: start + text.length }
}

function toStatement(text: string, tokens: readonly Token[]): Statement {
  const start = tokens[0]?.start ?? 0
  const end = tokens.at(-1)?.end ?? start
  return { text: text.slice(start, end), start, tokens }
}

/** The place of a character of a file. */
export function placeAt(text: string, index: number): Place {
  const before = text.slice(0, index)
  const lines = before.split(/\r\n|\n|\r/)
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 }
}

/** The index of the character at a UTF-8 byte offset; an offset within a character means that character, one behind the end the end. */
export function indexAtByte(text: string, byteOffset: number): number {
  let bytes = 0
  let index = 0
  for (const character of text) {
    bytes += utf8Length(character.codePointAt(0) ?? 0)
    if (bytes > byteOffset) return index
    index += character.length
  }
  return index
}

function utf8Length(codePoint: number): number {
  if (codePoint < 0x80) return 1
  if (codePoint < 0x8_00) return 2
  return codePoint < 0x1_00_00 ? 3 : 4
}
