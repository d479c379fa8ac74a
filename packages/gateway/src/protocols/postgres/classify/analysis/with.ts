import { onlyFields } from './names.ts'
import { Outputs, renamed } from './outputs.ts'
import { LateRelation, type Relation } from './relation.ts'
import type { CteScope, Level } from './scope.ts'
import { type Fields, listOf, nodeOf, stringOf, textOf } from './tree.ts'
import type { Walk } from './walk.ts'

const WITH = new Set(['ctes', 'recursive', 'location'])
const CTE = new Set(['ctename', 'aliascolnames', 'ctematerialized', 'ctequery', 'location'])

/** Reads a WITH clause and returns what is in sight behind it. */
export function readWith(
  clause: Fields | undefined,
  outer: Level | undefined,
  outerCtes: CteScope | undefined,
  walk: Walk,
): CteScope | undefined {
  if (clause === undefined) return outerCtes
  onlyFields(clause, WITH, 'WithClause', walk.findings)
  const isRecursive = clause['recursive'] === true
  const ctes = listOf(clause, 'ctes').map((item) => nodeOf(item))
  const names = new Map<string, Relation>()
  const scope: CteScope = outerCtes === undefined ? { names } : { names, outer: outerCtes }
  // "If RECURSIVE is specified, … the queries can reference themselves and siblings in any order"; else only those before them.
  if (isRecursive) for (const cte of ctes) names.set(textOf(cte?.fields ?? {}, 'ctename') ?? '', new LateRelation())
  for (const cte of ctes) {
    const query = cte?.fields['ctequery']
    if (cte?.type !== 'CommonTableExpr') {
      walk.findings.doubt('a WITH item of this form is not understood')
      continue
    }
    onlyFields(cte.fields, CTE, 'CommonTableExpr', walk.findings)
    const name = textOf(cte.fields, 'ctename') ?? ''
    // A later sibling must not come into sight of an earlier one, so each sees the names as they are now.
    const visible: CteScope = isRecursive ? scope : { ...scope, names: new Map(names) }
    if (query === undefined) walk.findings.doubt('a WITH item without a query is not understood')
    const outputs = query === undefined ? new Outputs() : walk.withStatement(query, outer, visible)
    const relation = renamed(
      outputs,
      listOf(cte.fields, 'aliascolnames').map((column) => stringOf(column) ?? ''),
    )
    const before = names.get(name)
    if (before instanceof LateRelation) before.is(relation)
    names.set(name, relation)
  }
  return scope
}
