import { expression, expressions } from './expression.ts'
import { noColumns } from './findings.ts'
import { holding, type Lineage } from './lineage.ts'
import { onlyFields, tableName } from './names.ts'
import { renamed } from './outputs.ts'
import { joined, merged, opaque, type Relation, tableRelation } from './relation.ts'
import { cteNamed, Level, type Source } from './scope.ts'
import { sweep } from './sweep.ts'
import { typeName } from './cast.ts'
import { castTypes } from './types.ts'
import { type Fields, fieldsOf, itemsOf, listOf, nameParts, nodeOf, stringOf, textOf } from './tree.ts'
import type { Walk } from './walk.ts'

/** One item of a FROM list, with its rows. */
export interface FromItem {
  /** The sources that it brought into sight. */
  readonly sources: readonly Source[]
  readonly lock: () => void
}

/** Reads a FROM list; its sources come into sight of the level one after the other, as LATERAL sees them. */
export function fromItems(nodes: readonly unknown[], level: Level, walk: Walk): readonly FromItem[] {
  return nodes.map((node) => {
    const item = fromItem(node, level, walk)
    level.add(...item.sources)
    return item
  })
}

const nothing: FromItem = { sources: [], lock: () => undefined }

function fromItem(node: unknown, level: Level, walk: Walk): FromItem {
  const found = nodeOf(node)
  switch (found?.type) {
    case 'RangeVar':
      return table(found.fields, level, walk)
    case 'RangeSubselect':
      return subselect(found.fields, level, walk)
    case 'JoinExpr':
      return join(found.fields, level, walk)
    case 'RangeFunction':
      return functions(found.fields, level, walk)
    case 'RangeTableSample':
      return sample(found.fields, level, walk)
    default:
      walk.findings.doubt(`${found?.type ?? 'an unknown node'} in FROM is not understood`)
      sweep(node, level.ctes, walk)
      return nothing
  }
}

const ALIAS = new Set(['aliasname', 'colnames'])

interface FromAlias {
  readonly name?: string
  /** New names for the first columns. */
  readonly columns: readonly string[]
}

/** A FROM item's alias, and how it renames columns. */
function aliasOf(fields: Fields, walk: Walk): FromAlias {
  const alias = fieldsOf(fields, 'alias')
  if (alias === undefined) return { columns: [] }
  onlyFields(alias, ALIAS, 'Alias', walk.findings)
  const name = textOf(alias, 'aliasname')
  const columns = listOf(alias, 'colnames').map((column) => stringOf(column) ?? '')
  return name === undefined ? { columns } : { name, columns }
}

function table(fields: Fields, level: Level, walk: Walk): FromItem {
  const alias = aliasOf(fields, walk)
  const called = textOf(fields, 'relname') ?? ''
  const cte = fields['schemaname'] === undefined ? cteNamed(called, level.ctes) : undefined
  if (cte !== undefined) {
    const relation = renamed(cte, alias.columns)
    return single({ name: alias.name ?? called, columns: noColumns, relation, lock: () => undefined })
  }
  const name = tableName(fields, walk)
  const columns = walk.findings.touch('select', name)
  const relation = renamed(
    tableRelation(name, (use, column) => walk.findings.use(use, name, column)),
    alias.columns,
  )
  const lock = (): void => {
    walk.findings.touch('update', name)
  }
  if (alias.name === undefined) return single({ name: name.name, schema: name.schema, columns, relation, lock })
  // Which of its columns gets which name is not known here.
  if (alias.columns.length > 0) columns.any()
  return single({ name: alias.name, columns: alias.columns.length > 0 ? noColumns : columns, relation, lock })
}

function single(source: Source): FromItem {
  return { sources: [source], lock: source.lock }
}

const SUBSELECT = new Set(['lateral', 'subquery', 'alias'])

function subselect(fields: Fields, level: Level, walk: Walk): FromItem {
  onlyFields(fields, SUBSELECT, 'RangeSubselect', walk.findings)
  const query = nodeOf(fields['subquery'])
  if (query?.type !== 'SelectStmt') {
    walk.findings.doubt('a subquery in FROM of this form is not understood')
    sweep(fields, level.ctes, walk)
    return nothing
  }
  const outer = fields['lateral'] === true ? level : level.outer
  const inner = walk.query(query.fields, outer, level.ctes)
  const lock = (): void => {
    for (const source of inner.sources) source.lock()
  }
  const alias = aliasOf(fields, walk)
  // Without an alias (allowed since 16) nothing can be qualified by it.
  return single({
    name: alias.name ?? '',
    columns: noColumns,
    relation: renamed(inner.outputs, alias.columns),
    lock,
  })
}

const JOIN = new Set(['jointype', 'isNatural', 'larg', 'rarg', 'usingClause', 'join_using_alias', 'quals', 'alias'])

