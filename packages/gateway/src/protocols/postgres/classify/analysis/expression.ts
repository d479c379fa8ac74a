import { call, result } from './call.ts'
import { castOf } from './cast.ts'
import { columnRef } from './column-ref.ts'
import { constant, holding, isConstant, type Lineage, made, together } from './lineage.ts'
import { onlyFields } from './names.ts'
import { combined, isEquality } from './operation.ts'
import { operatorIsAudited } from './operator-name.ts'
import type { Level } from './scope.ts'
import { sweep } from './sweep.ts'
import { type Fields, fieldsOf, itemsOf, listOf, nameParts, nodeOf, textOf, type TreeNode } from './tree.ts'
import type { Walk } from './walk.ts'

/**
 * Reads an expression. The node types are a closed set and so are the fields of each: whatever else is met makes the statement incomplete,
 * and its tables are still collected, for the record. Returns where the value comes from: what a rule does not pass on is noted as computed.
 */
export function expression(node: unknown, level: Level, walk: Walk): Lineage {
  if (node === undefined) return constant
  const found = nodeOf(node)
  const rule = found === undefined ? undefined : rules.get(found.type)
  if (found === undefined || rule === undefined) {
    walk.findings.doubt(`${found?.type ?? 'an unknown node'} is not understood`)
    sweep(node, level.ctes, walk)
    return made
  }
  onlyFields(found.fields, rule.fields, found.type, walk.findings)
  return rule.read(found.fields, level, walk)
}

/** Reads each expression of a list. */
export function expressions(nodes: readonly unknown[], level: Level, walk: Walk): readonly Lineage[] {
  return nodes.map((node) => expression(node, level, walk))
}

interface Rule {
  /** The fields that may be set. */
  readonly fields: ReadonlySet<string>
  readonly read: (fields: Fields, level: Level, walk: Walk) => Lineage
}

function rule(fields: string, read: Rule['read']): Rule {
  return { fields: new Set([...fields.split(' '), 'location']), read }
}

/** A rule for nodes that are just their operands; `value` is what is made of those. */
function operands(fields: string, value: (values: readonly Lineage[]) => Lineage, ...keys: readonly string[]): Rule {
  return rule(fields, (node, level, walk) => {
    const values = keys.flatMap((key) => {
      const operand = node[key]
      return Array.isArray(operand)
        ? expressions(operand as readonly unknown[], level, walk)
        : [expression(operand, level, walk)]
    })
    return value(values)
  })
}

/** Of truth values, NULL tests and the like nothing but an answer comes out. */
const answer = (values: readonly Lineage[]): Lineage => (isConstant(values) ? constant : made)

const rules: ReadonlyMap<string, Rule> = new Map(
  Object.entries({
    A_Const: rule('ival fval boolval sval bsval isnull', () => constant),
    ParamRef: rule('number', () => constant),
    ColumnRef: rule('fields', columnRef),
    A_Expr: rule('kind name lexpr rexpr rexpr_list_start rexpr_list_end', operation),
    BoolExpr: operands('boolop args', answer, 'args'),
    NullTest: operands('arg nulltesttype', answer, 'arg'),
    BooleanTest: operands('arg booltesttype', answer, 'arg'),
    SubLink: rule('subLinkType testexpr operName subselect', subLink),
    FuncCall: rule(
      'funcname args agg_order agg_filter over agg_within_group agg_star agg_distinct func_variadic funcformat',
      functionCall,
    ),
    NamedArgExpr: operands('arg name argnumber', together, 'arg'),
    TypeCast: rule('arg typeName', typeCast),
    CollateClause: operands('arg collname', together, 'arg'),
    CaseExpr: rule('arg args defresult', caseOf),
    CoalesceExpr: operands('args', together, 'args'),
    MinMaxExpr: rule('op args', (fields, level, walk) => {
      const values = expressions(listOf(fields, 'args'), level, walk)
      walk.uses.compute(...values)
      return answer(values)
    }),
    SQLValueFunction: rule('op typmod', () => constant),
    A_ArrayExpr: operands('elements list_start list_end', together, 'elements'),
    RowExpr: operands('args row_format', together, 'args'),
    GroupingFunc: operands('args', () => made, 'args'),
    GroupingSet: rule('kind content', (fields, level, walk) => {
      for (const value of expressions(listOf(fields, 'content'), level, walk)) walk.uses.order(value)
      return made
    }),
    A_Indirection: rule('arg indirection', indirection),
    SetToDefault: rule('', () => constant),
    MultiAssignRef: operands('source colno ncolumns', holding, 'source'),
  }),
)

