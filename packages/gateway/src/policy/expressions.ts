/**
 * Walks over the conditions of a policy in Cedar's JSON form (`policyToJson`): which entities they name, which facts they read, which
 * variables they touch. Without recursion, as a chain of a thousand `&&` is a thousand levels deep.
 */
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

/**
 * The facts that conditions read. `'all'` when the whole context is used as a value (compared, passed on), so that what is read cannot
 * be told.
 */
export function factsRead(conditions: readonly { readonly body: unknown }[]): ReadonlySet<FactName> | 'all' {
  const facts = new Set<FactName>()
  let direct = 0
  let mentions = 0
  for (const { body } of conditions) {
    for (const node of nodesOf(body)) {
      if (node.operator === 'Var' && node.operands === 'context') mentions++
      const fact = factOf(node)
      if (fact === undefined) continue
      direct++
      facts.add(fact)
    }
  }
  return mentions === direct ? facts : 'all'
}

function factOf(node: ExpressionNode): FactName | undefined {
  if ((node.operator !== '.' && node.operator !== 'has') || !isVariable(operandOf(node, 'left'), 'context'))
    return undefined
  const attribute = operandOf(node, 'attr')
  const name: unknown = Array.isArray(attribute) ? attribute[0] : attribute
  return [...allFacts].find((fact) => fact === name)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
