import { columnsBehindStar } from './column-ref.ts'
import { expression, expressions, sortKey, windowOf } from './expression.ts'
import { type FromItem, fromItems } from './from.ts'
import type { Lineage } from './lineage.ts'
import { onlyFields } from './names.ts'
import { Outputs, valuesOutputs } from './outputs.ts'
import { opaque } from './relation.ts'
import { type CteScope, Level } from './scope.ts'
import { sweep } from './sweep.ts'
import { type Fields, fieldsOf, isFields, itemsOf, listOf, nodeOf, stringOf, textOf } from './tree.ts'
import type { Walk } from './walk.ts'
import { readWith } from './with.ts'

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
  level.outputs = setOperation(fields, level, walk)
  const items = fromItems(listOf(fields, 'fromClause'), level, walk)
  const rows = listOf(fields, 'valuesLists').map((row) => expressions(itemsOf(row) ?? [row], level, walk))
  if (rows.length > 0) level.outputs = valuesOutputs(rows)
  readOutput(listOf(fields, 'targetList'), level, walk)
  readClauses(fields, level, walk)
  for (const clause of listOf(fields, 'lockingClause')) lock(clause, items, level, walk)
  return level
}

/**
 * Reads both sides of UNION, INTERSECT or EXCEPT, if it is one. All but UNION ALL sort their rows, or could; but of INTERSECT and EXCEPT only
 * rows of the left side come out, whose place among those of the right one is not seen.
 */
function setOperation(fields: Fields, { outer, ctes }: Level, walk: Walk): Outputs {
  const left = fieldsOf(fields, 'larg')
  const right = fieldsOf(fields, 'rarg')
  const isPlain = fields['op'] === 'SETOP_NONE'
  if (isPlain || left === undefined || right === undefined) {
    if (!isPlain) walk.findings.doubt('a set operation without two sides is not understood')
    else if (left !== undefined || right !== undefined) {
      walk.findings.doubt('a set operation of this form is not understood')
    }
    return new Outputs()
  }
  const one = walk.query(left, outer, ctes).outputs
  const outputs = one.with(walk.query(right, outer, ctes).outputs)
  if (fields['op'] !== 'SETOP_UNION') {
    sortRows(one, walk)
    // Values of both sides are in each.
    for (const { value } of outputs.given()) walk.uses.compare(value, value)
  } else if (fields['all'] !== true) sortRows(outputs, walk)
  return outputs
}

/** Of rows that have the same values one is left; PostgreSQL is free to find them by sorting. */
function sortRows(outputs: Outputs, { uses }: Walk): void {
  for (const { value } of outputs.given()) uses.order(value)
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
    output(alias, found.fields['val'], level, walk)
  }
}

function output(alias: string | undefined, value: unknown, level: Level, walk: Walk): void {
  const found = nodeOf(value)
  if (found?.type === 'ColumnRef' && isStar(listOf(found.fields, 'fields').at(-1))) {
    for (const relation of columnsBehindStar(found.fields, level, walk)) level.outputs.addAll(relation)
    return
  }
  const lineage = expression(value, level, walk)
  // `(row).*`: as many columns as the row has.
  if (found?.type === 'A_Indirection' && isStar(listOf(found.fields, 'indirection').at(-1))) {
    level.outputs.addAll(opaque(lineage))
  } else level.outputs.add(alias ?? impliedName(value), lineage)
}

function isStar(node: unknown): boolean {
  return nodeOf(node)?.type === 'A_Star'
}

/** The name that an output column has without AS: its column's or its function's. */
function impliedName(value: unknown): string | undefined {
  const found = nodeOf(value)
  if (found?.type !== 'ColumnRef' && found?.type !== 'FuncCall') return undefined
  return stringOf(listOf(found.fields, found.type === 'ColumnRef' ? 'fields' : 'funcname').at(-1))
}

function readClauses(fields: Fields, level: Level, walk: Walk): void {
  const { uses } = walk
  for (const key of ['whereClause', 'havingClause']) expression(fields[key], level, walk)
  for (const key of ['limitOffset', 'limitCount']) uses.compute(expression(fields[key], level, walk))
  for (const item of listOf(fields, 'groupClause')) grouping(item, level, walk)
  // A plain DISTINCT is a list that holds one empty node.
  const distinct = listOf(fields, 'distinctClause')
  const keys = distinct.filter((item) => !isFields(item) || Object.keys(item).length > 0)
  if (keys.length < distinct.length) sortRows(level.outputs, walk)
  // Behind a set operation or VALUES there are no columns but the result's.
  const isOwn = textOf(fields, 'op') === 'SETOP_NONE' && listOf(fields, 'valuesLists').length === 0
  for (const item of keys) uses.order(sorted(item, isOwn, level, walk))
  for (const item of listOf(fields, 'sortClause')) uses.order(sorted(sortKey(item, walk), isOwn, level, walk))
  for (const item of listOf(fields, 'windowClause')) {
    const window = nodeOf(item)
    if (window?.type === 'WindowDef') windowOf(window.fields, level, walk)
    else walk.findings.doubt('a window of this form is not understood')
  }
}

/**
 * PostgreSQL 18, "SELECT", "ORDER BY Clause": "If an ORDER BY expression is a simple name that matches both an output column name and an
 * input column name, ORDER BY will interpret it as the output column name." A number means the output column at that place.
 */
function sorted(item: unknown, isOwn: boolean, level: Level, walk: Walk): Lineage {
  const place = placeOf(item)
  if (place !== undefined) return level.outputs.at(place)
  const name = simpleName(item)
  return name === undefined || (isOwn && level.outputs.has(name) !== true)
    ? expression(item, level, walk)
    : level.outputs.column(name)
}

/** "GROUP BY will make the opposite choice": the input column, if there is one, which cannot be told here. */
function grouping(item: unknown, level: Level, walk: Walk): void {
  const name = simpleName(item)
  const values = [grouped(item, level, walk)]
  if (name !== undefined && level.aliases.has(name)) {
    level.everything()
    values.push(level.outputs.column(name))
  }
  for (const value of values) walk.uses.order(value)
  // Numbers may stand within it.
  if (nodeOf(item)?.type === 'GroupingSet') sortRows(level.outputs, walk)
}

function grouped(item: unknown, level: Level, walk: Walk): Lineage {
  const place = placeOf(item)
  return place === undefined ? expression(item, level, walk) : level.outputs.at(place)
}

/** A whole number that stands alone. */
function placeOf(item: unknown): number | undefined {
  const found = nodeOf(item)
  const value = found?.type === 'A_Const' ? fieldsOf(found.fields, 'ival')?.['ival'] : undefined
  return typeof value === 'number' ? value : undefined
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
