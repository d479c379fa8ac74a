import { expression, expressions, sortKey, windowOf } from './expression.ts'
import { type FromItem, fromItems } from './from.ts'
import { onlyFields } from './names.ts'
import { type CteScope, Level } from './scope.ts'
import { sweep } from './sweep.ts'
import { type Fields, fieldsOf, isFields, itemsOf, listOf, nodeOf, stringOf, textOf } from './tree.ts'
import type { Walk } from './walk.ts'

const SELECT = new Set([
  ...['distinctClause', 'intoClause', 'targetList', 'fromClause', 'whereClause', 'groupClause', 'groupDistinct'],
  ...['havingClause', 'windowClause', 'valuesLists', 'sortClause', 'limitOffset', 'limitCount', 'limitOption'],
  ...['lockingClause', 'withClause', 'op', 'all', 'larg', 'rarg'],
])

/**
 * Reads a SelectStmt: SELECT, VALUES, TABLE, or two of them under UNION, INTERSECT, EXCEPT. Returns its level, whose rows a FOR UPDATE
 * outside may lock.
 */
export function readQuery(
  fields: Fields,
  outer: Level | undefined,
  outerCtes: CteScope | undefined,
  walk: Walk,
): Level {
  onlyFields(fields, SELECT, 'SelectStmt', walk.findings)
  const level = new Level(outer, readWith(fieldsOf(fields, 'withClause'), outer, outerCtes, walk))
  if (fields['intoClause'] !== undefined) walk.findings.doubt('SELECT INTO is not understood')
  const left = fieldsOf(fields, 'larg')
  const right = fieldsOf(fields, 'rarg')
  if (textOf(fields, 'op') !== 'SETOP_NONE') {
    if (left === undefined || right === undefined)
      walk.findings.doubt('a set operation without two sides is not understood')
    else for (const side of [left, right]) walk.query(side, outer, level.ctes)
  } else if (left !== undefined || right !== undefined) {
    walk.findings.doubt('a set operation of this form is not understood')
  }
  const items = fromItems(listOf(fields, 'fromClause'), level, walk)
  for (const row of listOf(fields, 'valuesLists')) expressions(itemsOf(row) ?? [row], level, walk)
  readOutput(listOf(fields, 'targetList'), level, walk)
  readClauses(fields, level, walk)
  for (const clause of listOf(fields, 'lockingClause')) lock(clause, items, level, walk)
  return level
}

const TARGET = new Set(['name', 'val', 'location'])

/** Reads what a SELECT list or RETURNING gives, and keeps the names that AS gives. */
export function readOutput(targets: readonly unknown[], level: Level, walk: Walk): void {
  for (const target of targets) {
    const found = nodeOf(target)
    if (found?.type !== 'ResTarget') {
      walk.findings.doubt('an output column of this form is not understood')
      continue
    }
    onlyFields(found.fields, TARGET, 'ResTarget', walk.findings)
    const alias = textOf(found.fields, 'name')
    if (alias !== undefined) level.aliases.add(alias)
    const output = alias ?? impliedName(found.fields['val'])
    if (output !== undefined) level.outputs.add(output)
    expression(found.fields['val'], level, walk)
  }
}

/** The name that an output column has without AS: its column's or its function's. */
function impliedName(value: unknown): string | undefined {
  const found = nodeOf(value)
  if (found?.type !== 'ColumnRef' && found?.type !== 'FuncCall') return undefined
  return stringOf(listOf(found.fields, found.type === 'ColumnRef' ? 'fields' : 'funcname').at(-1))
}

function readClauses(fields: Fields, level: Level, walk: Walk): void {
  for (const key of ['whereClause', 'havingClause', 'limitOffset', 'limitCount']) expression(fields[key], level, walk)
  for (const item of listOf(fields, 'groupClause')) grouping(item, level, walk)
  // A plain DISTINCT is a list that holds one empty node.
  const distinct = listOf(fields, 'distinctClause').filter((item) => !isFields(item) || Object.keys(item).length > 0)
  // Behind a set operation or VALUES there are no columns but the result's.
  const isOwn = textOf(fields, 'op') === 'SETOP_NONE' && listOf(fields, 'valuesLists').length === 0
  for (const item of distinct) ordering(item, isOwn, level, walk)
  for (const item of listOf(fields, 'sortClause')) ordering(sortKey(item, walk), isOwn, level, walk)
  for (const item of listOf(fields, 'windowClause')) {
    const window = nodeOf(item)
    if (window?.type === 'WindowDef') windowOf(window.fields, level, walk)
    else walk.findings.doubt('a window of this form is not understood')
  }
}

