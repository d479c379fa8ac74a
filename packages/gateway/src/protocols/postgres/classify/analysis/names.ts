import { catalogRelations } from './catalog-relations.ts'
import { type Findings, shown } from './findings.ts'
import { type Fields, textOf } from './tree.ts'
import type { TableName, Walk } from './walk.ts'

const RANGE_VAR = new Set(['catalogname', 'schemaname', 'relname', 'inh', 'relpersistence', 'alias', 'location'])

/**
 * The table that a RangeVar names, folded and unquoted by the parser.
 *
 * PostgreSQL 18, 5.10.5 "Schemas": "pg_catalog is always effectively part of the search path … searched before". Its relations all begin
 * with `pg_`, so an unqualified name that begins so and is not one of them is left undecided.
 */
export function tableName(fields: Fields, walk: Walk): TableName {
  const { findings } = walk
  onlyFields(fields, RANGE_VAR, 'RangeVar', findings)
  const catalog = textOf(fields, 'catalogname')
  const schema = textOf(fields, 'schemaname')
  const name = textOf(fields, 'relname') ?? ''
  if (name === '') findings.doubt('a table without a name is not understood')
  if (textOf(fields, 'relpersistence') !== 'p') findings.doubt('temporary and unlogged tables are not understood')
  if (catalog !== undefined && catalog !== walk.database) {
    findings.doubt(`a table of another database (${shown(catalog)}) is not understood`)
  }
  if (schema !== undefined) {
    // PostgreSQL 18, 5.10: temporary tables live in schemas of their own, which shadow all others.
    if (/^pg_(temp|toast)/.test(schema)) findings.doubt(`schema ${shown(schema)} is not understood`)
    return { kind: 'table', schema, name }
  }
  if (!name.startsWith('pg_')) return { kind: 'table', schema: walk.searchPath, name }
  if (catalogRelations.has(name)) return { kind: 'table', schema: 'pg_catalog', name }
  findings.doubt(`${shown(name)} needs its schema in front`)
  return { kind: 'table', schema: walk.searchPath, name }
}

/**
 * Fields of a node that are set but not known to this analysis make the statement incomplete: a later grammar can add meaning to a node.
 */
export function onlyFields(fields: Fields, known: ReadonlySet<string>, type: string, findings: Findings): void {
  for (const key of Object.keys(fields)) {
    if (!known.has(key)) findings.doubt(`${type}.${key} is not understood`)
  }
}
