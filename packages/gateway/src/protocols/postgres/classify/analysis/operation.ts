import { constant, holding, isConstant, type Lineage, made } from './lineage.ts'
import { nameParts } from './tree.ts'
import type { Uses } from './uses.ts'

/** Kinds of A_Expr that compare with the operator that they name. */
const comparing: ReadonlySet<unknown> = new Set([
  ...['AEXPR_OP', 'AEXPR_OP_ANY', 'AEXPR_OP_ALL', 'AEXPR_IN'],
  ...['AEXPR_DISTINCT', 'AEXPR_NOT_DISTINCT', 'AEXPR_NULLIF'],
])

const equalities: ReadonlySet<string | undefined> = new Set(['=', '<>', '!='])

/** Whether an operator, by its name, only tells equal values from others. */
export function isEquality(name: readonly unknown[]): boolean {
  return equalities.has(nameParts(name)?.at(-1))
}

/** An A_Expr with its operands read. */
interface Operation {
  readonly kind: string | undefined
  readonly name: readonly unknown[]
  /** Undefined in front of a prefix operator's operand. */
  readonly left: Lineage | undefined
  readonly right: readonly Lineage[]
}

/** What an operation's result is, and what it does with its operands: it compares them for equality, or it computes. */
export function combined({ kind, name, left, right }: Operation, uses: Uses): Lineage {
  const operands = left === undefined ? right : [left, ...right]
  if (left !== undefined && comparing.has(kind) && isEquality(name)) {
    for (const value of right) uses.compare(left, value)
  } else uses.compute(...operands)
  if (isConstant(operands)) return constant
  return kind === 'AEXPR_NULLIF' && left !== undefined ? holding([left]) : made
}