function functionCall(fields: Fields, level: Level, walk: Walk): Lineage {
  const { uses } = walk
  const name = call(fields, walk)
  const values = expressions(listOf(fields, 'args'), level, walk)
  const keys = sorts(listOf(fields, 'agg_order'), level, walk)
  expression(fields['agg_filter'], level, walk)
  windowOf(fieldsOf(fields, 'over'), level, walk)
  if (fields['agg_distinct'] === true) for (const value of values) uses.order(value)
  // WITHIN GROUP: what is sorted by is what is aggregated.
  if (fields['agg_within_group'] !== true) return result(name, values, walk)
  uses.compute(...values, ...keys)
  return made
}

/** A constant stays one, whatever its type: what it is compared with decides, and is written beside it. */
function typeCast(fields: Fields, level: Level, walk: Walk): Lineage {
  const staysText = castOf(fields, walk)
  const value = expression(fields['arg'], level, walk)
  if (value === constant || staysText) return together([value])
  walk.uses.compute(value)
  return made
}

/** CASE: one of its results. */
function caseOf(fields: Fields, level: Level, walk: Walk): Lineage {
  const tested = fields['arg'] === undefined ? undefined : expression(fields['arg'], level, walk)
  const conditions: Lineage[] = tested === undefined ? [] : [tested]
  const results: Lineage[] = []
  for (const item of listOf(fields, 'args')) {
    const when = nodeOf(item)
    if (when?.type !== 'CaseWhen') {
      walk.findings.doubt('a branch of CASE of this form is not understood')
      sweep(item, level.ctes, walk)
      continue
    }
    onlyFields(when.fields, CASE_WHEN, 'CaseWhen', walk.findings)
    const condition = expression(when.fields['expr'], level, walk)
    if (tested !== undefined) walk.uses.compare(tested, condition)
    conditions.push(condition)
    results.push(expression(when.fields['result'], level, walk))
  }
  results.push(expression(fields['defresult'], level, walk))
  return isConstant(conditions) ? together(results) : holding(results)
}

const CASE_WHEN = new Set(['expr', 'result', 'location'])

/** Kinds of A_Expr that name their operator; BETWEEN means `<=` and `>=` of pg_catalog's choosing. */
const named: ReadonlySet<unknown> = new Set([
  ...['AEXPR_OP', 'AEXPR_OP_ANY', 'AEXPR_OP_ALL', 'AEXPR_DISTINCT', 'AEXPR_NOT_DISTINCT', 'AEXPR_NULLIF', 'AEXPR_IN'],
  ...['AEXPR_LIKE', 'AEXPR_ILIKE', 'AEXPR_SIMILAR'],
])
const between: ReadonlySet<unknown> = new Set([
  ...['AEXPR_BETWEEN', 'AEXPR_NOT_BETWEEN', 'AEXPR_BETWEEN_SYM', 'AEXPR_NOT_BETWEEN_SYM'],
])

function operation(fields: Fields, level: Level, walk: Walk): Lineage {
  const kind = textOf(fields, 'kind')
  const name = listOf(fields, 'name')
  if (named.has(kind)) operatorIsAudited(name, walk.findings)
  else if (!between.has(kind)) walk.findings.doubt('an operation of this kind is not understood')
  const left = fields['lexpr'] === undefined ? undefined : expression(fields['lexpr'], level, walk)
  const right = rightOf(kind, fields['rexpr'], level, walk)
  return combined({ kind, name, left, right }, walk.uses)
}

