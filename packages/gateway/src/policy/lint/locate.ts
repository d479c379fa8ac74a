/** Where a finding points: the index of a policy's word in its file. */
import type { EntityRef } from '../expressions.ts'
import { formatString } from '../names.ts'
import type { ParsedPolicy } from '../policies.ts'
import type { Token } from '../source.ts'

/** The policy's `permit` or `forbid`: for findings about it as a whole. */
export function locateEffect(policy: ParsedPolicy): number {
  return startOf(policy, effectIndex(policy))
}

/** A part of its scope. */
export function locateScope(policy: ParsedPolicy, part: 'principal' | 'action' | 'resource'): number {
  const head = effectIndex(policy)
  return startOf(
    policy,
    policy.statement.tokens.findIndex((token, index) => index > head && isWord(token, part)),
  )
}

/** One of its annotations. */
export function locateAnnotation(policy: ParsedPolicy, key: string): number {
  const { tokens } = policy.statement
  return startOf(
    policy,
    tokens.findIndex((token, index) => token.text === '@' && tokens[index + 1]?.text === key),
  )
}

/** The first place that names an entity. */
export function locateEntity(policy: ParsedPolicy, entity: EntityRef): number {
  const { tokens } = policy.statement
  const literal = formatString(entity.id)
  return startOf(
    policy,
    tokens.findIndex(
      (token, index) =>
        isWord(token, entity.type) && tokens[index + 1]?.text === '::' && tokens[index + 2]?.text === literal,
    ),
  )
}

/** The first place that reads a path, `context.args.amount`, up to as many of its names as stand there. */
export function locatePath(policy: ParsedPolicy, path: readonly string[]): number {
  const { tokens } = policy.statement
  let best = -1
  let most = 0
  tokens.forEach((token, start) => {
    if (!isWord(token, path[0] ?? '')) return
    const matched = matchedNames(tokens.slice(start, start + 3 * path.length), path)
    if (matched > most) [best, most] = [start, matched]
  })
  return best < 0 ? locateConditions(policy) : startOf(policy, best)
}

/** How many names of a path stand here: behind dots, in brackets or behind `has`. */
function matchedNames(tokens: readonly Token[], path: readonly string[]): number {
  let matched = 0
  for (const token of tokens) {
    const name = path[matched]
    if (name === undefined) break
    if (token.text === name || token.text === formatString(name)) matched++
    else if (!['.', '[', ']', 'has'].includes(token.text)) break
  }
  return matched
}

/** Its first condition. */
export function locateConditions(policy: ParsedPolicy): number {
  const { tokens } = policy.statement
  return startOf(
    policy,
    tokens.findIndex(
      (token, index) => (isWord(token, 'when') || isWord(token, 'unless')) && tokens[index + 1]?.text === '{',
    ),
  )
}

function effectIndex(policy: ParsedPolicy): number {
  const { tokens } = policy.statement
  return tokens.findIndex((token, index) => isWord(token, policy.effect) && tokens[index - 1]?.text !== '@')
}

function isWord(token: Token, text: string): boolean {
  return token.kind === 'word' && token.text === text
}

function startOf(policy: ParsedPolicy, index: number): number {
  return policy.statement.tokens[index]?.start ?? policy.statement.start
}
