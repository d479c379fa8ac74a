/**
 * How PostgreSQL says no: codes of the catalogue as SQLSTATEs, refusals as ErrorResponse fields, and the server's own errors and notices
 * with card data taken out.
 *
 * psql and psycopg show DETAIL and HINT, node-postgres and pgx only the message and the SQLSTATE: so what happened, to whom and the
 * reference all have to be in the message.
 */
import { type Bytes, toUtf8 } from '#base'
import { catalogue, type ErrorCode, type Refusal, type Scrubber, type SessionEnd } from '#model'
import { encodeBackend, type NoticeFields } from './codec/index.ts'
import { type Declarations, tableKey } from './columns.ts'

/** A "no" in PostgreSQL's words. */
export interface Answer {
  readonly sqlstate: string
  readonly message: string
  readonly detail?: string
  readonly hint?: string
  /** The 1-based character of the statement that it is about. */
  readonly position?: number
}

/** `ERROR` fails one statement, `FATAL` ends the session. */
export type Severity = 'ERROR' | 'FATAL'

/** PostgreSQL 18, Appendix A. PostgreSQL Error Codes. What is not here cannot reach a client of a database: internal error. */
const sqlstates: Partial<Readonly<Record<ErrorCode, string>>> = {
  // invalid_password: only for these three, since graphical clients ask for the password again on it.
  SP_AUTH_TOKEN_MISSING: '28P01',
  SP_AUTH_TOKEN_UNKNOWN: '28P01',
  SP_AUTH_TOKEN_EXPIRED: '28P01',
  // invalid_authorization_specification
  SP_AUTH_TOKEN_AUDIENCE: '28000',
  SP_AUTH_JOB_TOKEN_INVALID: '28000',
  SP_AUTH_NO_SUBJECT: '28000',
  SP_AUTH_FAILED_ATTEMPTS: '28000',
  SP_RESOURCE_UNKNOWN: '28000',
  // system_error
  SP_AUTH_UNAVAILABLE: '58000',
  SP_MASK_FAILED: '58000',
  SP_APPROVAL_UNAVAILABLE: '58000',
  // insufficient_privilege
  SP_POLICY_DENIED: '42501',
  SP_POLICY_FORBIDDEN: '42501',
  SP_POLICY_ERROR: '42501',
  SP_POLICY_NEEDS_APPROVAL: '42501',
  SP_APPROVAL_DENIED: '42501',
  // feature_not_supported
  SP_OPERATION_INCOMPLETE: '0A000',
  SP_WIRE_UNSUPPORTED: '0A000',
  // program_limit_exceeded, statement_too_complex
  SP_OPERATION_TOO_LARGE: '54000',
  SP_MASK_TOO_LARGE: '54000',
  SP_CLASSIFIER_FAILED: '54001',
  // insufficient_resources, configuration_limit_exceeded
  SP_CLASSIFIER_BUSY: '53000',
  SP_SCRUB_UNAVAILABLE: '53000',
  SP_BUSY: '53400',
  // data_exception
  SP_MASK_NUMERIC: '22000',
  SP_MASK_SAD: '22000',
  // io_error
  SP_TRAIL_UNAVAILABLE: '58030',
  // admin_shutdown, idle_session_timeout
  SP_SESSION_REVOKED: '57P01',
  SP_SESSION_EXPIRED: '57P01',
  SP_SESSION_IDLE: '57P05',
  SP_SHUTDOWN: '57P01',
  // connection_failure, sqlserver_rejected_establishment_of_sqlconnection, protocol_violation
  SP_UPSTREAM_UNREACHABLE: '08006',
  SP_UPSTREAM_REFUSED: '08004',
  SP_UPSTREAM_PROTOCOL: '08P01',
  SP_WIRE_INVALID: '08P01',
  SP_WIRE_TOO_LARGE: '08P01',
}

/** The SQLSTATE of a code; to a connection policy says no in another class (28000) than to a statement (42501), and so does a limit. */
export function sqlstateOf(code: ErrorCode, phase: 'connect' | 'statement'): string {
  if (phase === 'connect' && code.startsWith('SP_POLICY_')) return '28000'
  // too_many_connections
  if (phase === 'connect' && code === 'SP_BUSY') return '53300'
  return sqlstates[code] ?? 'XX000'
}

/** A refusal of the gate or the pipeline. */
export function answerRefusal(refusal: Refusal, phase: 'connect' | 'statement'): Answer {
  const message = withRef(refusal.message, refusal.ref)
  const hint = refusal.hint ?? catalogue[refusal.code].next
  return { sqlstate: sqlstateOf(refusal.code, phase), message, hint }
}

/** A code of the catalogue, about something (`column "n"`, a resource), with the reference of its record when there is one. */
export function answerCode(code: ErrorCode, about?: string, ref?: string): Answer {
  const { meaning, next } = catalogue[code]
  const message = withRef(about === undefined ? meaning : `${about}: ${meaning}`, ref)
  return { sqlstate: sqlstateOf(code, 'statement'), message, hint: next }
}

/** Why a session ends, as its client hears it. */
export function answerSessionEnd(end: SessionEnd, resource: string): Answer {
  switch (end.kind) {
    case 'revoked':
      return { ...answerCode('SP_SESSION_REVOKED'), message: `session ended by ${end.by}: "${end.reason}"` }
    case 'expired':
      return { ...answerCode('SP_SESSION_EXPIRED'), message: `access to ${resource} ended: its time is over` }
    case 'idle':
      return {
        ...answerCode('SP_SESSION_IDLE'),
        message: 'closed because nothing was asked for a while; reconnect when needed',
      }
    case 'upstream':
      return answerCode('SP_UPSTREAM_UNREACHABLE', resource)
    case 'protocol':
    case 'client':
      return answerCode('SP_WIRE_INVALID')
    case 'shutdown':
      return answerCode('SP_SHUTDOWN')
  }
}

