import { typeName } from './cast.ts'
import { expression } from './expression.ts'
import { shown } from './findings.ts'
import { onlyFields, tableName } from './names.ts'
import { tableRelation } from './relation.ts'
import { Level } from './scope.ts'
import { sweep } from './sweep.ts'
import { columnTypes } from './types.ts'
import { type Fields, fieldsOf, listOf, nameParts, nodeOf } from './tree.ts'
import type { TableName, Walk } from './walk.ts'

/**
 * CREATE TABLE, CREATE INDEX, ALTER TABLE, DROP TABLE, DROP INDEX and TRUNCATE, as accesses `ddl` and `truncate` on what they name. Whatever
 * else can make one name mean another (views, renames, rules, inheritance, schemas) or reaches objects that are not named (CASCADE) is left
 * undecided.
 */
const CREATE = new Set(['relation', 'tableElts', 'oncommit', 'if_not_exists'])

/** Reads a CreateStmt. */
export function readCreateTable(fields: Fields, walk: Walk): void {
  onlyFields(fields, CREATE, 'CreateStmt', walk.findings)
  const table = ddlOn(fieldsOf(fields, 'relation'), walk)
  if (fields['oncommit'] !== 'ONCOMMIT_NOOP') walk.findings.doubt('ON COMMIT is not understood')
  const level = tableLevel(table, walk)
  for (const element of listOf(fields, 'tableElts')) tableElement(element, level, walk)
}

/** The table whose definition changes. */
function ddlOn(relation: Fields | undefined, walk: Walk): TableName {
  const table = tableName(relation ?? {}, walk)
  walk.findings.touch('ddl', table).any()
  return table
}

/**
 * Defaults, checks and index expressions see the table's own columns. What they compute with these is the definition's: PostgreSQL stores it in
 * other columns, and says of a check or a unique index whether the rows fit, and which do not.
 */
function tableLevel(table: TableName, walk: Walk): Level {
  const level = new Level(undefined, undefined)
  const columns = { add: () => undefined, any: () => undefined }
  const relation = tableRelation(table, (use, column) => {
    walk.findings.use(use, table, column, 'ddl')
  })
  level.add({ name: table.name, schema: table.schema, columns, relation, lock: () => undefined })
  return level
}

function tableElement(element: unknown, level: Level, walk: Walk): void {
  const found = nodeOf(element)
  if (found?.type === 'ColumnDef') columnDefinition(found.fields, level, walk)
  else if (found?.type === 'Constraint') constraint(found.fields, level, walk)
  else {
    walk.findings.doubt(`${found?.type ?? 'an unknown node'} in a table's definition is not understood`)
    sweep(element, undefined, walk)
  }
}

const COLUMN = new Set(['colname', 'typeName', 'is_local', 'collClause', 'constraints', 'location'])

function columnDefinition(fields: Fields, level: Level, walk: Walk): void {
  onlyFields(fields, COLUMN, 'ColumnDef', walk.findings)
  columnType(fieldsOf(fields, 'typeName'), walk)
  for (const item of listOf(fields, 'constraints')) tableElement(item, level, walk)
}

function columnType(fields: Fields | undefined, walk: Walk): void {
  const type = typeName(fields, walk.findings)
  if (type !== undefined && !columnTypes.has(type.name)) {
    walk.findings.doubt(`a column of type ${shown(type.name)} is not understood`)
  }
}

const CONSTRAINT = new Set([
  ...['contype', 'conname', 'deferrable', 'initdeferred', 'is_enforced', 'skip_validation', 'initially_valid'],
  ...['is_no_inherit', 'raw_expr', 'nulls_not_distinct', 'keys', 'including', 'generated_when', 'generated_kind'],
  ...['pktable', 'fk_attrs', 'pk_attrs', 'fk_matchtype', 'fk_upd_action', 'fk_del_action', 'location'],
])

const constraintTypes: ReadonlySet<unknown> = new Set([
  ...['CONSTR_NULL', 'CONSTR_NOTNULL', 'CONSTR_DEFAULT', 'CONSTR_IDENTITY', 'CONSTR_GENERATED', 'CONSTR_CHECK'],
  ...['CONSTR_PRIMARY', 'CONSTR_UNIQUE', 'CONSTR_FOREIGN', 'CONSTR_ATTR_DEFERRABLE', 'CONSTR_ATTR_NOT_DEFERRABLE'],
  ...['CONSTR_ATTR_DEFERRED', 'CONSTR_ATTR_IMMEDIATE'],
])

function constraint(fields: Fields, level: Level, walk: Walk): void {
  onlyFields(fields, CONSTRAINT, 'Constraint', walk.findings)
  if (!constraintTypes.has(fields['contype'])) walk.findings.doubt('this kind of constraint is not understood')
  const value = expression(fields['raw_expr'], level, walk)
  // In the other column nobody knows any longer where it came from.
  if (fields['contype'] === 'CONSTR_GENERATED') walk.uses.compute(value)
  // A foreign key locks and reads the other table whenever this one changes, and refuses its deletes.
  const other = fieldsOf(fields, 'pktable')
  if (other !== undefined) ddlOn(other, walk)
}

const INDEX = new Set([
  ...['idxname', 'relation', 'accessMethod', 'indexParams', 'indexIncludingParams', 'whereClause', 'unique'],
  ...['nulls_not_distinct', 'concurrent', 'if_not_exists'],
])
const ELEMENT = new Set(['name', 'expr', 'collation', 'opclass', 'ordering', 'nulls_ordering'])
const indexMethods: ReadonlySet<unknown> = new Set(['btree', 'hash', 'gin', 'gist', 'spgist', 'brin'])

