/**
 * Columns of a result as masking sees them: what kind of value, and whether the configuration declares card data in it.
 *
 * A declared column is known by its origin (table and attribute in RowDescription) and, since PostgreSQL gives none for UNION,
 * FULL JOIN USING, subqueries, aggregates and expressions and gives a view's own for a view, by its label too. Masking too much is a
 * support ticket, too little is a finding.
 */
import type { ResultColumn } from '#model'
import type { ColumnDescription, Format } from './codec/index.ts'
import type { DeclaredColumn } from './settings.ts'

/** Object ids of built-in types; PostgreSQL 18, pg_type.dat. They never change between versions. */
const Type = {
  bool: 16,
  char: 18,
  name: 19,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  oid: 26,
  json: 114,
  xml: 142,
  float4: 700,
  float8: 701,
  unknown: 705,
  money: 790,
  moneyArray: 791,
  bpchar: 1042,
  varchar: 1043,
  date: 1082,
  time: 1083,
  timestamp: 1114,
  timestamptz: 1184,
  interval: 1186,
  timetz: 1266,
  numeric: 1700,
  uuid: 2950,
  jsonb: 3802,
} as const

const categories = new Map<number, ResultColumn['category']>([
  [Type.int8, 'numeric'],
  [Type.numeric, 'numeric'],
  [Type.float4, 'numeric'],
  [Type.float8, 'numeric'],
  [Type.money, 'money'],
  [Type.moneyArray, 'money'],
  [Type.json, 'json'],
  [Type.jsonb, 'json'],
  // Too short for a card number (at most ten digits), or no free text at all.
  [Type.int2, 'other'],
  [Type.int4, 'other'],
  [Type.oid, 'other'],
  [Type.bool, 'other'],
  [Type.date, 'other'],
  [Type.time, 'other'],
  [Type.timetz, 'other'],
  [Type.timestamp, 'other'],
  [Type.timestamptz, 'other'],
  [Type.interval, 'other'],
  [Type.uuid, 'other'],
])

/** Types whose binary form is the text itself, so that masking finds in it what it would find in text. */
const textInBinary = new Set<number>([
  Type.text,
  Type.varchar,
  Type.bpchar,
  Type.name,
  Type.json,
  Type.xml,
  Type.char,
  Type.unknown,
])

/**
 * How masking treats a type: everything that is not known to be a number or harmless is text: arrays, composites, ranges, domains
 * (which PostgreSQL reports as their base type), bytea, hstore.
 */
export function categoryOf(typeId: number): ResultColumn['category'] {
  return categories.get(typeId) ?? 'text'
}

/** Declared columns of one resource, found in the database of one session. */
export interface Declarations {
  /** By `originKey`. */
  readonly byOrigin: ReadonlyMap<string, DeclaredColumn>
  /** By label in lower case. */
  readonly byLabel: ReadonlyMap<string, DeclaredColumn['class']>
  /** Tables that have one, and their partitions and children, by `tableKey`. */
  readonly tables: ReadonlySet<string>
  /** Declared columns of partitions and children that are not declared under their own name, by `tableKey`. */
  readonly inherited: ReadonlyMap<string, ReadonlySet<string>>
}

/** The key of a table in `Declarations.tables`. */
export function tableKey(schema: string, table: string): string {
  return `${schema}\0${table}`
}

/** The key of an origin in `Declarations.byOrigin`. */
export function originKey(tableId: number, attribute: number): string {
  return `${String(tableId)}.${String(attribute)}`
}

/** Makes the label half of declarations; origins come from the database. SAD is the stricter class: it wins. */
export function labelsOf(declared: readonly DeclaredColumn[]): ReadonlyMap<string, DeclaredColumn['class']> {
  const labels = new Map<string, DeclaredColumn['class']>()
  for (const { column, class: declaredClass } of declared) {
    const label = column.toLowerCase()
    if (labels.get(label) !== 'sad') labels.set(label, declaredClass)
  }
  return labels
}

/** The columns of a RowDescription for masking; a declared one is named in full, so that records and notices say where the data lies. */
export function resultColumns(
  columns: readonly ColumnDescription[],
  declarations: Declarations,
): readonly ResultColumn[] {
  return columns.map((column) => {
    const category = categoryOf(column.typeId)
    const origin = declarations.byOrigin.get(originKey(column.tableId, column.attribute))
    if (origin !== undefined) {
      return { name: `${origin.schema}.${origin.table}.${origin.column}`, category, declared: origin.class }
    }
    const declared = declarations.byLabel.get(column.name.toLowerCase())
    return declared === undefined ? { name: column.name, category } : { name: column.name, category, declared }
  })
}

/** The first column that was asked for in binary and whose binary form is not its text, if any. */
export function unreadableColumn(
  columns: readonly ColumnDescription[],
  formats: readonly Format[],
): ColumnDescription | undefined {
  return columns.find((column, index) => formatOf(formats, index) === 1 && !textInBinary.has(column.typeId))
}

/** Whether any result column is asked for in binary. */
export function asksForBinary(formats: readonly Format[]): boolean {
  return formats.includes(1)
}

/** PostgreSQL 18, Bind: none means all text, one is for all, else one for each. */
function formatOf(formats: readonly Format[], index: number): Format {
  return (formats.length === 1 ? formats[0] : formats[index]) ?? 0
}
