/**
 * What a policy reads of the context: named facts and named arguments, such as the tools of its actions have, in a form that policy can
 * compare.
 */
import { isToolAction, plainOf } from '../actions.ts'
import type { Argument, ArgumentType, RecordType } from '../arguments/types.ts'
import type { Catalog } from '../catalog.ts'
import {
  type ContextPath,
  contextPaths,
  type ExpressionNode,
  nodesOf,
  operandOf,
  pathOf,
  toNode,
} from '../expressions.ts'
import type { ParsedPolicy } from '../policies.ts'
import type { Finding } from '../problems.ts'
import { locateConditions, locateEntity, locatePath, locateScope } from './locate.ts'

/** An action of the policy's scope that takes arguments. */
interface Tool {
  readonly name: string
  readonly takes: RecordType
}

/** Every reading of a policy can be understood. What a tool does not have at all Cedar finds. */
export function* lintArguments(policy: ParsedPolicy, catalog: Catalog): Generator<Finding> {
  const tools = toolsOf(policy, catalog)
  for (const { kind, body } of policy.conditions) {
    for (const path of contextPaths(body)) {
      yield* lintWhole(policy, path)
      if (path.names[0] !== 'args') continue
      const lacking = tools.find(({ takes }) => !isDeclared(takes, path.names.slice(1)))
      if (lacking === undefined) for (const tool of tools) yield* lintPath(policy, tool, path, kind)
      else yield lacks(policy, lacking, path)
    }
    for (const node of nodesOf(body)) for (const tool of tools) yield* lintComparison(policy, tool, node)
  }
  yield* lintReveal(policy)
  yield* lintSubject(policy)
}

function toolsOf(policy: ParsedPolicy, catalog: Catalog): readonly Tool[] {
  const { op, actions } = policy.action
  const isCalled = (name: string, groups: readonly string[]): boolean =>
    op === 'All' || actions.some((action) => plainOf(action) === name || groups.includes(plainOf(action)))
  return [...catalog.actions.values()].flatMap(({ name, groups, arguments: takes }) =>
    takes !== undefined && isCalled(name, groups) ? [{ name, takes }] : [],
  )
}

/** What is used as a whole cannot be told apart, so nothing of it could be left out of what is asked, or kept. */
function* lintWhole(policy: ParsedPolicy, { names, isPresence }: ContextPath): Generator<Finding> {
  const [first, second] = names
  if (first === undefined) {
    yield argument('the context is used as a whole', 'name the facts: context.mfa', locateConditions(policy))
  } else if (first === 'args' && second === undefined && !isPresence) {
    const at = locatePath(policy, ['context', 'args'])
    yield argument('the arguments are used as a whole', 'name them: context.args.amount', at)
  }
}

/** One tool that does not take it is enough: Cedar would say it for each, and of `has` nothing at all. */
function lacks(policy: ParsedPolicy, { name, takes }: Tool, { names }: ContextPath): Finding {
  const has = [...takes.members.keys()].map((known) => `"${known}"`)
  return argument(
    `${name} takes no argument "${names.slice(1).join('.')}"`,
    has.length === 0 ? 'it takes none' : `it takes ${has.join(', ')}`,
    locatePath(policy, ['context', ...names]),
  )
}

function isDeclared(takes: RecordType, steps: readonly string[]): boolean {
  const way = followPath(takes, steps)
  return way.length === steps.length || way.at(-1)?.type.kind === 'unusable'
}

