/**
 * Which checks a question comes to. Gates first, then one check per effect and object: Cedar cannot compare sets of tables, so each is
 * asked about alone (`policy.md` §5).
 */
import type { Access, Effect, ErrorCode, ObjectName } from '#model'
import type { LeafAction } from './actions.ts'
import type { CatalogDatabase } from './catalog.ts'
import { buildTarget, type Target } from './entities.ts'

/** One check of a statement, before it is known for whom. */
export interface Question {
  readonly action: LeafAction
  readonly target: Target
}

/** Why a statement cannot be asked about at all. */
export interface Unaskable {
  readonly code: ErrorCode
  readonly reason: string
}

/** Different effects and objects of one statement: a check costs about 0.1 ms of the event loop. */
const MAX_ACCESSES = 256
/** PostgreSQL cuts a name at 63 bytes; whatever is much longer names nothing. */
const MAX_NAME_LENGTH = 255

/**
 * The checks of a statement: `connect` (whoever may no longer connect may no longer ask), `adhoc` (every statement that is not a named
 * operation), `incomplete` where it was not fully understood, and its accesses. A statement without accesses (BEGIN, SHOW) needs the gates alone.
 */
export function statementQuestions(
  accesses: readonly Access[],
  isIncomplete: boolean,
  database: CatalogDatabase,
): readonly Question[] | Unaskable {
  const whole = buildTarget({ kind: 'database' }, database)
  const questions = new Map<string, Question>()
  const add = (action: LeafAction, target: Target): unknown =>
    questions.set(`${action} ${target.key}`, { action, target })
  add('connect', whole)
  add('adhoc', whole)
  if (isIncomplete) add('incomplete', whole)
  for (const { effect, object } of accesses) {
    if (effect === 'callTool' || object.kind === 'tool' || !fits(effect, object))
      return { code: 'SP_POLICY_ERROR', reason: `${effect} does not apply to a ${object.kind}` }
    if (isTooLong(object))
      return { code: 'SP_OPERATION_TOO_LARGE', reason: `a name is longer than ${MAX_NAME_LENGTH} characters` }
    add(effect, object.kind === 'setting' ? whole : buildTarget(object, database))
    if (questions.size > MAX_ACCESSES)
      return { code: 'SP_OPERATION_TOO_LARGE', reason: `more than ${MAX_ACCESSES} objects in one statement` }
  }
  return [...questions.values()]
}

/** Whether the questions could not be made. */
export function isUnaskable(questions: readonly Question[] | Unaskable): questions is Unaskable {
  return 'code' in questions
}

const kindsOf: Readonly<Record<Effect, readonly ObjectName['kind'][]>> = {
  select: ['table'],
  insert: ['table'],
  update: ['table'],
  delete: ['table'],
  truncate: ['table'],
  ddl: ['table', 'schema', 'function', 'database'],
  call: ['function'],
  setSetting: ['setting'],
  // A tool's call is an action of its own.
  callTool: [],
}

function fits(effect: Effect, object: ObjectName): boolean {
  return Object.hasOwn(kindsOf, effect) && kindsOf[effect].includes(object.kind)
}

function isTooLong(object: ObjectName): boolean {
  const parts = ['schema' in object ? object.schema : '', 'name' in object ? object.name : '']
  return parts.some((part) => part.length > MAX_NAME_LENGTH)
}
