import { isSuspicious } from './analysis/findings.ts'

/** A token as the parser's own lexer gives it; offsets are bytes of the UTF-8 text. */
export interface Token {
  readonly start: number
  readonly end: number
  readonly text: string
  readonly tokenName: string
  readonly keywordKind: number
}

/** What a template may hold at most, in bytes of UTF-8. */
const MAX_TEMPLATE_BYTES = 4096

/** A statement without its values. */
export interface Template {
  /** For people: cut to `MAX_TEMPLATE_BYTES`. */
  readonly text: string
  /** For the fingerprint: all of it. */
  readonly whole: string
}

/**
 * Writes a statement again from its tokens, with `?` in place of whatever is not known to be harmless: only keywords, parameters,
 * punctuation and plain identifiers are copied, comments are dropped, case and white space made one.
 */
export function templateOf(tokens: readonly Token[]): Template {
  let whole = ''
  let cut: string | undefined
  let bytes = 0
  let before: Token | undefined
  for (const token of tokens) {
    if (isComment(token)) continue
    const piece = rendered(token)
    const gap = before === undefined || isTight(before, token) ? '' : ' '
    bytes += gap.length + Math.max(piece.length, token.end - token.start)
    if (bytes > MAX_TEMPLATE_BYTES - CUT_BYTES) cut ??= `${whole} …`
    whole += gap + piece
    before = token
  }
  return { text: cut ?? whole, whole }
}

/** A space and the three bytes of the ellipsis. */
const CUT_BYTES = 4

export function isComment(token: Token): boolean {
  return token.text.startsWith('--') || token.text.startsWith('/*')
}

function rendered(token: Token): string {
  const { text } = token
  if (token.keywordKind > 0 && /^[A-Za-z_]+$/.test(text)) return text.toLowerCase()
  if (token.tokenName === 'PARAM' && /^\$\d{1,10}$/.test(text)) return text
  if (/^[-+*/<>=~!@#%^&|`?:.,;()[\]]+$/.test(text)) return text
  if (token.tokenName === 'IDENT') return identifier(text)
  return '?'
}

/** PostgreSQL folds unquoted identifiers to lower case, ASCII letters only where characters have several bytes. */
function identifier(text: string): string {
  if (isSuspicious(text)) return '"?"'
  if (/^[A-Za-z_\u0080-\u{10ffff}][\w$\u0080-\u{10ffff}]*$/u.test(text)) {
    return text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase())
  }
  return /^"[\p{L}\p{N}_$ .-]+"$/u.test(text) ? text : '"?"'
}

/** Whether no space stands between two tokens. */
function isTight(before: Token, token: Token): boolean {
  if (/^(?:[,;)\].]|::)$/.test(token.text) || /^(?:[([.]|::)$/.test(before.text)) return true
  // `f (x)` and `f(x)`, `a [1]` and `a[1]` are kept apart as they are written.
  return (token.text === '(' || token.text === '[') && before.end === token.start && /[\w"\]]$/.test(before.text)
}