function* lintPath(
  policy: ParsedPolicy,
  { name, takes }: Tool,
  { names, isPresence }: ContextPath,
  kind: 'when' | 'unless',
): Generator<Finding> {
  const steps = names.slice(1)
  const at = locatePath(policy, ['context', ...names])
  const words = steps.join('.')
  const way = followPath(takes, steps)
  const unusable = way.find(({ type }) => type.kind === 'unusable')
  if (unusable?.type.kind === 'unusable') {
    yield argument(
      `argument "${words}" of ${name} cannot be used in policy: ${unusable.type.reason}`,
      'decide by another argument, or change the input schema of the tool',
      at,
    )
  }
  // left out, it has whatever value the server takes instead, and the ban does not fire
  if (policy.effect === 'forbid' && kind === 'when' && !isPresence && way.some(({ isOptional }) => isOptional)) {
    yield argument(
      `argument "${words}" of ${name} may be left out, and then the ban does not fire`,
      'put the limit into the permits, or write unless { context.args has … && … }',
      at,
    )
  }
}

/** The arguments on a way, as far as they are declared. */
function followPath(takes: RecordType, steps: readonly string[]): readonly Argument[] {
  const way: Argument[] = []
  let within: RecordType | undefined = takes
  for (const step of steps) {
    const member: Argument | undefined = within?.members.get(step)
    if (member === undefined) break
    way.push(member)
    within = member.type.kind === 'record' ? member.type : undefined
  }
  return way
}

/** A text that the tool's schema does not list is never given: a misspelt one bans or permits nothing. */
function* lintComparison(policy: ParsedPolicy, { name, takes }: Tool, node: ExpressionNode): Generator<Finding> {
  const sides = [operandOf(node, 'left'), operandOf(node, 'right')]
  const path = sides.map(toNode).map((side) => (side === undefined ? undefined : pathOf(side)))
  const position = path.findIndex((side) => side?.names[0] === 'args' && !side.isPresence)
  const names = path[position]?.names
  if (names === undefined || !['==', '!=', 'contains'].includes(node.operator)) return
  const type = followPath(takes, names.slice(1)).at(names.length - 2)?.type
  const allowed = type === undefined ? undefined : allowedTexts(type)
  if (allowed === undefined) return
  for (const text of literalTexts(sides[1 - position])) {
    if (allowed.includes(text)) continue
    yield argument(
      `argument "${names.slice(1).join('.')}" of ${name} is never "${text}"`,
      `use one of: ${allowed.map((one) => `"${one}"`).join(', ')}`,
      locatePath(policy, ['context', ...names]),
    )
  }
}

function allowedTexts(type: ArgumentType): readonly string[] | undefined {
  const scalar = type.kind === 'set' ? type.of : type
  return scalar.kind === 'string' ? scalar.allowed : undefined
}

/** A text, or the texts of a set. */
function literalTexts(expression: unknown): readonly string[] {
  const node = toNode(expression)
  const elements = node?.operator === 'Set' && Array.isArray(node.operands) ? node.operands : [expression]
  return elements.map(toNode).flatMap((element) => {
    return element?.operator === 'Value' && typeof element.operands === 'string' ? [element.operands] : []
  })
}

function* lintReveal(policy: ParsedPolicy): Generator<Finding> {
  const action = policy.action.actions.find((name) => plainOf(name) === 'reveal')
  if (action === undefined) return
  const at = locateEntity(policy, { type: 'Action', id: action })
  yield argument('card data is always truncated: there is nothing that could reveal it', 'leave the action out', at)
}

/** The action of a tool is done to that tool: with another resource a policy says nothing. */
function* lintSubject(policy: ParsedPolicy): Generator<Finding> {
  const { entity } = policy.resource
  if (entity?.type !== 'Tool' && entity?.type !== 'Server') return
  for (const action of policy.action.actions.map(plainOf)) {
    if (!isToolAction(action)) continue
    const server = action.slice(0, action.indexOf('/'))
    if (entity.id === action || (entity.type === 'Server' && entity.id === server)) continue
    yield argument(
      `${action} is never done to ${entity.type}::"${entity.id}"`,
      `write resource ${policy.effect === 'forbid' ? 'in' : '=='} Tool::"${action}"`,
      locateScope(policy, 'resource'),
    )
  }
}

function argument(message: string, fix: string, at: number): Finding {
  return { rule: 'argument', message, fix, at }
}