/** Reads an IndexStmt: it changes its table. */
export function readCreateIndex(fields: Fields, walk: Walk): void {
  onlyFields(fields, INDEX, 'IndexStmt', walk.findings)
  const level = tableLevel(ddlOn(fieldsOf(fields, 'relation'), walk), walk)
  if (!indexMethods.has(fields['accessMethod'])) walk.findings.doubt('this access method is not understood')
  for (const item of [...listOf(fields, 'indexParams'), ...listOf(fields, 'indexIncludingParams')]) {
    const element = nodeOf(item)
    if (element?.type !== 'IndexElem') {
      walk.findings.doubt('an index column of this form is not understood')
      continue
    }
    onlyFields(element.fields, ELEMENT, 'IndexElem', walk.findings)
    const opclass = nameParts(listOf(element.fields, 'opclass')) ?? []
    if (opclass.length > 1 && opclass[0] !== 'pg_catalog') walk.findings.doubt('an operator class is not understood')
    expression(element.fields['expr'], level, walk)
  }
  expression(fields['whereClause'], level, walk)
}

const ALTER = new Set(['relation', 'cmds', 'objtype', 'missing_ok'])
const COMMAND = new Set(['subtype', 'name', 'num', 'def', 'behavior', 'missing_ok'])

const alterations: ReadonlySet<unknown> = new Set([
  ...['AT_AddColumn', 'AT_ColumnDefault', 'AT_DropNotNull', 'AT_SetNotNull', 'AT_SetStatistics', 'AT_DropColumn'],
  ...['AT_AddConstraint', 'AT_ValidateConstraint', 'AT_DropConstraint', 'AT_AlterColumnType'],
])

/** Reads an AlterTableStmt. */
export function readAlterTable(fields: Fields, walk: Walk): void {
  onlyFields(fields, ALTER, 'AlterTableStmt', walk.findings)
  if (fields['objtype'] !== 'OBJECT_TABLE') walk.findings.doubt('ALTER of this kind of object is not understood')
  const level = tableLevel(ddlOn(fieldsOf(fields, 'relation'), walk), walk)
  for (const item of listOf(fields, 'cmds')) {
    const command = nodeOf(item)
    if (command?.type !== 'AlterTableCmd' || !alterations.has(command.fields['subtype'])) {
      walk.findings.doubt('this form of ALTER TABLE is not understood')
      sweep(item, undefined, walk)
      continue
    }
    onlyFields(command.fields, COMMAND, 'AlterTableCmd', walk.findings)
    restrictOnly(command.fields, walk)
    alteration(command.fields, level, walk)
  }
}

const TYPE_CHANGE = new Set(['typeName', 'collClause', 'raw_default', 'location'])

function alteration(command: Fields, level: Level, walk: Walk): void {
  const definition = nodeOf(command['def'])
  if (definition === undefined) return
  if (command['subtype'] === 'AT_AlterColumnType') {
    onlyFields(definition.fields, TYPE_CHANGE, 'ColumnDef', walk.findings)
    columnType(fieldsOf(definition.fields, 'typeName'), walk)
    // USING computes the new values, of this column from any other.
    walk.uses.compute(expression(definition.fields['raw_default'], level, walk))
  } else if (definition.type === 'ColumnDef' || definition.type === 'Constraint') {
    tableElement(command['def'], level, walk)
  } else if (command['subtype'] === 'AT_ColumnDefault') {
    expression(command['def'], level, walk)
  } else if (definition.type !== 'Integer') {
    walk.findings.doubt('this form of ALTER TABLE is not understood')
  }
}

/** CASCADE reaches objects that the statement does not name. */
function restrictOnly(fields: Fields, walk: Walk): void {
  if (fields['behavior'] !== 'DROP_RESTRICT') walk.findings.doubt('CASCADE is not understood')
}

const DROP = new Set(['objects', 'removeType', 'behavior', 'missing_ok', 'concurrent'])

/** Reads a DropStmt. */
export function readDrop(fields: Fields, walk: Walk): void {
  onlyFields(fields, DROP, 'DropStmt', walk.findings)
  restrictOnly(fields, walk)
  const isTable = fields['removeType'] === 'OBJECT_TABLE'
  if (!isTable && fields['removeType'] !== 'OBJECT_INDEX') {
    walk.findings.doubt('DROP of this kind of object is not understood')
    return
  }
  for (const object of listOf(fields, 'objects')) {
    const table = tableName(relationOf(object, walk), walk)
    // Which table an index belongs to cannot be seen from its name.
    walk.findings.touch('ddl', isTable ? table : { kind: 'schema', schema: table.schema }).any()
  }
}

/** DROP names its objects as lists of name parts. */
function relationOf(object: unknown, walk: Walk): Fields {
  const list = nodeOf(object)
  const parts = list?.type === 'List' ? nameParts(listOf(list.fields, 'items')) : undefined
  const [relname, schemaname, catalogname] = parts?.toReversed() ?? []
  if (relname === undefined || (parts?.length ?? 0) > 3) walk.findings.doubt('a name of this form is not understood')
  return {
    relname,
    relpersistence: 'p',
    ...(schemaname === undefined ? {} : { schemaname }),
    ...(catalogname === undefined ? {} : { catalogname }),
  }
}

const TRUNCATE = new Set(['relations', 'restart_seqs', 'behavior'])

/** Reads a TruncateStmt. */
export function readTruncate(fields: Fields, walk: Walk): void {
  onlyFields(fields, TRUNCATE, 'TruncateStmt', walk.findings)
  restrictOnly(fields, walk)
  for (const item of listOf(fields, 'relations')) {
    const relation = nodeOf(item)
    if (relation?.type === 'RangeVar') walk.findings.touch('truncate', tableName(relation.fields, walk)).any()
    else walk.findings.doubt('a table of this form is not understood')
  }
}
