/**
 * How hard a text may be for the parser, estimated in one pass over its characters before the parser sees it. It follows PostgreSQL's
 * lexical rules (18, 4.1) closely enough for an estimate; nothing is decided by it but which worker reads the text, or that none does.
 *
 * Pure and linear: no input makes it slow, none makes it throw.
 */
export interface Complexity {
  /** About as many tokens as the parser will see. */
  readonly tokens: number
  /** At least as deep as the tree can get: brackets, CASE, and chains of operators, casts, joins and set operations. */
  readonly depth: number
  /** The longest run of operator characters; the lexer's time grows with its square. */
  readonly operatorRun: number
  /** Comments opened within comments; the lexer's time grows with the square of their number. */
  readonly nestedComments: number
  readonly semicolons: number
  /**
   * Assignments like `SET (a, b) = (SELECT …)`: the tree holds the right side once for each column, so that a few of them within one
   * another make it grow without end.
   */
  readonly rowAssignments: number
  /** The last offset, at or before the limit asked for, that lies between two tokens. */
  readonly boundary: number
}

/** Words that add a level to the tree where they stand, as operators do. */
const links = new Set([
  'not',
  'is',
  'isnull',
  'notnull',
  'like',
  'ilike',
  'similar',
  'in',
  'between',
  'collate',
  'at',
  'operator',
])
/** Words that join what is left of them with what is right of them, for the whole query. */
const joiners = new Set(['join', 'union', 'intersect', 'except'])
/** Words behind which a new expression begins. */
const breaks = new Set([
  ...['and', 'or', 'select', 'from', 'where', 'on', 'when', 'then', 'else', 'by', 'having', 'limit', 'values', 'set'],
])
/** The longest of them; longer words need no look. */
const LONGEST_WORD = 9

/** Estimates a text; `boundaryLimit` is where `boundary` must not go beyond. */
export function measure(text: string, boundaryLimit: number = text.length): Complexity {
  const gauge = new Gauge()
  let at = 0
  let boundary = 0
  while (at < text.length) {
    if (at <= boundaryLimit) boundary = at
    at = gauge.token(text, at)
  }
  if (text.length <= boundaryLimit) boundary = text.length
  return { ...gauge.result(), boundary }
}

class Gauge {
  #tokens = 0
  #depth = 0
  #deepest = 0
  #operatorRun = 0
  /** Behind the run of operator characters looked at last. */
  #runEnd = 0
  #nestedComments = 0
  #semicolons = 0
  #rowAssignments = 0
  /** Whether a bracket that opens here may hold columns that are assigned to together: behind SET or a comma. */
  #mayAssign = false
  /** Whether one has just closed. */
  #hasColumns = false
  /** The first of these two for each open bracket. */
  readonly #assigns: boolean[] = []
  /** Links since the last break, one entry for each open bracket. */
  #chain = 0
  readonly #chains: number[] = []
  /** Joiners of each open bracket. */
  #joined = 0
  readonly #joins: number[] = []

  result(): Omit<Complexity, 'boundary'> {
    return {
      tokens: this.#tokens,
      depth: this.#deepest,
      operatorRun: this.#operatorRun,
      nestedComments: this.#nestedComments,
      semicolons: this.#semicolons,
      rowAssignments: this.#rowAssignments,
    }
  }

  /** Takes the token or white space at an offset; returns the offset behind it, which is greater. */
  token(text: string, at: number): number {
    const code = text.charCodeAt(at)
    if (isSpace(code)) return at + 1
    if (!isComment(text, at)) this.#seeAssignment(code)
    if (isWordStart(code)) return this.#word(text, at)
    if (isDigit(code) || (code === DOT && isDigit(text.charCodeAt(at + 1)))) return this.#one(numberEnd(text, at))
    switch (code) {
      case QUOTE:
        return this.#one(stringEnd(text, at + 1, false))
      case DOUBLE_QUOTE:
        return this.#one(quotedEnd(text, at + 1, DOUBLE_QUOTE))
      case DOLLAR:
        return this.#one(dollarEnd(text, at))
      case OPEN_PAREN:
      case OPEN_BRACKET:
        this.#open()
        return this.#one(at + 1)
      case CLOSE_PAREN:
      case CLOSE_BRACKET:
        this.#close()
        return this.#one(at + 1)
      case COMMA:
        this.#break()
        this.#mayAssign = true
        return this.#one(at + 1)
      case DOT:
        // SPEC scan.l: dot_dot is one token.
        return this.#one(text.charCodeAt(at + 1) === DOT ? at + 2 : at + 1)
      case SEMICOLON:
        this.#semicolons++
        this.#break()
        return this.#one(at + 1)
      default:
        return this.#operator(text, at)
    }
  }

