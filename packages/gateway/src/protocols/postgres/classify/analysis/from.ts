import { expression, expressions } from './expression.ts'
import { noColumns } from './findings.ts'
import { onlyFields, tableName } from './names.ts'
import { isCte, Level, type Source } from './scope.ts'
import { sweep } from './sweep.ts'
import { typeName } from './cast.ts'
import { castTypes } from './types.ts'
import { type Fields, fieldsOf, itemsOf, listOf, nameParts, nodeOf, textOf } from './tree.ts'
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

/** A FROM item's alias, and whether it renames columns. */
function aliasOf(fields: Fields, walk: Walk): { readonly name?: string; readonly renames: boolean } {
  const alias = fieldsOf(fields, 'alias')
  if (alias === undefined) return { renames: false }
  onlyFields(alias, ALIAS, 'Alias', walk.findings)
  const name = textOf(alias, 'aliasname')
  const renames = listOf(alias, 'colnames').length > 0
  return name === undefined ? { renames } : { name, renames }
}

function table(fields: Fields, level: Level, walk: Walk): FromItem {
  const alias = aliasOf(fields, walk)
  const relation = textOf(fields, 'relname') ?? ''
  if (fields['schemaname'] === undefined && isCte(relation, level.ctes)) {
    return single({ name: alias.name ?? relation, columns: noColumns, lock: () => undefined })
  }
  const name = tableName(fields, walk)
  const columns = walk.findings.touch('select', name)
  if (alias.renames) columns.any()
  const lock = (): void => {
    walk.findings.touch('update', name)
  }
  return single(
    alias.name === undefined
      ? { name: name.name, schema: name.schema, columns, lock }
      : { name: alias.name, columns: alias.renames ? noColumns : columns, lock },
  )
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
  // Without an alias (allowed since 16) nothing can be qualified by it.
  return single({ name: aliasOf(fields, walk).name ?? '', columns: noColumns, lock })
}

const JOIN = new Set(['jointype', 'isNatural', 'larg', 'rarg', 'usingClause', 'join_using_alias', 'quals', 'alias'])

function join(fields: Fields, level: Level, walk: Walk): FromItem {
  onlyFields(fields, JOIN, 'JoinExpr', walk.findings)
  const left = fromItem(fields['larg'], level, walk)
  // The right side sees the left one where it is LATERAL.
  const right = fromItem(fields['rarg'], levelOf([...level.sources, ...left.sources], level), walk)
  const sources = [...left.sources, ...right.sources]
  const using = listOf(fields, 'usingClause')
  const lock = (): void => {
    left.lock()
    right.lock()
  }
  if (fields['isNatural'] === true) anyOf(sources)
  for (const side of [left, right]) joinColumns(side.sources, using)
  expression(fields['quals'], levelOf(sources, level), walk)
  const alias = aliasOf(fields, walk)
  const whole = { columns: { add: () => anyOf(sources), any: () => anyOf(sources) }, lock }
  const usingAlias = fieldsOf(fields, 'join_using_alias')
  if (alias.name !== undefined) return { sources: [{ ...whole, name: alias.name }], lock }
  if (usingAlias === undefined) return { sources, lock }
  return { sources: [...sources, { ...whole, name: textOf(usingAlias, 'aliasname') ?? '' }], lock }
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
  for (const pair of listOf(fields, 'functions')) {
    // Each is a list of the call and its column definitions, the latter an empty node when there are none.
    const [call, definitions] = itemsOf(pair) ?? [pair]
    expression(call, level, walk)
    names.push(nameParts(listOf(nodeOf(call)?.fields ?? {}, 'funcname'))?.at(-1) ?? '')
    columnDefinitions(itemsOf(definitions) ?? [], walk)
  }
  columnDefinitions(listOf(fields, 'coldeflist'), walk)
  return single({ name: aliasOf(fields, walk).name ?? names[0] ?? '', columns: noColumns, lock: () => undefined })
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
  expressions(listOf(fields, 'args'), level, walk)
  expression(fields['repeatable'], level, walk)
  return item
}
