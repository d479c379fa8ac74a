import { castOf } from './cast.ts'
import { shown } from './findings.ts'
import { call } from './call.ts'
import { onlyFields } from './names.ts'
import { operatorIsAudited } from './operator-name.ts'
import { rowFunctions, auditedFunctions } from './functions.ts'
import type { Level } from './scope.ts'
import { sweep } from './sweep.ts'
import { type Fields, fieldsOf, itemsOf, listOf, nameParts, nodeOf, stringOf, textOf, type TreeNode } from './tree.ts'
import type { Walk } from './walk.ts'

/**
 * Reads an expression. The node types are a closed set and so are the fields of each: whatever else is met makes the statement incomplete,
 * and its tables are still collected, for the record.
 */
export function expression(node: unknown, level: Level, walk: Walk): void {
  if (node === undefined) return
  const found = nodeOf(node)
  const rule = found === undefined ? undefined : rules.get(found.type)
  if (found === undefined || rule === undefined) {
    walk.findings.doubt(`${found?.type ?? 'an unknown node'} is not understood`)
    sweep(node, level.ctes, walk)
    return
  }
  onlyFields(found.fields, rule.fields, found.type, walk.findings)
  rule.read(found.fields, level, walk)
}

/** Reads each expression of a list. */
export function expressions(nodes: readonly unknown[], level: Level, walk: Walk): void {
  for (const node of nodes) expression(node, level, walk)
}

interface Rule {
  /** The fields that may be set. */
  readonly fields: ReadonlySet<string>
  readonly read: (fields: Fields, level: Level, walk: Walk) => void
}

function rule(fields: string, read: Rule['read']): Rule {
  return { fields: new Set([...fields.split(' '), 'location']), read }
}

const nothing = (): void => undefined

/** A rule for nodes that are just their operands. */
function operands(fields: string, ...keys: readonly string[]): Rule {
  return rule(fields, (node, level, walk) => {
    for (const key of keys) {
      const value = node[key]
      if (Array.isArray(value)) expressions(value as readonly unknown[], level, walk)
      else expression(value, level, walk)
    }
  })
}

const rules: ReadonlyMap<string, Rule> = new Map(
  Object.entries({
    A_Const: rule('ival fval boolval sval bsval isnull', nothing),
    ParamRef: rule('number', nothing),
    ColumnRef: rule('fields', columnRef),
    A_Expr: rule('kind name lexpr rexpr rexpr_list_start rexpr_list_end', operation),
    BoolExpr: operands('boolop args', 'args'),
    NullTest: operands('arg nulltesttype', 'arg'),
    BooleanTest: operands('arg booltesttype', 'arg'),
    SubLink: rule('subLinkType testexpr operName subselect', subLink),
    FuncCall: rule(
      'funcname args agg_order agg_filter over agg_within_group agg_star agg_distinct func_variadic funcformat',
      (fields, level, walk) => {
        call(fields, walk)
        expressions(listOf(fields, 'args'), level, walk)
        sorts(listOf(fields, 'agg_order'), level, walk)
        expression(fields['agg_filter'], level, walk)
        windowOf(fieldsOf(fields, 'over'), level, walk)
      },
    ),
    NamedArgExpr: operands('arg name argnumber', 'arg'),
    TypeCast: rule('arg typeName', (fields, level, walk) => {
      castOf(fields, walk)
      expression(fields['arg'], level, walk)
    }),
    CollateClause: operands('arg collname', 'arg'),
    CaseExpr: operands('arg args defresult', 'arg', 'args', 'defresult'),
    CaseWhen: operands('expr result', 'expr', 'result'),
    CoalesceExpr: operands('args', 'args'),
    MinMaxExpr: operands('op args', 'args'),
    SQLValueFunction: rule('op typmod', nothing),
    A_ArrayExpr: operands('elements list_start list_end', 'elements'),
    RowExpr: operands('args row_format', 'args'),
    GroupingFunc: operands('args', 'args'),
    GroupingSet: operands('kind content', 'content'),
    A_Indirection: rule('arg indirection', indirection),
    SetToDefault: rule('', nothing),
    MultiAssignRef: operands('source colno ncolumns', 'source'),
  }),
)

/**
 * `column`, `source.column`, `schema.source.column`, `database.schema.source.column`, each also with `*` for the column.
 *
 * PostgreSQL reads `source.name` as a call `name(source)` when the source has no such column (18, 8.16.5). For functions of pg_catalog that
 * take any row this is looked at; one that somebody made for this table's row type cannot be told from a column here.
 */
function columnRef(fields: Fields, level: Level, walk: Walk): void {
  const path = listOf(fields, 'fields')
  const isStar = nodeOf(path.at(-1))?.type === 'A_Star'
  const qualifiers = nameParts(path.slice(0, -1))
  const name = isStar ? '*' : stringOf(path.at(-1))
  if (qualifiers === undefined || name === undefined || qualifiers.length > 3) {
    walk.findings.doubt('a column reference of this form is not understood')
    level.everything()
    return
  }
  const [source, schema, catalog] = qualifiers.toReversed()
  if (catalog !== undefined && catalog !== walk.database) {
    walk.findings.doubt(`a column of another database (${shown(catalog)}) is not understood`)
  }
  if (source === undefined) {
    if (isStar) level.star()
    else level.column(name)
    return
  }
  const columns = level.columnOf(source, schema)
  if (isStar) {
    columns.any()
    return
  }
  if (!rowFunctions.has(name)) {
    columns.add(name)
    return
  }
  // The call is given the whole row.
  columns.any()
  if (!auditedFunctions.has(name)) {
    walk.findings.doubt(`${shown(source)}.${name} may call the function ${name}, which is not on the audited list`)
  }
}

