import { expression, subscript } from './expression.ts'
import type { Columns } from './findings.ts'
import { fromItems } from './from.ts'
import { onlyFields, tableName } from './names.ts'
import { Outputs } from './outputs.ts'
import { readOutput, readSubquery } from './query.ts'
import { tableRelation } from './relation.ts'
import { type CteScope, Level, type Source } from './scope.ts'
import { type Fields, fieldsOf, listOf, nameParts, nodeOf, textOf } from './tree.ts'
import type { TableName, Walk } from './walk.ts'
import { readWith } from './with.ts'

/** Where a data-modifying statement stands. */
export interface Place {
  readonly outer: Level | undefined
  readonly ctes: CteScope | undefined
}

const INSERT = new Set([
  ...['relation', 'cols', 'selectStmt', 'onConflictClause', 'returningClause', 'withClause', 'override'],
])

/** Reads an InsertStmt. Returns what its RETURNING gives, as the others here do. */
export function readInsert(fields: Fields, place: Place, walk: Walk): Outputs {
  onlyFields(fields, INSERT, 'InsertStmt', walk.findings)
  const ctes = readWith(fieldsOf(fields, 'withClause'), place.outer, place.ctes, walk)
  const target = targetOf(fields, walk)
  const inserted = walk.findings.touch('insert', target.table)
  const level = new Level(place.outer, ctes)
  const columns = listOf(fields, 'cols')
  // Without a list the values go to the table's first columns.
  if (columns.length === 0) inserted.any()
  level.add(target.source)
  assignments(columns, { columns: inserted }, level, walk)
  if (fields['selectStmt'] !== undefined) {
    const rows = readSubquery(fields['selectStmt'], place.outer, ctes, walk)
    // In the table nobody knows any longer where they came from.
    if (rows !== undefined) walk.uses.compute(rows.outputs.row())
  }
  onConflict(fieldsOf(fields, 'onConflictClause'), target, level, walk)
  return returning(fieldsOf(fields, 'returningClause'), target.source, level, walk)
}

const UPDATE = new Set(['relation', 'targetList', 'whereClause', 'fromClause', 'returningClause', 'withClause'])

/** Reads an UpdateStmt. */
export function readUpdate(fields: Fields, place: Place, walk: Walk): Outputs {
  onlyFields(fields, UPDATE, 'UpdateStmt', walk.findings)
  const ctes = readWith(fieldsOf(fields, 'withClause'), place.outer, place.ctes, walk)
  const target = targetOf(fields, walk)
  const updated = walk.findings.touch('update', target.table)
  const level = new Level(place.outer, ctes)
  level.add(target.source)
  fromItems(listOf(fields, 'fromClause'), level, walk)
  assignments(listOf(fields, 'targetList'), { columns: updated }, level, walk)
  expression(fields['whereClause'], level, walk)
  return returning(fieldsOf(fields, 'returningClause'), target.source, level, walk)
}

const DELETE = new Set(['relation', 'usingClause', 'whereClause', 'returningClause', 'withClause'])

/** Reads a DeleteStmt. */
export function readDelete(fields: Fields, place: Place, walk: Walk): Outputs {
  onlyFields(fields, DELETE, 'DeleteStmt', walk.findings)
  const ctes = readWith(fieldsOf(fields, 'withClause'), place.outer, place.ctes, walk)
  const target = targetOf(fields, walk)
  walk.findings.touch('delete', target.table)
  const level = new Level(place.outer, ctes)
  level.add(target.source)
  fromItems(listOf(fields, 'usingClause'), level, walk)
  expression(fields['whereClause'], level, walk)
  return returning(fieldsOf(fields, 'returningClause'), target.source, level, walk)
}

interface Target {
  readonly table: TableName
  readonly source: Source
}

const ALIAS = new Set(['aliasname'])

/**
 * The table that a statement modifies: never a CTE, whatever its name. That it is read too (WHERE, RETURNING, an expression) is noted when
 * the first of its columns is.
 */
function targetOf(fields: Fields, walk: Walk): Target {
  const relation = fieldsOf(fields, 'relation') ?? {}
  const table = tableName(relation, walk)
  const alias = fieldsOf(relation, 'alias')
  if (alias !== undefined) onlyFields(alias, ALIAS, 'Alias', walk.findings)
  const name = textOf(alias ?? {}, 'aliasname')
  const read = (): Columns => walk.findings.touch('select', table)
  const columns: Columns = {
    add: (column) => {
      read().add(column)
    },
    any: () => {
      read().any()
    },
  }
  const contents = tableRelation(table, (use, column) => walk.findings.use(use, table, column))
  const seen = { columns, relation: contents, lock: noop }
  return {
    table,
    source: name === undefined ? { ...seen, name: table.name, schema: table.schema } : { ...seen, name },
  }
}

const TARGET = new Set(['name', 'indirection', 'val', 'location'])

interface Assigned {
  readonly columns: Columns
  /** Whether `excluded` is in sight. */
  readonly hasExcluded?: boolean
}

