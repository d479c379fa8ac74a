import { z } from 'zod'
import type { Access, BoundaryAction, Effect, Identity, ObjectName } from '#model'
import { leaves } from './actions.ts'
import { isLeafAction } from './schema.ts'

/**
 * The form of `policy/tests.yaml`: cases that say who does what, what is expected and which policies shall have determined it.
 *
 *     cases:
 *       - name: support reads customers
 *         identity: { groups: [support] }
 *         resource: cards
 *         does: [select public.customers]
 *         expect: allow
 *         by: [support-connect, support-read]
 */

/** One case, understood. */
export interface PolicyCase {
  readonly name: string
  readonly identity: Identity
  readonly what: CaseSubject
  readonly expect: 'allow' | 'deny' | 'hold'
  /** The policies that shall have determined it, sorted; undefined when the case does not care. */
  readonly by: readonly string[] | undefined
  readonly nowMs: number
  /** The client's address, when the case gives one. */
  readonly address: string | undefined
}

/** What a case does. */
type CaseSubject =
  | { readonly kind: 'connect'; readonly resource: string }
  | {
      readonly kind: 'statement'
      readonly resource: string
      readonly accesses: readonly Access[]
      readonly isIncomplete: boolean
    }
  | { readonly kind: 'boundary'; readonly action: BoundaryAction }

/** The cases, or what is wrong with the document, each with its path in it. */
export type CasesOrFaults =
  | { readonly kind: 'cases'; readonly cases: readonly PolicyCase[] }
  | { readonly kind: 'faults'; readonly faults: readonly string[] }

const MAX_CASES = 10_000
const text = z.string().min(1).max(500)

const identity = z.strictObject({
  kind: z.enum(['person', 'workload']).default('person'),
  id: text.optional(),
  groups: z.array(text).max(1_000).default([]),
  mfa: z.boolean().default(false),
  agent: text.optional(),
})

const caseForm = z.strictObject({
  name: text.optional(),
  identity,
  resource: text.optional(),
  does: z.union([z.literal('connect'), z.array(text).max(1_000)]).optional(),
  incomplete: z.boolean().default(false),
  boundary: text.optional(),
  from: text.optional(),
  at: z.iso.datetime({ offset: true }).optional(),
  expect: z.enum(['allow', 'deny', 'hold']),
  by: z.array(text).max(1_000).optional(),
})

const documentForm = z.strictObject({ cases: z.array(caseForm).min(1).max(MAX_CASES) })

type CaseForm = z.infer<typeof caseForm>

/** A Monday morning: the time of cases that give none. */
const DEFAULT_TIME_MS = Date.UTC(2026, 0, 5, 9)

/** Reads the document of a tests file, parsed from YAML or JSON. */
export function parseCases(document: unknown): CasesOrFaults {
  const parsed = documentForm.safeParse(document)
  if (!parsed.success) {
    return { kind: 'faults', faults: parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`) }
  }
  const cases: PolicyCase[] = []
  const faults: string[] = []
  parsed.data.cases.forEach((form, index) => {
    const what = toSubject(form)
    if (typeof what === 'string') faults.push(`cases.${index}: ${what}`)
    else cases.push(toCase(form, what))
  })
  return faults.length > 0 ? { kind: 'faults', faults } : { kind: 'cases', cases }
}

function toCase(form: CaseForm, what: CaseSubject): PolicyCase {
  return {
    name: form.name ?? describeCase(form),
    identity: toIdentity(form.identity),
    what,
    expect: form.expect,
    by: form.by?.toSorted(),
    nowMs: form.at === undefined ? DEFAULT_TIME_MS : Date.parse(form.at),
    address: form.from,
  }
}

function describeCase(form: CaseForm): string {
  const subject = form.identity.id ?? (form.identity.groups.join('+') || `a ${form.identity.kind} in no group`)
  const deed = form.boundary ?? (typeof form.does === 'string' ? form.does : form.does?.join(', '))
  return `${subject}: ${deed ?? 'nothing'}`
}

function toIdentity(form: CaseForm['identity']): Identity {
  const id = form.id ?? `test-${form.kind}`
  const shared = { id, issuer: 'test', subject: id, name: id, groups: form.groups.toSorted() }
  const agent = form.agent === undefined ? {} : { agent: { id: form.agent, name: form.agent } }
  if (form.kind === 'workload') return { ...shared, ...agent, kind: 'workload', mfa: false }
  return { ...shared, ...agent, kind: 'person', mfa: form.mfa }
}

function toSubject(form: CaseForm): CaseSubject | string {
  if (form.boundary !== undefined) {
    if (form.resource !== undefined || form.does !== undefined) return 'give either boundary, or resource and does'
    return isBoundaryAction(form.boundary)
      ? { kind: 'boundary', action: form.boundary }
      : `there is no boundary action "${form.boundary}"`
  }
  if (form.resource === undefined || form.does === undefined) return 'give resource and does, or boundary'
  if (form.does === 'connect') return { kind: 'connect', resource: form.resource }
  const accesses: Access[] = []
  for (const line of form.does) {
    const access = parseAccess(line)
    if (access === undefined)
      return `"${line}" is not "select schema.table", "call schema.function", "setSetting name" or "ddl kind name"`
    accesses.push(access)
  }
  return { kind: 'statement', resource: form.resource, accesses, isIncomplete: form.incomplete }
}

function isBoundaryAction(word: string): word is BoundaryAction {
  return isLeafAction(word) && leaves[word].resources.includes('Boundary')
}

/** `select schema.table`, `call schema.function`, `setSetting name`, `ddl table|schema|function name`, `ddl database`. */
function parseAccess(line: string): Access | undefined {
  const [effect = '', ...rest] = line.trim().split(/\s+/)
  if (effect === 'ddl') {
    const [kind = '', name = ''] = rest
    const object = parseObject(kind, name)
    return object === undefined ? undefined : { effect, object }
  }
  if (!isEffect(effect) || rest.length !== 1) return undefined
  const kind = effect === 'call' ? 'function' : effect === 'setSetting' ? 'setting' : 'table'
  const object = parseObject(kind, rest[0] ?? '')
  return object === undefined ? undefined : { effect, object }
}

const EFFECTS: readonly string[] = ['select', 'insert', 'update', 'delete', 'truncate', 'call', 'setSetting']

function isEffect(word: string): word is Effect {
  return EFFECTS.includes(word)
}

function parseObject(kind: string, name: string): ObjectName | undefined {
  const dot = name.indexOf('.')
  const qualified = { schema: name.slice(0, Math.max(dot, 0)), name: name.slice(dot + 1) }
  switch (kind) {
    case 'database':
      return name === '' ? { kind } : undefined
    case 'schema':
      return name === '' ? undefined : { kind, schema: name }
    case 'setting':
      return name === '' ? undefined : { kind, name }
    case 'table':
    case 'function':
      return qualified.schema === '' || qualified.name === '' ? undefined : { kind, ...qualified }
    default:
      return undefined
  }
}