/** Kinds of A_Expr that name their operator; BETWEEN means `<=` and `>=` of pg_catalog's choosing. */
const named: ReadonlySet<unknown> = new Set([
  ...['AEXPR_OP', 'AEXPR_OP_ANY', 'AEXPR_OP_ALL', 'AEXPR_DISTINCT', 'AEXPR_NOT_DISTINCT', 'AEXPR_NULLIF', 'AEXPR_IN'],
  ...['AEXPR_LIKE', 'AEXPR_ILIKE', 'AEXPR_SIMILAR'],
])
const between: ReadonlySet<unknown> = new Set([
  ...['AEXPR_BETWEEN', 'AEXPR_NOT_BETWEEN', 'AEXPR_BETWEEN_SYM', 'AEXPR_NOT_BETWEEN_SYM'],
])

function operation(fields: Fields, level: Level, walk: Walk): void {
  const kind = textOf(fields, 'kind')
  if (named.has(kind)) operatorIsAudited(listOf(fields, 'name'), walk.findings)
  else if (!between.has(kind)) walk.findings.doubt('an operation of this kind is not understood')
  expression(fields['lexpr'], level, walk)
  const right = fields['rexpr']
  // IN and BETWEEN have a list on the right.
  const items = itemsOf(right)
  if (items !== undefined) {
    expressions(items, level, walk)
    return
  }
  const pattern = patternOf(kind, right)
  if (pattern === undefined) expression(right, level, walk)
  else expressions(listOf(pattern, 'args'), level, walk)
}

/** LIKE … ESCAPE and SIMILAR TO wrap their pattern in a function, which is harmless only there: the result is a truth value. */
function patternOf(kind: string | undefined, right: unknown): Fields | undefined {
  if (kind !== 'AEXPR_LIKE' && kind !== 'AEXPR_ILIKE' && kind !== 'AEXPR_SIMILAR') return undefined
  const found = nodeOf(right)
  if (found?.type !== 'FuncCall') return undefined
  const name = nameParts(listOf(found.fields, 'funcname'))?.join('.')
  const isPattern = name === 'pg_catalog.like_escape' || name === 'pg_catalog.similar_to_escape'
  const isPlain = Object.keys(found.fields).every((key) => PATTERN_FIELDS.has(key))
  return isPattern && isPlain ? found.fields : undefined
}

const PATTERN_FIELDS: ReadonlySet<string> = new Set(['funcname', 'args', 'funcformat', 'location'])

function subLink(fields: Fields, level: Level, walk: Walk): void {
  const operator = listOf(fields, 'operName')
  if (operator.length > 0) operatorIsAudited(operator, walk.findings)
  expression(fields['testexpr'], level, walk)
  subquery(fields['subselect'], level, walk)
}

/** A query in parentheses, which sees what is around it. */
function subquery(node: unknown, level: Level, walk: Walk): void {
  const select = nodeOf(node)
  if (select?.type === 'SelectStmt') walk.query(select.fields, level, level.ctes)
  else walk.findings.doubt('a subquery of this form is not understood')
}

/**
 * Subscripts, slices and `.*`. A name behind a dot is refused: `(pan).reverse` calls `reverse(pan)` (PostgreSQL 18, 8.16.5 allows it for
 * composite types; the server does it for all).
 */
function indirection(fields: Fields, level: Level, walk: Walk): void {
  expression(fields['arg'], level, walk)
  for (const step of listOf(fields, 'indirection')) subscript(nodeOf(step), level, walk)
}

/** One step of a path behind an expression or an assigned column. */
export function subscript(step: TreeNode | undefined, level: Level, walk: Walk): void {
  switch (step?.type) {
    case 'A_Star':
      return
    case 'A_Indices':
      onlyFields(step.fields, INDICES, 'A_Indices', walk.findings)
      expression(step.fields['lidx'], level, walk)
      expression(step.fields['uidx'], level, walk)
      return
    case 'String':
      walk.findings.doubt('a name behind an expression in parentheses may call a function, which is not understood')
      return
    default:
      walk.findings.doubt('a path of this form is not understood')
  }
}

const INDICES = new Set(['is_slice', 'lidx', 'uidx'])

const SORT = new Set(['node', 'sortby_dir', 'sortby_nulls', 'useOp', 'location'])

/** ORDER BY items within aggregates and windows, where a name is always a column. */
function sorts(items: readonly unknown[], level: Level, walk: Walk): void {
  for (const item of items) expression(sortKey(item, walk), level, walk)
}

/** What an ORDER BY item sorts by. */
export function sortKey(item: unknown, walk: Walk): unknown {
  const sort = nodeOf(item)
  if (sort?.type !== 'SortBy') {
    walk.findings.doubt('an ORDER BY item of this form is not understood')
    return undefined
  }
  onlyFields(sort.fields, SORT, 'SortBy', walk.findings)
  const operator = listOf(sort.fields, 'useOp')
  if (operator.length > 0) operatorIsAudited(operator, walk.findings)
  return sort.fields['node']
}

const WINDOW = new Set([
  ...['name', 'refname', 'partitionClause', 'orderClause', 'frameOptions', 'startOffset', 'endOffset', 'location'],
])

/** A window: `OVER (…)`, `OVER name` or an item of WINDOW. */
export function windowOf(window: Fields | undefined, level: Level, walk: Walk): void {
  if (window === undefined) return
  onlyFields(window, WINDOW, 'WindowDef', walk.findings)
  expressions(listOf(window, 'partitionClause'), level, walk)
  sorts(listOf(window, 'orderClause'), level, walk)
  expression(window['startOffset'], level, walk)
  expression(window['endOffset'], level, walk)
}
