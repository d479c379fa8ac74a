/**
 * Which checks a question comes to. Gates first, then one check per effect and object: Cedar cannot compare sets of tables, so each is
 * asked about alone.
 */
import type { Access, Effect, ErrorCode, ObjectName } from '#model'
import { type LeafAction, leaves } from './actions.ts'
import type { CatalogColumn, CatalogDatabase, CatalogResource, CatalogServer } from './catalog.ts'
import { buildColumn, buildServer, buildTarget, buildTool, type Target } from './entities.ts'
import { encodeName } from './names.ts'

/** One check of an operation, before it is known for whom. */
export interface Question {
  readonly action: LeafAction
  readonly target: Target
}

/** What is asked about: the part of a shape that policy reads. */
export interface Asked {
  readonly accesses: readonly Access[]
  readonly isIncomplete: boolean
  /** Of a tool call: the hash of the definition that it was checked against. */
  readonly definition?: string | undefined
}

/** Why an operation cannot be asked about at all. */
export interface Unaskable {
  readonly code: ErrorCode
  readonly reason: string
}

/** Different effects and objects of one statement: a check costs about 0.1 ms of the event loop. */
const MAX_ACCESSES = 256
/** PostgreSQL cuts a name at 63 bytes; whatever is much longer names nothing. */
const MAX_NAME_LENGTH = 255

/** The check that opens a session on a resource. */
export function connectQuestion(resource: CatalogResource): Question {
  if (resource.kind === 'server') return { action: leaves.open, target: buildServer(resource) }
  return { action: leaves.connect, target: buildTarget({ kind: 'database' }, resource) }
}

/** The checks of an operation on a resource. */
export function operationQuestions(asked: Asked, resource: CatalogResource): readonly Question[] | Unaskable {
  return resource.kind === 'server' ? callQuestions(asked, resource) : statementQuestions(asked, resource)
}

/**
 * The checks of a statement: `connect` (whoever may no longer connect may no longer ask), `adhoc` (every statement that is not a named
 * operation), `incomplete` where it was not fully understood, its accesses, and `compute` for each column with card data that enters an
 * expression or loses its name on the way to the result, where it would be masked. A statement without accesses (BEGIN, SHOW) needs the
 * gates alone.
 */
function statementQuestions(
  { accesses, isIncomplete }: Asked,
  database: CatalogDatabase,
): readonly Question[] | Unaskable {
  const whole = buildTarget({ kind: 'database' }, database)
  const questions = new Map<string, Question>()
  const add = (action: LeafAction, target: Target): unknown =>
    questions.set(`${action.name} ${target.key}`, { action, target })
  add(leaves.connect, whole)
  add(leaves.adhoc, whole)
  if (isIncomplete) add(leaves.incomplete, whole)
  for (const access of accesses) {
    const { effect, object } = access
    if (effect === 'callTool' || object.kind === 'tool' || !fits(effect, object))
      return { code: 'SP_POLICY_ERROR', reason: `${effect} does not apply to a ${object.kind}` }
    if (isTooLong(object))
      return { code: 'SP_OPERATION_TOO_LARGE', reason: `a name is longer than ${MAX_NAME_LENGTH} characters` }
    add(leaves[effect], object.kind === 'setting' ? whole : buildTarget(object, database))
    for (const column of declaredAmong(access.computed, object, database))
      add(leaves.compute, buildColumn(column, 'computed', database))
    for (const column of declaredAmong(access.unnamed, object, database))
      add(leaves.compute, buildColumn(column, 'unnamed', database))
    if (questions.size > MAX_ACCESSES)
      return { code: 'SP_OPERATION_TOO_LARGE', reason: `more than ${MAX_ACCESSES} objects in one statement` }
  }
  return [...questions.values()]
}

/** The declared columns among those of a table; every one when it cannot be told which they are. */
function declaredAmong(
  columns: Access['computed'],
  object: ObjectName,
  database: CatalogDatabase,
): readonly CatalogColumn[] {
  if (columns === undefined || object.kind !== 'table') return []
  const declared = database.columns.get(encodeName([database.name, object.schema, object.name])) ?? []
  return columns === '*' ? declared : declared.filter(({ column }) => columns.includes(column))
}

/** The checks of an operation on an MCP server: `open` (whoever may no longer open a session may no longer ask), then the tool's own action. */
function callQuestions(
  { accesses, isIncomplete, definition }: Asked,
  server: CatalogServer,
): readonly Question[] | Unaskable {
  const open = connectQuestion(server)
  if (isIncomplete) return { code: 'SP_OPERATION_INCOMPLETE', reason: 'it is not fully understood' }
  const [access, ...others] = accesses
  if (access === undefined) return [open]
  const { effect, object } = access
  // one call has one object with arguments
  if (others.length > 0 || effect !== 'callTool' || object.kind !== 'tool')
    return { code: 'SP_POLICY_ERROR', reason: 'it is no call of one tool' }
  const tool = server.tools.get(object.name)
  if (tool === undefined) return { code: 'SP_TOOL_UNKNOWN', reason: 'the policy in force knows no such tool' }
  // its arguments have the types of the definition that policy was loaded with
  if (definition !== undefined && definition !== tool.hash)
    return { code: 'SP_TOOL_CHANGED', reason: 'the policy in force was loaded with another definition of the tool' }
  return [open, { action: tool.action, target: buildTool(tool, server) }]
}

/** Whether the questions could not be made. */
export function isUnaskable(questions: readonly Question[] | Unaskable): questions is Unaskable {
  return 'code' in questions
}

const kindsOf: Readonly<Record<Exclude<Effect, 'callTool'>, readonly ObjectName['kind'][]>> = {
  select: ['table'],
  insert: ['table'],
  update: ['table'],
  delete: ['table'],
  truncate: ['table'],
  ddl: ['table', 'schema', 'function', 'database'],
  call: ['function'],
  setSetting: ['setting'],
}

function fits(effect: Exclude<Effect, 'callTool'>, object: ObjectName): boolean {
  return Object.hasOwn(kindsOf, effect) && kindsOf[effect].includes(object.kind)
}

function isTooLong(object: ObjectName): boolean {
  const parts = ['schema' in object ? object.schema : '', 'name' in object ? object.name : '']
  return parts.some((part) => part.length > MAX_NAME_LENGTH)
}
