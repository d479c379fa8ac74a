/**
 * Where the declared columns lie in this database: RowDescription names a column's origin by table and attribute number only. Partitions
 * and children of a declared table hold the same data under numbers of their own, so they are asked for too.
 */
import { type Bytes, concatBytes, fromUtf8, toUtf8 } from '#base'
import { GatewayError } from '#model'
import { encodeFrontend, type FrontendMessage } from '../codec/index.ts'
import { type Declarations, labelsOf, originKey, tableKey } from '../columns.ts'
import type { DeclaredColumn } from '../settings.ts'
import type { Conversation } from './conversation.ts'
import type { Upstream } from './upstream.ts'

/**
 * Asks a database for the origins of declared columns, and what their tables are called; one that it does not have has no origin.
 *
 * @throws {GatewayError} `SP_UPSTREAM_REFUSED` when it does not answer the question.
 */
export async function findOrigins(
  upstream: Upstream,
  conversation: Conversation,
  declared: readonly DeclaredColumn[],
): Promise<Declarations> {
  const answer = new OriginAnswer(declared)
  if (declared.length === 0) return answer.declarations
  upstream.write(encodeQuestion(declared))
  for (;;) {
    const message = await conversation.next()
    if (message.kind === 'readyForQuery') return answer.declarations
    if (message.kind === 'error') throw notFound(new Map(message.fields).get('M') ?? '')
    if (message.kind === 'dataRow') answer.take(message.values)
  }
}

/** The question was answered with an error. */
export function notFound(reason: string): GatewayError {
  return new GatewayError('SP_UPSTREAM_REFUSED', `the declared columns were not found: ${reason}`)
}

/** What the rows that answer the question say. */
export class OriginAnswer {
  readonly #declared: readonly DeclaredColumn[]
  readonly #byOrigin = new Map<string, DeclaredColumn>()
  readonly #tables: Set<string>
  readonly #inherited = new Map<string, Set<string>>()

  constructor(declared: readonly DeclaredColumn[]) {
    this.#declared = declared
    this.#tables = new Set(declared.map(({ schema, table }) => tableKey(schema, table)))
  }

  /** What was said so far. */
  get declarations(): Declarations {
    const byLabel = labelsOf(this.#declared)
    return { byOrigin: this.#byOrigin, byLabel, tables: this.#tables, inherited: this.#inherited }
  }

  /** Takes one row. */
  take(values: readonly (Bytes | undefined)[]): void {
    const [schema = '', table = '', ...numbers] = values.map((value) => fromUtf8(value ?? new Uint8Array()))
    const column = enter(this.#byOrigin, numbers.map(Number), this.#declared)
    if (column === undefined) return
    const key = tableKey(schema, table)
    this.#tables.add(key)
    const isOwn = this.#declared.some((own) => own.column === column && tableKey(own.schema, own.table) === key)
    if (!isOwn) this.#inherited.set(key, (this.#inherited.get(key) ?? new Set<string>()).add(column))
  }
}

/** Notes an origin; returns its column's name. */
function enter(
  origins: Map<string, DeclaredColumn>,
  [index, table, attribute]: readonly number[],
  declared: readonly DeclaredColumn[],
): string | undefined {
  const column = declared[index ?? -1]
  if (column === undefined || table === undefined || attribute === undefined) return undefined
  // Two declarations of one column: the stricter one wins.
  const key = originKey(table, attribute)
  if (origins.get(key)?.class !== 'sad') origins.set(key, column)
  return column.column
}

/** Prepared by us for the time of one question. */
const QUESTION_NAME = 'sallyport origins'

/**
 * The question up to its Sync. It has names of its own: PostgreSQL 18, Simple Query: a Query message destroys the unnamed prepared statement
 * and the unnamed portal, which may be the client's.
 */
export function encodeQuestion(declared: readonly DeclaredColumn[]): Bytes {
  const name = QUESTION_NAME
  const close: FrontendMessage = { kind: 'close', target: 'statement', name }
  const messages: readonly FrontendMessage[] = [
    // One that was cancelled while it ran was prepared and never closed. PostgreSQL 18, Extended Query: "It is not an error to issue Close
    // against a nonexistent statement or portal name."
    close,
    { kind: 'parse', name, text: toUtf8(question(declared)), parameterTypes: [] },
    { kind: 'bind', portal: name, statement: name, parameterFormats: [], parameters: [], resultFormats: [] },
    { kind: 'execute', portal: name, maxRows: 0 },
    close,
    { kind: 'sync' },
  ]
  return concatBytes(messages.map(encodeFrontend))
}

/** How many columns the answer has. */
export const ORIGIN_COLUMNS = 5

/** Every name is a literal, quoted; `standard_conforming_strings` is on. */
function question(declared: readonly DeclaredColumn[]): string {
  const values = declared.map(({ schema, table, column }, index) =>
    [`(${String(index)}`, literal(schema), literal(table), `${literal(column)})`].join(', '),
  )
  return `WITH RECURSIVE declared (number, schema, relation, attribute) AS (VALUES ${values.join(', ')}),
    relation (number, attribute, oid) AS (
      SELECT declared.number, declared.attribute, pg_class.oid
      FROM declared
      JOIN pg_catalog.pg_namespace ON pg_namespace.nspname OPERATOR(pg_catalog.=) declared.schema
      JOIN pg_catalog.pg_class ON pg_class.relnamespace OPERATOR(pg_catalog.=) pg_namespace.oid
        AND pg_class.relname OPERATOR(pg_catalog.=) declared.relation
      UNION
      SELECT relation.number, relation.attribute, pg_inherits.inhrelid
      FROM relation JOIN pg_catalog.pg_inherits ON pg_inherits.inhparent OPERATOR(pg_catalog.=) relation.oid
    )
    SELECT pg_namespace.nspname, pg_class.relname, relation.number, pg_attribute.attrelid, pg_attribute.attnum
    FROM relation JOIN pg_catalog.pg_attribute ON pg_attribute.attrelid OPERATOR(pg_catalog.=) relation.oid
      AND pg_attribute.attname OPERATOR(pg_catalog.=) relation.attribute
    JOIN pg_catalog.pg_class ON pg_class.oid OPERATOR(pg_catalog.=) relation.oid
    JOIN pg_catalog.pg_namespace ON pg_namespace.oid OPERATOR(pg_catalog.=) pg_class.relnamespace
    WHERE NOT pg_attribute.attisdropped`
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'::pg_catalog.text`
}