function rightOf(kind: string | undefined, right: unknown, level: Level, walk: Walk): readonly Lineage[] {
  // IN and BETWEEN have a list on the right.
  const items = itemsOf(right) ?? patternOf(kind, right)
  return items === undefined ? [expression(right, level, walk)] : expressions(items, level, walk)
}

/** LIKE … ESCAPE and SIMILAR TO wrap their pattern in a function, which is harmless only there: the result is a truth value. */
function patternOf(kind: string | undefined, right: unknown): readonly unknown[] | undefined {
  if (kind !== 'AEXPR_LIKE' && kind !== 'AEXPR_ILIKE' && kind !== 'AEXPR_SIMILAR') return undefined
  const found = nodeOf(right)
  if (found?.type !== 'FuncCall') return undefined
  const name = nameParts(listOf(found.fields, 'funcname'))?.join('.')
  const isPattern = name === 'pg_catalog.like_escape' || name === 'pg_catalog.similar_to_escape'
  const isPlain = Object.keys(found.fields).every((key) => PATTERN_FIELDS.has(key))
  return isPattern && isPlain ? listOf(found.fields, 'args') : undefined
}

const PATTERN_FIELDS: ReadonlySet<string> = new Set(['funcname', 'args', 'funcformat', 'location'])

function subLink(fields: Fields, level: Level, walk: Walk): Lineage {
  const operator = listOf(fields, 'operName')
  if (operator.length > 0) operatorIsAudited(operator, walk.findings)
  const tested = expression(fields['testexpr'], level, walk)
  const values = subquery(fields['subselect'], level, walk)
  switch (textOf(fields, 'subLinkType')) {
    case 'EXISTS_SUBLINK':
      return made
    case 'EXPR_SUBLINK':
    case 'ARRAY_SUBLINK':
      return holding([values])
    default:
      // IN names no operator.
      if (operator.length === 0 || isEquality(operator)) walk.uses.compare(tested, values)
      else walk.uses.compute(tested, values)
      return made
  }
}

/** A query in parentheses, which sees what is around it. */
function subquery(node: unknown, level: Level, walk: Walk): Lineage {
  const select = nodeOf(node)
  if (select?.type === 'SelectStmt') return walk.query(select.fields, level, level.ctes).outputs.row()
  walk.findings.doubt('a subquery of this form is not understood')
  return made
}

/**
 * Subscripts, slices and `.*`. A name behind a dot is refused: `(pan).reverse` calls `reverse(pan)` (PostgreSQL 18, 8.16.5 allows it for
 * composite types; the server does it for all).
 */
function indirection(fields: Fields, level: Level, walk: Walk): Lineage {
  walk.uses.compute(expression(fields['arg'], level, walk))
  for (const step of listOf(fields, 'indirection')) subscript(nodeOf(step), level, walk)
  return made
}

/** One step of a path behind an expression or an assigned column. */
export function subscript(step: TreeNode | undefined, level: Level, walk: Walk): void {
  switch (step?.type) {
    case 'A_Star':
      return
    case 'A_Indices':
      onlyFields(step.fields, INDICES, 'A_Indices', walk.findings)
      walk.uses.compute(expression(step.fields['lidx'], level, walk), expression(step.fields['uidx'], level, walk))
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
function sorts(items: readonly unknown[], level: Level, walk: Walk): readonly Lineage[] {
  const values = items.map((item) => expression(sortKey(item, walk), level, walk))
  for (const value of values) walk.uses.order(value)
  return values
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
  for (const value of expressions(listOf(window, 'partitionClause'), level, walk)) walk.uses.order(value)
  const keys = sorts(listOf(window, 'orderClause'), level, walk)
  // RANGE with an offset adds it to what is sorted by.
  for (const offset of ['startOffset', 'endOffset']) {
    if (window[offset] !== undefined) walk.uses.compute(expression(window[offset], level, walk), ...keys)
  }
}
