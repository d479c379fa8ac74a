/**
 * The parts of a permit in its author's own words: scope and conditions, each of which can be asked about alone.
 */
import type { ParsedPolicy } from './policies.ts'
import type { Token } from './source.ts'

/** A part: as it stands in the file (for Cedar) and on one line (for people). */
interface Part {
  readonly text: string
  readonly words: string
}

/** One condition that must hold, or with `unless` must not. */
export interface ConditionPart extends Part {
  readonly kind: 'when' | 'unless'
}

/** A permit taken apart. */
export interface PolicyParts {
  readonly principal: Part
  readonly action: Part
  readonly resource: Part
  /** In order; a chain of `&&` is taken apart, and all must hold. */
  readonly conditions: readonly ConditionPart[]
}

/** Takes a policy apart. Its tokens are those of a policy that Cedar has parsed, so the brackets fit. */
export function partsOf(policy: ParsedPolicy): PolicyParts {
  const { tokens } = policy.statement
  const effect = tokens.findIndex((token, index) => token.text === policy.effect && tokens[index - 1]?.text !== '@')
  const scopeEnd = closingIndex(tokens, effect + 1)
  const [principal = [], action = [], resource = []] = splitAt(tokens.slice(effect + 2, scopeEnd), ',')
  return {
    principal: toPart(policy, principal),
    action: toPart(policy, action),
    resource: toPart(policy, resource),
    conditions: conditionParts(policy, scopeEnd + 1),
  }
}

/** All conditions of a policy as its author wrote them, on one line; empty when there are none. */
export function conditionsText(policy: ParsedPolicy): string {
  const { tokens } = policy.statement
  const effect = tokens.findIndex((token, index) => token.text === policy.effect && tokens[index - 1]?.text !== '@')
  return toPart(policy, tokens.slice(closingIndex(tokens, effect + 1) + 1, -1)).words
}

function conditionParts(policy: ParsedPolicy, from: number): readonly ConditionPart[] {
  const { tokens } = policy.statement
  const parts: ConditionPart[] = []
  for (let index = from; index < tokens.length;) {
    const kind = tokens[index]?.text
    if (kind !== 'when' && kind !== 'unless') break
    const end = closingIndex(tokens, index + 1)
    const body = tokens.slice(index + 2, end)
    const pieces = kind === 'when' && isChain(body) ? splitAt(body, '&&') : [body]
    for (const piece of pieces) parts.push({ kind, ...toPart(policy, piece) })
    index = end + 1
  }
  return parts
}

/** Whether `&&` binds loosest in an expression, so that it may be taken apart there. */
function isChain(tokens: readonly Token[]): boolean {
  return splitAt(tokens, '||').length === 1 && !tokens.some((token) => token.kind === 'word' && token.text === 'if')
}

/** Splits at a mark outside all brackets. */
function splitAt(tokens: readonly Token[], mark: string): readonly (readonly Token[])[] {
  const pieces: Token[][] = [[]]
  let depth = 0
  for (const token of tokens) {
    depth += depthOf(token)
    if (depth === 0 && token.kind === 'mark' && token.text === mark) pieces.push([])
    else pieces.at(-1)?.push(token)
  }
  return pieces
}

function closingIndex(tokens: readonly Token[], opening: number): number {
  let depth = 0
  for (let index = opening; index < tokens.length; index++) {
    depth += depthOf(tokens[index])
    if (depth === 0) return index
  }
  return tokens.length
}

function depthOf(token: Token | undefined): number {
  if (token?.kind !== 'mark') return 0
  if ('([{'.includes(token.text)) return 1
  return ')]}'.includes(token.text) ? -1 : 0
}

function toPart(policy: ParsedPolicy, tokens: readonly Token[]): Part {
  const [first] = tokens
  const last = tokens.at(-1)
  if (first === undefined || last === undefined) return { text: '', words: '' }
  let words = ''
  tokens.forEach((token, index) => {
    // white space and comments between two words become one space
    const isApart = index > 0 && tokens[index - 1]?.end !== token.start
    words += (isApart ? ' ' : '') + token.text
  })
  return { text: policy.file.text.slice(first.start, last.end), words }
}
