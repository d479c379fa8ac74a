import { hash } from 'node:crypto'
import { parseSync, scanSync, SqlError } from 'libpg-query'
import type { Shape } from '#model'
import { analyse, type Meaning } from './analysis/statement.ts'
import { isFields, listOf } from './analysis/tree.ts'
import { measure } from './complexity.ts'
import { isTooComplex, MAX_SCANNED_LENGTH } from './limits.ts'
import { isComment, templateOf, type Token } from './template.ts'

/** What a worker says about one statement; plain data. */
export interface ParsedStatement {
  readonly shape: Shape
  /** Equal for equal shapes. */
  readonly shapeKey: string
  readonly start: number
  readonly end: number
  readonly exitsTransaction: boolean
}

/** What a worker says about one text. */
export type Parsed =
  | { readonly kind: 'statements'; readonly statements: readonly ParsedStatement[] }
  | { readonly kind: 'syntax-error'; readonly position: number; readonly message: string }
  | { readonly kind: 'too-large' }

/**
 * Parses and analyses one text with PostgreSQL's own parser. It assumes `standard_conforming_strings=on` and UTF-8, which the session pins.
 *
 * @throws whatever breaks: then nothing that this instance of the parser says from now on may be believed.
 */
export function parseText(text: string, meaning: Meaning): Parsed {
  const complexity = measure(text, MAX_SCANNED_LENGTH)
  if (isTooComplex(complexity)) return { kind: 'too-large' }
  // The parser's binding refuses the empty string, which is no statement.
  if (text === '') return { kind: 'statements', statements: [] }
  const tree = treeOf(text)
  if ('kind' in tree) return tree
  const isWhole = complexity.boundary === text.length
  const tokens = tokensOf(isWhole ? text : text.slice(0, complexity.boundary))
  return { kind: 'statements', statements: statementsOf(tree.statements, { text, meaning, tokens, isWhole }) }
}

type Tree = { readonly statements: readonly unknown[] } | Extract<Parsed, { kind: 'syntax-error' }>

function treeOf(text: string): Tree {
  try {
    const result: unknown = parseSync(text)
    if (!isFields(result)) throw new TypeError('the parser gave no tree')
    return { statements: listOf(result, 'stmts') }
  } catch (error) {
    if (error instanceof SqlError && error.sqlDetails !== undefined && !isExhaustion(error.message)) {
      return {
        kind: 'syntax-error',
        position: error.sqlDetails.cursorPosition + 1,
        message: withoutText(error.message),
      }
    }
    throw error
  }
}

/** `memory exhausted` is the grammar's own limit of depth and leaves the parser whole; running out of memory does not. */
function isExhaustion(message: string): boolean {
  return /memory|stack depth/.test(message) && !message.startsWith('memory exhausted')
}

/** PostgreSQL's messages quote the place: `syntax error at or near "4111…"`. Only the words before it are kept. */
function withoutText(message: string): string {
  const [words = ''] = message.split(/ at or near |["':]/)
  return /^[A-Za-z/* -]{1,80}$/.test(words) ? words.trim() : 'syntax error'
}

/** The lexer's tokens; none when it refuses what the parser took (a text cut within a token). */
function tokensOf(text: string): readonly Token[] | undefined {
  try {
    // The binding writes the tokens as JSON and forgets to escape control characters; as spaces they keep every position.
    return scanSync(text.replaceAll(/[\u0001-\u0008\u000b\u000c\u000e-\u001f]/g, ' ')).tokens
  } catch (error) {
    // What the lexer says instead of tokens is no JSON; anything else means a broken parser.
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

interface Context {
  readonly text: string
  readonly meaning: Meaning
  readonly tokens: readonly Token[] | undefined
  /** Whether the tokens are those of the whole text. */
  readonly isWhole: boolean
}

function statementsOf(raw: readonly unknown[], context: Context): readonly ParsedStatement[] {
  const total = Buffer.byteLength(context.text)
  let next = 0
  let behind = 0
  return raw.map((item) => {
    if (!isFields(item)) throw new TypeError('the parser gave a statement of another form')
    // SPEC postgres nodes/parsenodes.h, RawStmt: location and length in bytes; 0 means "rest of string".
    const start = offset(item['stmt_location'])
    const length = offset(item['stmt_len'])
    const limit = length === 0 ? total : start + length
    if (start < behind || limit < start || limit > total) throw new RangeError('the parser gave impossible positions')
    behind = limit
    const tokens: Token[] = []
    for (; context.tokens?.[next] !== undefined; next++) {
      const token = context.tokens[next]
      if (token === undefined || token.start >= limit) break
      if (token.start >= start && !isComment(token)) tokens.push(token)
    }
    const isWhole = context.tokens !== undefined && (context.isWhole || next < context.tokens.length)
    return describe(item['stmt'], { start, limit, tokens, isWhole }, context)
  })
}

interface Extent {
  readonly start: number
  readonly limit: number
  readonly tokens: readonly Token[]
  readonly isWhole: boolean
}

function describe(statement: unknown, extent: Extent, context: Context): ParsedStatement {
  const analysis = analyse(statement, context.meaning)
  const template = templateOf(extent.tokens)
  const text = extent.isWhole ? template.text : `${template.text.replace(/ …$/, '') || analysis.verb.toLowerCase()} …`
  const basis = `${extent.isWhole ? 'whole' : 'cut'}\0${analysis.verb}\0${extent.isWhole ? template.whole : text}`
  const { exitsTransaction, ...meaning } = analysis
  const shape: Shape = { ...meaning, template: text, fingerprint: digest(basis) }
  return {
    shape,
    shapeKey: digest(JSON.stringify(shape)),
    start: extent.start,
    end: extent.isWhole ? (extent.tokens.at(-1)?.end ?? extent.limit) : extent.limit,
    exitsTransaction,
  }
}

/** The first 128 bits of SHA-256. */
function digest(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 32)
}

/** A position of the tree; absent means 0. */
function offset(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0
}
