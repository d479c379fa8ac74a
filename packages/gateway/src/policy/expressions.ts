/**
 * Walks over the conditions of a policy in Cedar's JSON form (`policyToJson`): which entities they name, which facts they read, which
 * variables they touch. Without recursion, as a chain of a thousand `&&` is a thousand levels deep.
 */
import type { ReadTree } from './arguments/types.ts'
import { allFacts, type FactName } from './schema.ts'

/** An entity by type and id. */
export interface EntityRef {
  readonly type: string
  readonly id: string
}

/** One node of an expression: `{ operator: operands }`, with exactly one member. */
export interface ExpressionNode {
  readonly operator: string
  readonly operands: unknown
}

/** Every node of an expression, outer before inner. */
export function* nodesOf(expression: unknown): Generator<ExpressionNode> {
  const open: unknown[] = [expression]
  while (open.length > 0) {
    const node = toNode(open.pop())
    if (node === undefined) continue
    yield node
    open.push(...childrenOf(node))
  }
}

/** Reads a value as a node, or returns undefined when it is none. */
export function toNode(value: unknown): ExpressionNode | undefined {
  if (!isObject(value)) return undefined
  const [member, ...others] = Object.entries(value)
  return member === undefined || others.length > 0 ? undefined : { operator: member[0], operands: member[1] }
}

/** The expressions directly within a node; its other operands (an attribute's name, a type) are passed over by whoever reads them as nodes. */
export function childrenOf(node: ExpressionNode): readonly unknown[] {
  if (node.operator === 'Value' || node.operator === 'Var' || node.operator === 'Slot') return []
  // a set's members, an extension function's arguments
  if (Array.isArray(node.operands)) return node.operands
  // a record's members, an operator's named operands: strings among them (an attribute, a type) are no nodes
  return isObject(node.operands) ? Object.values(node.operands) : []
}

/** One named operand of a node. */
export function operandOf(node: ExpressionNode, name: string): unknown {
  return isObject(node.operands) ? node.operands[name] : undefined
}

/** Whether an expression is nothing but a variable. */
export function isVariable(expression: unknown, name: string): boolean {
  const node = toNode(expression)
  return node?.operator === 'Var' && node.operands === name
}

/** The entity that an expression is the literal of, if it is one. */
export function entityLiteral(expression: unknown): EntityRef | undefined {
  const node = toNode(expression)
  if (node?.operator !== 'Value' || !isObject(node.operands)) return undefined
  return toEntityRef(node.operands['__entity'])
}

/** Reads Cedar's JSON of an entity id, in either of its two spellings. */
export function toEntityRef(value: unknown): EntityRef | undefined {
  if (!isObject(value)) return undefined
  const inner = isObject(value['__entity']) ? value['__entity'] : value
  const { type, id } = inner
  return typeof type === 'string' && typeof id === 'string' ? { type, id } : undefined
}

/** What conditions read of the context. */
export interface ContextReads {
  readonly facts: ReadonlySet<FactName>
  /** What they read of a tool's arguments; absent when nothing. */
  readonly args?: ReadTree
}

/** What conditions read; `'all'` when the whole context is used as a value (compared, passed on), so that what is read cannot be told. */
export function contextReads(conditions: readonly { readonly body: unknown }[]): ContextReads | 'all' {
  const facts = new Set<FactName>()
  let args: ReadTree | undefined
  for (const path of conditions.flatMap(({ body }) => [...contextPaths(body)])) {
    const [name, ...below] = path.names
    const fact = [...allFacts].find((known) => known === name)
    if (fact !== undefined) facts.add(fact)
    else if (name === 'args') args = joinReads(args, treeOf(below, path.isPresence))
    else return 'all'
  }
  return args === undefined ? { facts } : { facts, args }
}

/** A way from the context down to what is read. */
export interface ContextPath {
  readonly names: readonly string[]
  /** Whether it is only asked whether it is there (`has`). */
  readonly isPresence: boolean
}

/** Every way on which an expression reads the context; without names where it is used as a whole. */
export function* contextPaths(expression: unknown): Generator<ContextPath> {
  const open: unknown[] = [expression]
  while (open.length > 0) {
    const node = toNode(open.pop())
    if (node === undefined) continue
    const path = pathOf(node)
    if (path === undefined) open.push(...childrenOf(node))
    else yield path
  }
}

/** The path of `context.a.b` or `context.a has b`; undefined for anything else. */
export function pathOf(node: ExpressionNode): ContextPath | undefined {
  const names: string[] = []
  let at: ExpressionNode | undefined = node
  while (at?.operator === '.' || at?.operator === 'has') {
    const attribute = operandOf(at, 'attr')
    const steps: readonly unknown[] = Array.isArray(attribute) ? attribute : [attribute]
    names.unshift(...steps.map(String))
    at = toNode(operandOf(at, 'left'))
  }
  if (at?.operator !== 'Var' || at.operands !== 'context') return undefined
  return { names, isPresence: node.operator === 'has' }
}

function treeOf(names: readonly string[], isPresence: boolean): ReadTree {
  const end: ReadTree = isPresence ? new Map() : 'whole'
  return names.reduceRight<ReadTree>((below, name) => new Map([[name, below]]), end)
}

/** What two readers read together. */
export function joinReads(a: ReadTree | undefined, b: ReadTree | undefined): ReadTree | undefined {
  if (a === undefined || b === undefined) return a ?? b
  if (a === 'whole' || b === 'whole') return 'whole'
  const joined = new Map(a)
  for (const [name, below] of b) joined.set(name, joinReads(joined.get(name), below) ?? below)
  return joined
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