/** The reference is what the person is asked for later: it stays, whatever else is cut. */
export function withRef(message: string, ref: string | undefined): string {
  return ref === undefined || message.includes(`[ref ${ref}]`) ? message : `${message} [ref ${ref}]`
}

/** The main line: at most 160 characters of printable ASCII, since terminals and drivers cut and re-encode. */
const MAX_MESSAGE = 160

/**
 * Fields of an ErrorResponse. PostgreSQL 18, Error and Notice Message Fields: S, V, C and M are always there.
 *
 * An answer may quote what the client or the database wrote (a name, a label, a setting): it is scrubbed, and only then cut.
 */
export function errorFields(answer: Answer, severity: Severity, scrubber: Scrubber): NoticeFields {
  const message = scrubber.scrubText(answer.message)
  const fields: (readonly [string, string])[] = [
    ['S', severity],
    ['V', severity],
    ['C', answer.sqlstate],
    ['M', mainLine(message)],
  ]
  const isCut = message.length > MAX_MESSAGE
  const detail = answer.detail === undefined ? undefined : scrubber.scrubText(answer.detail)
  const shown = detail ?? (isCut ? message : undefined)
  if (shown !== undefined) fields.push(['D', printable(shown)])
  if (answer.hint !== undefined) fields.push(['H', printable(scrubber.scrubText(answer.hint))])
  if (answer.position !== undefined) fields.push(['P', String(answer.position)])
  return fields
}

/** An ErrorResponse. */
export function encodeAnswer(answer: Answer, scrubber: Scrubber, severity: Severity = 'ERROR'): Bytes {
  return encodeBackend({ kind: 'error', fields: errorFields(answer, severity, scrubber) })
}

/** A NoticeResponse; 00000 is "successful_completion", as PostgreSQL gives it for NOTICE. */
export function encodeNotice(message: string, scrubber: Scrubber, hint?: string): Bytes {
  const fields: (readonly [string, string])[] = [
    ['S', 'NOTICE'],
    ['V', 'NOTICE'],
    ['C', '00000'],
    ['M', printable(scrubber.scrubText(message))],
  ]
  if (hint !== undefined) fields.push(['H', printable(scrubber.scrubText(hint))])
  return encodeBackend({ kind: 'notice', fields })
}

function mainLine(message: string): string {
  const line = printable(message)
  if (line.length <= MAX_MESSAGE) return line
  const ref = / \[ref [0-9A-Z]+\]$/.exec(line)?.[0] ?? ''
  return `${line.slice(0, MAX_MESSAGE - ref.length - 3)}...${ref}`
}

function printable(text: string): string {
  return text.replaceAll(/[^ -~]+/g, '?')
}

/** Fields with fixed words, codes and numbers: severity, SQLSTATE, positions, line. All others may quote data. */
const FIXED_FIELDS = new Set(['S', 'V', 'C', 'P', 'p', 'L'].map((letter) => letter.charCodeAt(0)))

/**
 * A server's ErrorResponse or NoticeResponse with card data taken out of every field that may quote data (message, detail, hint, context,
 * internal query, names of objects); the length stays. Returns a copy.
 */
export function scrubNotice(message: Bytes, scrubber: Scrubber): Bytes {
  const copy = message.slice()
  let offset = 5
  while (offset < copy.length && copy[offset] !== 0) {
    const letter = copy[offset] ?? 0
    const nul = copy.indexOf(0, offset + 1)
    const end = nul < 0 ? copy.length : nul
    if (!FIXED_FIELDS.has(letter)) copy.set(scrubber.scrub(copy.subarray(offset + 1, end)), offset + 1)
    offset = end + 1
  }
  return copy
}

/**
 * Whether an error's DETAIL quotes a row as it is stored: "Failing row contains (…)", "Key (…)=(…) already exists." PostgreSQL 18, Appendix A:
 * class 23, integrity constraint violation, and 44000, with_check_option_violation.
 */
function quotesRow(fields: ReadonlyMap<string, string>): boolean {
  const sqlstate = fields.get('C') ?? ''
  return sqlstate.startsWith('23') || sqlstate === '44000'
}

/** foreign_key_violation: it names the referencing table, and may quote the other one's row. */
const FOREIGN_KEY_SQLSTATE = '23503'

/** The fields of a server's error without the DETAIL that quotes a row of a table with declared columns, whose values nobody may see whole. */
export function withoutRow(fields: NoticeFields, { tables }: Declarations): NoticeFields {
  const named = new Map(fields)
  if (tables.size === 0 || !quotesRow(named)) return fields
  const [schema, table] = [named.get('s'), named.get('t')]
  const isKnown = schema !== undefined && table !== undefined && named.get('C') !== FOREIGN_KEY_SQLSTATE
  if (isKnown && !tables.has(tableKey(schema, table))) return fields
  return fields.map((field) => (field[0] === 'D' ? ['D', ROW_WITHHELD] : field))
}

const ROW_WITHHELD = 'withheld: it quotes a row, and there are declared columns'

/** What replaces a refused statement upstream: constant, invalid (it names a column where none can be), and without a table to read. */
export function refusedStatement(ref: string | undefined): Bytes {
  const suffix = ref !== undefined && /^[0-9A-Z]{1,12}$/.test(ref) ? ` ${ref}` : ''
  return toUtf8(`SELECT "sallyport refused${suffix}"`)
}

/** undefined_column: what PostgreSQL says to a refused statement's stand-in. */
export const STAND_IN_SQLSTATE = '42703'

/** in_failed_sql_transaction: what it says instead when the transaction had failed before. */
export const FAILED_TRANSACTION_SQLSTATE = '25P02'
