import { noColumns, shown } from './findings.ts'
import { auditedFunctions, rowFunctions } from './functions.ts'
import { holding, type Lineage, referenceTo } from './lineage.ts'
import { opaque, type Relation } from './relation.ts'
import type { Level, Source } from './scope.ts'
import { type Fields, listOf, nameParts, nodeOf, stringOf } from './tree.ts'
import type { Walk } from './walk.ts'

/** What a ColumnRef names. */
interface Path {
  /** Undefined for `*`. */
  readonly name: string | undefined
  readonly source: string | undefined
  readonly schema: string | undefined
}

/** Reads `column`, `source.column`, `schema.source.column`, `database.schema.source.column`, each also with `*` for the column. */
export function columnRef(fields: Fields, level: Level, walk: Walk): Lineage {
  const path = pathOf(fields, walk)
  if (path === undefined) return level.everything()
  if (path.name === undefined) return holding(starOf(path, level).map((relation) => relation.row()))
  if (path.source === undefined) return level.column(path.name)
  return columnOf(path.name, sourceOf(path.source, path.schema, level), path.source, walk)
}

/** The relations whose columns a ColumnRef with `*` stands for. */
export function columnsBehindStar(fields: Fields, level: Level, walk: Walk): readonly Relation[] {
  const path = pathOf(fields, walk)
  return path === undefined ? [opaque(level.everything())] : starOf(path, level)
}

function pathOf(fields: Fields, walk: Walk): Path | undefined {
  const path = listOf(fields, 'fields')
  const isStar = nodeOf(path.at(-1))?.type === 'A_Star'
  const qualifiers = nameParts(path.slice(0, -1))
  const name = isStar ? undefined : stringOf(path.at(-1))
  if (qualifiers === undefined || (name === undefined && !isStar) || qualifiers.length > 3) {
    walk.findings.doubt('a column reference of this form is not understood')
    return undefined
  }
  const [source, schema, catalog] = qualifiers.toReversed()
  if (catalog !== undefined && catalog !== walk.database) {
    walk.findings.doubt(`a column of another database (${shown(catalog)}) is not understood`)
  }
  return { name, source, schema }
}

function starOf({ source: name, schema }: Path, level: Level): readonly Relation[] {
  if (name === undefined) {
    level.star()
    return level.sources.map(({ relation }) => relation)
  }
  const { columns, relation } = sourceOf(name, schema, level)
  columns.any()
  return [relation]
}

type Seen = Pick<Source, 'columns' | 'relation'>

function sourceOf(name: string, schema: string | undefined, level: Level): Seen {
  const source = level.source(name, schema)
  // PostgreSQL reports "missing FROM-clause entry"; should it see more than we do, no column list may be believed.
  return source ?? { columns: noColumns, relation: opaque(level.everything()) }
}

/**
 * PostgreSQL reads `source.name` as a call `name(source)` when the source has no such column (18, 8.16.5). For functions of pg_catalog that
 * take any row this is looked at; one that somebody made for this table's row type cannot be told from a column here.
 */
function columnOf(name: string, { columns, relation }: Seen, source: string, walk: Walk): Lineage {
  if (!rowFunctions.has(name)) {
    columns.add(name)
    return relation.column(name)
  }
  // The call is given the whole row.
  columns.any()
  if (!auditedFunctions.has(name)) {
    walk.findings.doubt(`${shown(source)}.${name} may call the function ${name}, which is not on the audited list`)
  }
  // Those that are audited give it out as it is, or a fact about it.
  return relation.has(name) === true
    ? relation.column(name)
    : referenceTo(() => [relation.column(name), holding([relation.row()])])
}
