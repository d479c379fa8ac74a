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

/** What an operation's result is, and what it does with its operands: it compares them for equality, or it computes. */
export function combined(
  kind: string | undefined,
  name: readonly unknown[],
  left: Lineage | undefined,
  right: readonly Lineage[],
  uses: Uses,
): Lineage {
  if (!comparing.has(kind) || !isEquality(name) || left === undefined) {
    uses.compute(...(left === undefined ? [] : [left]), ...right)
  } else {
    for (const value of right) uses.compare(left, value)
  }
  if (isConstant(right) && (left ?? constant) === constant) return constant
  return kind === 'AEXPR_NULLIF' && left !== undefined ? holding([left]) : made
}
