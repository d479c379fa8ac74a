/**
 * What is refused whatever policy says, in PostgreSQL's own words where it has some; and the shapes under which such a message is recorded.
 */
import type { Shape } from '#model'
import type { Classification } from './classifier.ts'
import { type Answer, answerCode, FAILED_TRANSACTION_SQLSTATE, STAND_IN_SQLSTATE, withRef } from './refuse.ts'

/** Says why, with the reference of the record when there is one. */
export interface Words {
  answer(ref: string | undefined): Answer
  /** Which errors of the stand-in this answer replaces; another error (the transaction had failed before) is the server's to say. */
  readonly replaces: ReadonlySet<string>
}

/** What a stand-in says in a sound transaction. */
const standInErrors: ReadonlySet<string> = new Set([STAND_IN_SQLSTATE])

/** PostgreSQL finds syntax errors, unknown names and bad encodings before it looks at the transaction: so they are said in any case. */
const anyState: ReadonlySet<string> = new Set([STAND_IN_SQLSTATE, FAILED_TRANSACTION_SQLSTATE])

function fixed(sqlstate: string, message: string, hint?: string): Words {
  return {
    answer: (ref) => ({ sqlstate, message: withRef(message, ref), ...(hint === undefined ? {} : { hint }) }),
    replaces: anyState,
  }
}

function coded(code: Parameters<typeof answerCode>[0], about?: string): Words {
  return { answer: (ref) => answerCode(code, about, ref), replaces: standInErrors }
}

/** All there are. */
export interface AllWords {
  readonly notUtf8: Words
  readonly severalStatements: Words
  readonly functionCall: Words
  readonly tooLarge: Words
  readonly tooManyStatements: Words
  readonly tooManyPortals: Words
  readonly cancelled: Words
  noStatement(name: string): Words
  noPortal(name: string): Words
  binaryColumn(name: string): Words
}

export const words: AllWords = {
  /** `PostgreSQL 18, mbutils.c: report_invalid_encoding` */
  notUtf8: fixed('22021', 'invalid byte sequence for encoding "UTF8"'),
  /** `postgres.c: exec_parse_message` */
  severalStatements: fixed('42601', 'cannot insert multiple commands into a prepared statement'),
  functionCall: coded('SP_WIRE_UNSUPPORTED', 'FunctionCall'),
  tooLarge: coded('SP_OPERATION_TOO_LARGE'),
  tooManyStatements: fixed('53400', 'too many prepared statements in this session', 'close some of them'),
  tooManyPortals: fixed('53400', 'too many open portals in this session', 'close some of them'),
  /** `postgres.c: exec_execute_message` */
  cancelled: fixed('57014', 'canceling statement due to user request'),
  noStatement: (name) =>
    name === ''
      ? fixed('26000', 'unnamed prepared statement does not exist')
      : fixed('26000', `prepared statement "${name}" does not exist`),
  noPortal: (name) => fixed('34000', `portal "${name}" does not exist`),
  binaryColumn: (name) => ({
    answer: (ref) => ({
      sqlstate: '0A000',
      message: withRef(
        `column "${name}" is asked for in binary, and cannot be searched for card data in that form`,
        ref,
      ),
      hint: 'ask for results in text format (in most drivers: the simple protocol, or binary transfer off)',
    }),
    replaces: standInErrors,
  }),
}

/** Words for what policy, or the pipeline for it, refused. */
export function refusalWords(answer: Answer): Words {
  return { answer: () => answer, replaces: standInErrors }
}

/** Words for a text that has no statements to decide. */
export function refusedWords(classification: Exclude<Classification, { kind: 'statements' }>): Words {
  if (classification.kind === 'failed') return coded(classification.code)
  const { message = 'syntax error', position } = classification
  const place = position === undefined ? {} : { position }
  return { answer: (ref) => ({ sqlstate: '42601', message: withRef(message, ref), ...place }), replaces: anyState }
}

const unreadable = new Map<string, Shape>()

/** The shape of a message whose text is not read; one and the same object for a verb, as caches want it. `verb` is a constant. */
export function unreadableShape(verb: string): Shape {
  const known = unreadable.get(verb)
  if (known !== undefined) return known
  const shape: Shape = { verb, accesses: [], incomplete: 'not read', template: '', fingerprint: UNREAD_FINGERPRINT }
  unreadable.set(verb, shape)
  return shape
}

/** No template, no fingerprint. */
const UNREAD_FINGERPRINT = '0'.repeat(64)

const incompletes = new WeakMap<Shape, Map<string, Shape>>()

/** A shape that is refused for a reason of the protocol; the same object for the same shape and reason. Reasons are few and hold no value. */
export function incompleteShape(shape: Shape, reason: string): Shape {
  const byReason = incompletes.get(shape) ?? new Map<string, Shape>()
  incompletes.set(shape, byReason)
  const known = byReason.get(reason)
  if (known !== undefined) return known
  const incomplete: Shape = { ...shape, incomplete: shape.incomplete ?? reason }
  byReason.set(reason, incomplete)
  return incomplete
}