/**
 * PostgreSQL 18, "SELECT", "ORDER BY Clause": "If an ORDER BY expression is a simple name that matches both an output column name and an
 * input column name, ORDER BY will interpret it as the output column name."
 */
function ordering(item: unknown, isOwn: boolean, level: Level, walk: Walk): void {
  const name = simpleName(item)
  if (name === undefined || (isOwn && !level.outputs.has(name))) expression(item, level, walk)
}

/** "GROUP BY will make the opposite choice": the input column, if there is one, which cannot be told here. */
function grouping(item: unknown, level: Level, walk: Walk): void {
  const name = simpleName(item)
  if (name !== undefined && level.aliases.has(name)) level.everything()
  else expression(item, level, walk)
}

function simpleName(item: unknown): string | undefined {
  const found = nodeOf(item)
  const path = found?.type === 'ColumnRef' ? listOf(found.fields, 'fields') : []
  return path.length === 1 ? stringOf(path[0]) : undefined
}

const LOCKING = new Set(['lockedRels', 'strength', 'waitPolicy'])

/**
 * FOR UPDATE, FOR SHARE and their like count as updates of the rows they lock. PostgreSQL 18, "SELECT", "The Locking Clause": "If specific
 * tables are named in a locking clause, then only rows coming from those tables are locked … If a locking clause is applied to a view or
 * sub-query, it affects all tables used in the view or sub-query."
 */
function lock(clause: unknown, items: readonly FromItem[], level: Level, walk: Walk): void {
  const found = nodeOf(clause)
  if (found?.type !== 'LockingClause') {
    walk.findings.doubt('a locking clause of this form is not understood')
    return
  }
  onlyFields(found.fields, LOCKING, 'LockingClause', walk.findings)
  const names = listOf(found.fields, 'lockedRels').map((relation) => textOf(nodeOf(relation)?.fields ?? {}, 'relname'))
  const named = level.sources.filter((source) => names.includes(source.name))
  const targets: readonly { readonly lock: () => void }[] =
    names.length > 0 && named.length === names.length ? named : items
  for (const target of targets) target.lock()
}

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
  const names = new Set<string>()
  const scope: CteScope = outerCtes === undefined ? { names } : { names, outer: outerCtes }
  // "If RECURSIVE is specified, … the queries can reference themselves and siblings in any order"; else only those before them.
  if (isRecursive) for (const cte of ctes) names.add(textOf(cte?.fields ?? {}, 'ctename') ?? '')
  for (const cte of ctes) {
    const query = cte?.fields['ctequery']
    if (cte?.type !== 'CommonTableExpr') {
      walk.findings.doubt('a WITH item of this form is not understood')
      continue
    }
    onlyFields(cte.fields, CTE, 'CommonTableExpr', walk.findings)
    // A later sibling must not come into sight of an earlier one, so each sees the names as they are now.
    const visible: CteScope = isRecursive ? scope : { ...scope, names: new Set(names) }
    if (query === undefined) walk.findings.doubt('a WITH item without a query is not understood')
    else walk.withStatement(query, outer, visible)
    names.add(textOf(cte.fields, 'ctename') ?? '')
  }
  return scope
}

/** Reads a query node, or notes that it is none. */
export function readSubquery(
  node: unknown,
  outer: Level | undefined,
  ctes: CteScope | undefined,
  walk: Walk,
): Level | undefined {
  const found = nodeOf(node)
  if (found?.type === 'SelectStmt') return readQuery(found.fields, outer, ctes, walk)
  walk.findings.doubt(`${found?.type ?? 'an unknown node'} as a query is not understood`)
  sweep(node, ctes, walk)
  return undefined
}