function join(fields: Fields, level: Level, walk: Walk): FromItem {
  onlyFields(fields, JOIN, 'JoinExpr', walk.findings)
  const left = fromItem(fields['larg'], level, walk)
  // The right side sees the left one where it is LATERAL.
  const right = fromItem(fields['rarg'], levelOf([...level.sources, ...left.sources], level), walk)
  const isNatural = fields['isNatural'] === true
  const using = listOf(fields, 'usingClause')
  const lock = (): void => {
    left.lock()
    right.lock()
  }
  const names = isNatural ? undefined : (nameParts(using) ?? [])
  const sources = shared(left.sources, right.sources, names)
  if (isNatural) anyOf(sources)
  for (const side of [left, right]) joinColumns(side.sources, using)
  const condition = (): void => {
    compareShared(left.sources, right.sources, names, walk)
    expression(fields['quals'], levelOf(sources, level), walk)
  }
  if (fields['jointype'] === 'JOIN_FULL') walk.uses.merge(condition)
  else condition()
  const alias = aliasOf(fields, walk)
  const columns = { add: () => anyOf(sources), any: () => anyOf(sources) }
  const whole = { columns, relation: renamed(relationOf(sources), alias.columns), lock }
  const usingAlias = fieldsOf(fields, 'join_using_alias')
  if (alias.name !== undefined) return { sources: [{ ...whole, name: alias.name }], lock }
  if (usingAlias === undefined) return { sources, lock }
  return { sources: [...sources, { ...whole, name: textOf(usingAlias, 'aliasname') ?? '' }], lock }
}

/** Both sides of a join after USING or NATURAL (no names) has made one column of each two. */
function shared(
  left: readonly Source[],
  right: readonly Source[],
  names: readonly string[] | undefined,
): readonly Source[] {
  const sources = [...left, ...right]
  if (names?.length === 0) return sources
  const merging = names && new Set(names)
  return sources.map((source) => ({ ...source, relation: merged(source.relation, merging) }))
}

function compareShared(
  left: readonly Source[],
  right: readonly Source[],
  names: readonly string[] | undefined,
  { uses }: Walk,
): void {
  const [one, other] = [relationOf(left), relationOf(right)]
  if (names === undefined) uses.compare(one.row(), other.row())
  for (const name of names ?? []) uses.compare(one.column(name), other.column(name))
}

function relationOf(sources: readonly Source[]): Relation {
  const [only, ...others] = sources
  return only !== undefined && others.length === 0 ? only.relation : joined(sources.map(({ relation }) => relation))
}

function anyOf(sources: readonly Source[]): void {
  for (const source of sources) source.columns.any()
}

/** USING names columns of both sides; of a side that is a join itself, one of its tables'. */
function joinColumns(sources: readonly Source[], using: readonly unknown[]): void {
  if (using.length === 0) return
  const names = nameParts(using)
  const [only, ...others] = sources
  if (only === undefined || names === undefined || others.length > 0) anyOf(sources)
  else for (const name of names) only.columns.add(name)
}

/** A level in the same place with other sources in sight. */
function levelOf(sources: readonly Source[], place: Level): Level {
  const level = new Level(place.outer, place.ctes)
  level.add(...sources)
  return level
}

const FUNCTION = new Set(['lateral', 'ordinality', 'is_rowsfrom', 'functions', 'alias', 'coldeflist'])

function functions(fields: Fields, level: Level, walk: Walk): FromItem {
  onlyFields(fields, FUNCTION, 'RangeFunction', walk.findings)
  const names: string[] = []
  const values: Lineage[] = []
  for (const pair of listOf(fields, 'functions')) {
    // Each is a list of the call and its column definitions, the latter an empty node when there are none.
    const [call, definitions] = itemsOf(pair) ?? [pair]
    values.push(expression(call, level, walk))
    names.push(nameParts(listOf(nodeOf(call)?.fields ?? {}, 'funcname'))?.at(-1) ?? '')
    columnDefinitions(itemsOf(definitions) ?? [], walk)
  }
  columnDefinitions(listOf(fields, 'coldeflist'), walk)
  return single({
    name: aliasOf(fields, walk).name ?? names[0] ?? '',
    columns: noColumns,
    relation: opaque(holding(values)),
    lock: () => undefined,
  })
}

const COLUMN = new Set(['colname', 'typeName', 'is_local', 'location'])

/** `AS (name type, …)`: the value is converted to these types, so they are looked at as casts are. */
function columnDefinitions(definitions: readonly unknown[], walk: Walk): void {
  for (const definition of definitions) {
    const found = nodeOf(definition)
    const type = typeName(fieldsOf(found?.fields ?? {}, 'typeName'), walk.findings)
    if (found !== undefined) onlyFields(found.fields, COLUMN, 'ColumnDef', walk.findings)
    if (type === undefined) continue
    if (!castTypes.has(type.name) || type.hasLength)
      walk.findings.doubt('a column definition of this type is not understood')
  }
}

const SAMPLE = new Set(['relation', 'method', 'args', 'repeatable', 'location'])
const sampleMethods: ReadonlySet<string> = new Set(['system', 'bernoulli'])

function sample(fields: Fields, level: Level, walk: Walk): FromItem {
  onlyFields(fields, SAMPLE, 'RangeTableSample', walk.findings)
  const method = nameParts(listOf(fields, 'method'))?.join('.') ?? ''
  if (!sampleMethods.has(method)) walk.findings.doubt('this TABLESAMPLE method is not understood')
  const item = fromItem(fields['relation'], level, walk)
  walk.uses.compute(...expressions(listOf(fields, 'args'), level, walk))
  walk.uses.compute(expression(fields['repeatable'], level, walk))
  return item
}
