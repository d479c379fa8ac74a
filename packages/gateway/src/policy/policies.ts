import { type Need, parseNeed } from '#model'
import { isComplaint, parsePolicy, type PolicyJson } from './cedar.ts'
import { entityLiteral, type EntityRef, nodesOf, toEntityRef } from './expressions.ts'
import { type Finding, placeFinding, type PolicyProblem } from './problems.ts'
import { indexAtByte, placeAt, splitStatements, type Statement, type Token } from './source.ts'

/** A file of policies. */
export interface PolicyFile {
  readonly name: string
  readonly text: string
}

/** What a scope says about the principal or resource. */
interface Scope {
  readonly op: 'All' | '==' | 'in' | 'is'
  /** The type, after `is`. */
  readonly type?: string
  /** The entity, after `==` or `in`. */
  readonly entity?: EntityRef
}

/** What a scope says about the action. */
interface ActionScope {
  readonly op: 'All' | '==' | 'in'
  readonly actions: readonly string[]
}

/** One policy, parsed by Cedar, with its place in its file. */
export interface ParsedPolicy {
  /** Its `@id`, or an empty text when it has none (the linter refuses that). */
  readonly id: string
  readonly effect: 'permit' | 'forbid'
  readonly principal: Scope
  readonly action: ActionScope
  readonly resource: Scope
  readonly conditions: PolicyJson['conditions']
  /** An annotation without a text is null. */
  readonly annotations: ReadonlyMap<string, string | null>
  /** From `@approvers`; undefined when it has none or it cannot be read. */
  readonly approvers: Need | undefined
  readonly file: PolicyFile
  readonly statement: Statement
  /** Shipped with Sallyport; its id begins with `sys/`. */
  readonly isSystem: boolean
}

/** Ids of what is shipped with Sallyport begin so; nobody else's policy may look like it. */
export const SYSTEM_PREFIX = 'sys/'

/** Nested brackets and chained operators cost Cedar stack, and a stack overflow breaks Cedar for as long as the process lives. */
const MAX_BRACKET_DEPTH = 32
/** Operators that nest to the left or right without brackets, per policy. */
const MAX_NESTING_OPERATORS = 256
/** Words of one policy. */
const MAX_TOKENS = 4_000

/** Parses a file. Policies that could be parsed are returned beside the problems of the others. */
export function parseFile(
  file: PolicyFile,
  isSystem: boolean,
): { policies: readonly ParsedPolicy[]; problems: readonly PolicyProblem[] } {
  const policies: ParsedPolicy[] = []
  const problems: PolicyProblem[] = []
  for (const statement of splitStatements(file.text)) {
    const parsed = parseStatement(file, statement, isSystem)
    if ('at' in parsed) problems.push(placeFinding(parsed, file.name, placeAt(file.text, parsed.at), undefined))
    else policies.push(parsed)
  }
  return { policies, problems }
}

function parseStatement(file: PolicyFile, statement: Statement, isSystem: boolean): ParsedPolicy | Finding {
  const excess = excessOf(statement)
  if (excess !== undefined) return excess
  const json = parsePolicy(statement.text)
  if (!isComplaint(json)) return toPolicy(json, file, statement, isSystem)
  return {
    rule: 'cedar-syntax',
    message: json.message,
    fix: json.help ?? 'a policy is: permit or forbid (principal, action, resource), conditions, a semicolon',
    at: statement.start + indexAtByte(statement.text, json.startByte),
  }
}

/** What is too much for Cedar's stack, looked for before Cedar sees the text. */
function excessOf(statement: Statement): Finding | undefined {
  let depth = 0
  let operators = 0
  for (const token of statement.tokens) {
    if (token.kind === 'mark' && '([{'.includes(token.text)) depth++
    if (token.kind === 'mark' && ')]}'.includes(token.text)) depth--
    if (isNesting(token)) operators++
    if (depth > MAX_BRACKET_DEPTH) return excess(token, `brackets nest deeper than ${MAX_BRACKET_DEPTH}`)
    if (operators > MAX_NESTING_OPERATORS)
      return excess(token, `more than ${MAX_NESTING_OPERATORS} of the operators . + - * ! if`)
  }
  const first = statement.tokens[0]
  if (first === undefined || statement.tokens.length <= MAX_TOKENS) return undefined
  return excess(first, `longer than ${MAX_TOKENS} words`)
}

function isNesting(token: Token): boolean {
  return token.kind === 'word' ? token.text === 'if' : token.kind === 'mark' && '.+-*!'.includes(token.text)
}

function excess(token: Token, message: string): Finding {
  return { rule: 'limit', message, fix: 'split it into several policies', at: token.start }
}

function toPolicy(json: PolicyJson, file: PolicyFile, statement: Statement, isSystem: boolean): ParsedPolicy {
  const annotations = new Map<string, string | null>(Object.entries(json.annotations ?? {}))
  return {
    id: annotations.get('id') ?? '',
    effect: json.effect,
    principal: toScope(json.principal),
    action: toActionScope(json.action),
    resource: toScope(json.resource),
    conditions: json.conditions,
    annotations,
    approvers: parseNeed(annotations.get('approvers') ?? ''),
    file,
    statement,
    isSystem,
  }
}

function toScope(scope: PolicyJson['principal'] | PolicyJson['resource']): Scope {
  if (scope.op === 'All') return { op: 'All' }
  if (scope.op === 'is') {
    const within = scope.in === undefined ? undefined : scopeEntity(scope.in)
    return { op: 'is', type: scope.entity_type, ...(within === undefined ? {} : { entity: within }) }
  }
  const entity = scopeEntity(scope)
  return { op: scope.op, ...(entity === undefined ? {} : { entity }) }
}

/** Slots do not occur: `policyToJson` refuses templates. */
function scopeEntity(constraint: object): EntityRef | undefined {
  return 'entity' in constraint ? toEntityRef(constraint.entity) : undefined
}

function toActionScope(scope: PolicyJson['action']): ActionScope {
  if (scope.op === 'All') return { op: 'All', actions: [] }
  const entities: readonly unknown[] = 'entities' in scope ? scope.entities : 'entity' in scope ? [scope.entity] : []
  return { op: scope.op, actions: entities.map((entity) => toEntityRef(entity)?.id ?? '') }
}

/** Whether a policy is a guard: a ban that an approval lifts. */
export function isGuard(policy: ParsedPolicy): boolean {
  return policy.effect === 'forbid' && policy.approvers !== undefined
}

/** Every entity that a policy names, actions excepted. */
export function entitiesOf(policy: ParsedPolicy): readonly EntityRef[] {
  const entities: EntityRef[] = []
  for (const scope of [policy.principal, policy.resource]) if (scope.entity !== undefined) entities.push(scope.entity)
  for (const condition of policy.conditions) {
    for (const node of nodesOf(condition.body)) {
      const entity = entityLiteral({ [node.operator]: node.operands })
      if (entity !== undefined && entity.type !== 'Action') entities.push(entity)
    }
  }
  return entities
}