  /** Follows `SET (…) =` and `, (…) =` from token to token. */
  #seeAssignment(code: number): void {
    if (this.#hasColumns && code === EQUALS) this.#rowAssignments++
    this.#hasColumns = false
    if (code === OPEN_PAREN || code === OPEN_BRACKET) this.#assigns.push(this.#mayAssign && code === OPEN_PAREN)
    else if (code === CLOSE_PAREN || code === CLOSE_BRACKET) this.#hasColumns = this.#assigns.pop() === true
    this.#mayAssign = false
  }

  #one(end: number): number {
    this.#tokens++
    return end
  }

  #word(text: string, at: number): number {
    const end = wordEnd(text, at)
    const letter = end - at === 1 ? text.charCodeAt(at) | 32 : 0
    const next = text.charCodeAt(end)
    if (next === QUOTE && letter === LETTER_E) return this.#one(stringEnd(text, end + 1, true))
    if (next === QUOTE && prefixLetters.has(letter)) return this.#one(stringEnd(text, end + 1, false))
    if (next === AMPERSAND && letter === LETTER_U) {
      const quote = text.charCodeAt(end + 1)
      if (quote === QUOTE) return this.#one(stringEnd(text, end + 2, false))
      if (quote === DOUBLE_QUOTE) return this.#one(quotedEnd(text, end + 2, quote))
    }
    if (end - at <= LONGEST_WORD) this.#keyword(text.slice(at, end).toLowerCase())
    return this.#one(end)
  }

  #keyword(word: string): void {
    if (word === 'case') this.#open()
    else if (word === 'end') this.#close()
    else if (links.has(word)) this.#link()
    else if (breaks.has(word)) {
      this.#break()
      this.#mayAssign = word === 'set'
    } else if (joiners.has(word)) {
      this.#joined++
      this.#deeper()
      this.#break()
    }
  }

  #operator(text: string, at: number): number {
    const code = text.charCodeAt(at)
    const next = text.charCodeAt(at + 1)
    if (code === MINUS && next === MINUS) return lineEnd(text, at)
    if (code === SLASH && next === STAR) return this.#comment(text, at + 2)
    if (!isOperator(code)) return this.#one(at + 1)
    // A comment ends an operator, but the lexer looks at the whole run of operator characters before it notices. Once is enough here.
    if (at >= this.#runEnd) {
      this.#runEnd = at + 1
      while (this.#runEnd < text.length && isOperator(text.charCodeAt(this.#runEnd))) this.#runEnd++
      this.#operatorRun = Math.max(this.#operatorRun, this.#runEnd - at)
    }
    this.#link()
    return this.#one(commentStart(text, at + 1, this.#runEnd))
  }

  #comment(text: string, at: number): number {
    let open = 1
    let offset = at
    while (offset < text.length && open > 0) {
      const code = text.charCodeAt(offset)
      const next = text.charCodeAt(offset + 1)
      if (code === STAR && next === SLASH) {
        open--
        offset += 2
      } else if (code === SLASH && next === STAR) {
        open++
        this.#nestedComments++
        offset += 2
      } else offset++
    }
    return offset
  }

  #open(): void {
    this.#chains.push(this.#chain)
    this.#joins.push(this.#joined)
    this.#chain = 0
    this.#joined = 0
    this.#deeper()
  }

  #close(): void {
    const chain = this.#chains.pop()
    const joined = this.#joins.pop()
    if (chain === undefined || joined === undefined) return
    this.#depth -= this.#chain + this.#joined + 1
    this.#chain = chain
    this.#joined = joined
  }

  #link(): void {
    this.#chain++
    this.#deeper()
  }

  #deeper(): void {
    this.#depth++
    if (this.#depth > this.#deepest) this.#deepest = this.#depth
  }

  #break(): void {
    this.#depth -= this.#chain
    this.#chain = 0
  }
}

const QUOTE = 39
const DOUBLE_QUOTE = 34
const DOLLAR = 36
const OPEN_PAREN = 40
const CLOSE_PAREN = 41
const OPEN_BRACKET = 91
const CLOSE_BRACKET = 93
const COMMA = 44
const DOT = 46
const SEMICOLON = 59
const EQUALS = 61
const MINUS = 45
const PLUS = 43
const UNDERSCORE = 95
const SLASH = 47
const STAR = 42
const BACKSLASH = 92
const NEWLINE = 10
const RETURN = 13
const LETTER_E = 101
const LETTER_U = 117
const AMPERSAND = 38

/** b'…', x'…' and n'…': bits, hexadecimal and national character strings. */
const prefixLetters: ReadonlySet<number> = new Set([98, 120, 110])