/**
 * Reads assigned columns: the list of INSERT, the SET of UPDATE. What goes into a column counts as computed, since nobody knows any longer
 * where it came from; but not what `excluded` has for the same column, which was read where the statement gives it.
 */
function assignments(targets: readonly unknown[], assigned: Assigned, level: Level, walk: Walk): void {
  for (const target of targets) {
    const found = nodeOf(target)
    const name = textOf(found?.fields ?? {}, 'name')
    if (found?.type !== 'ResTarget' || name === undefined) {
      walk.findings.doubt('an assignment of this form is not understood')
      continue
    }
    onlyFields(found.fields, TARGET, 'ResTarget', walk.findings)
    assigned.columns.add(name)
    for (const step of listOf(found.fields, 'indirection')) subscript(nodeOf(step), level, walk)
    const value = expression(found.fields['val'], level, walk)
    if (assigned.hasExcluded !== true || name !== excludedName(found.fields['val'])) walk.uses.compute(value)
  }
}

/** The column in `excluded.column`. */
function excludedName(value: unknown): string | undefined {
  const found = nodeOf(value)
  const path = found?.type === 'ColumnRef' ? nameParts(listOf(found.fields, 'fields')) : undefined
  return path?.length === 2 && path[0] === 'excluded' ? path[1] : undefined
}

const CONFLICT = new Set(['action', 'infer', 'targetList', 'whereClause', 'location'])
const INFER = new Set(['indexElems', 'whereClause', 'conname', 'location'])
const ELEMENT = new Set(['name', 'expr', 'collation', 'opclass', 'ordering', 'nulls_ordering'])

/**
 * PostgreSQL 18, "INSERT": "If ON CONFLICT DO UPDATE is present, UPDATE privilege on the table is also required … You also require SELECT
 * privilege on any column whose values are read in the ON CONFLICT DO UPDATE expressions or condition", and on the arbiter's columns.
 */
function onConflict(clause: Fields | undefined, target: Target, level: Level, walk: Walk): void {
  if (clause === undefined) return
  onlyFields(clause, CONFLICT, 'OnConflictClause', walk.findings)
  const infer = fieldsOf(clause, 'infer')
  if (infer !== undefined) arbiter(infer, target, level, walk)
  if (clause['action'] === 'ONCONFLICT_NOTHING') return
  if (clause['action'] !== 'ONCONFLICT_UPDATE') walk.findings.doubt('this ON CONFLICT action is not understood')
  const inner = new Level(level.outer, level.ctes)
  // The row proposed for insertion: PostgreSQL asks the privilege to read the table's columns for its columns too.
  inner.add(target.source)
  inner.addQualified(rowOf(target.source, 'excluded'))
  const updated = { columns: walk.findings.touch('update', target.table), hasExcluded: true }
  assignments(listOf(clause, 'targetList'), updated, inner, walk)
  expression(clause['whereClause'], inner, walk)
}

/** A row of the target under a name of its own. */
function rowOf({ columns, relation }: Source, name: string): Source {
  return { name, columns, relation, lock: noop }
}

const noop = (): void => undefined

function arbiter(infer: Fields, target: Target, level: Level, walk: Walk): void {
  onlyFields(infer, INFER, 'InferClause', walk.findings)
  // Whichever columns the constraint is on.
  if (infer['conname'] !== undefined) target.source.columns.any()
  for (const item of listOf(infer, 'indexElems')) {
    const element = nodeOf(item)
    if (element?.type !== 'IndexElem') {
      walk.findings.doubt('a conflict target of this form is not understood')
      continue
    }
    onlyFields(element.fields, ELEMENT, 'IndexElem', walk.findings)
    const name = textOf(element.fields, 'name')
    if (name !== undefined) target.source.columns.add(name)
    expression(element.fields['expr'], level, walk)
  }
  expression(infer['whereClause'], level, walk)
}

const RETURNING = new Set(['options', 'exprs'])
const OPTION = new Set(['option', 'value', 'location'])

/** RETURNING reads the target; `old` and `new` (since 18) are its rows too, under those names or those that WITH gives. */
function returning(clause: Fields | undefined, target: Source, level: Level, walk: Walk): Outputs {
  if (clause === undefined) return new Outputs()
  onlyFields(clause, RETURNING, 'ReturningClause', walk.findings)
  const names = ['old', 'new']
  for (const item of listOf(clause, 'options')) {
    const option = nodeOf(item)
    if (option?.type !== 'ReturningOption') walk.findings.doubt('this RETURNING option is not understood')
    else onlyFields(option.fields, OPTION, 'ReturningOption', walk.findings)
    names.push(textOf(option?.fields ?? {}, 'value') ?? '')
  }
  const inner = new Level(level.outer, level.ctes)
  inner.add(...level.sources)
  inner.addQualified(...names.map((name) => rowOf(target, name)))
  readOutput(listOf(clause, 'exprs'), inner, walk)
  return inner.outputs
}