/** SPEC scan.l: space is [ \t\n\r\f\v]. */
function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13)
}

function isComment(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  const next = text.charCodeAt(at + 1)
  return (code === MINUS && next === MINUS) || (code === SLASH && next === STAR)
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

/** SPEC scan.l: ident_start is [A-Za-z\200-\377_]: every character beyond ASCII counts. */
function isWordStart(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95 || code >= 128
}

/** SPEC scan.l: op_chars is [\~\!\@\#\^\&\|\`\?\+\-\*\/\%\<\>\=]; the colon is here for `::`. */
const operatorCodes: ReadonlySet<number> = new Set(
  '~!@#^&|`?+-*/%<>=:'.split('').map((character) => character.charCodeAt(0)),
)

function isOperator(code: number): boolean {
  return operatorCodes.has(code)
}

function wordEnd(text: string, at: number): number {
  let end = at + 1
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end)
    if (!isWordStart(code) && !isDigit(code) && code !== DOLLAR) break
  }
  return end
}

/** Behind a number and whatever is glued to it, which the lexer refuses. */
function numberEnd(text: string, at: number): number {
  let end = digitsEnd(text, at)
  if (text.charCodeAt(end) === DOT && text.charCodeAt(end + 1) !== DOT) end = digitsEnd(text, end + 1)
  const sign = text.charCodeAt(end + 1)
  const isSigned = (text.charCodeAt(end) | 32) === LETTER_E && (sign === PLUS || sign === MINUS)
  if (isSigned && isDigit(text.charCodeAt(end + 2))) end = digitsEnd(text, end + 2)
  return isWordStart(text.charCodeAt(end)) ? wordEnd(text, end) : end
}

function digitsEnd(text: string, at: number): number {
  let end = at
  while (isDigit(text.charCodeAt(end)) || text.charCodeAt(end) === UNDERSCORE) end++
  return end
}

/** Behind a quoted identifier; a doubled quote does not end it. */
function quotedEnd(text: string, from: number, quote: number): number {
  let at = from
  while (at < text.length) {
    if (text.charCodeAt(at) !== quote) at++
    else if (text.charCodeAt(at + 1) === quote) at += 2
    else return at + 1
  }
  return text.length
}

/** Behind a string, with or without backslash escapes, and its continuations on further lines. */
function stringEnd(text: string, from: number, hasEscapes: boolean): number {
  let at = from
  while (at < text.length) {
    const code = text.charCodeAt(at)
    if (hasEscapes && code === BACKSLASH) at += 2
    else if (code !== QUOTE) at++
    else if (text.charCodeAt(at + 1) === QUOTE) at += 2
    else {
      const next = continuation(text, at + 1)
      if (next === undefined) return at + 1
      at = next
    }
  }
  return text.length
}

/** SPEC PostgreSQL 18, 4.1.2.1: constants "only separated by whitespace with at least one newline are concatenated"; comments are whitespace. */
function continuation(text: string, from: number): number | undefined {
  let at = from
  let hasNewline = false
  for (;;) {
    const code = text.charCodeAt(at)
    if (isSpace(code)) {
      hasNewline ||= code === NEWLINE || code === RETURN
      at++
    } else if (code === MINUS && text.charCodeAt(at + 1) === MINUS) at = lineEnd(text, at)
    else return hasNewline && code === QUOTE ? at + 1 : undefined
  }
}

/** Behind `$tag$ … $tag$`, a parameter, or a lone dollar sign. */
function dollarEnd(text: string, at: number): number {
  let end = at + 1
  if (isDigit(text.charCodeAt(end))) {
    while (isDigit(text.charCodeAt(end))) end++
    return end
  }
  while (end < text.length && text.charCodeAt(end) !== DOLLAR) {
    const code = text.charCodeAt(end)
    if (!isWordStart(code) && !isDigit(code)) return at + 1
    end++
  }
  if (end >= text.length) return at + 1
  const tag = text.slice(at, end + 1)
  const close = text.indexOf(tag, end + 1)
  return close < 0 ? text.length : close + tag.length
}

function lineEnd(text: string, at: number): number {
  let end = at
  while (end < text.length && text.charCodeAt(end) !== NEWLINE && text.charCodeAt(end) !== RETURN) end++
  return end
}

/** Where a comment begins within a run of operator characters, or the run's end. */
function commentStart(text: string, from: number, end: number): number {
  for (let at = from; at < end - 1; at++) {
    const code = text.charCodeAt(at)
    const next = text.charCodeAt(at + 1)
    if ((code === MINUS && next === MINUS) || (code === SLASH && next === STAR)) return at
  }
  return end
}
