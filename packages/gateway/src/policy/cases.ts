import { z } from 'zod'
import { type BoundaryAction, formatNeed, type Identity, parseNeed } from '#model'
import { isFixedAction, leaves } from './actions.ts'
import { parseAccess, parseWay } from './deeds.ts'
import type { ExplainedThing } from './explanation.ts'

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
 *       - name: a large refund waits
 *         identity: { groups: [support] }
 *         call: ledger/refund
 *         arguments: { amount: 500, currency: EUR }
 *         expect: hold
 *         needs: payments-leads:1
 */

/** One case, understood. */
export interface PolicyCase {
  readonly name: string
  readonly identity: Identity
  readonly what: ExplainedThing
  readonly expect: 'allow' | 'deny' | 'hold'
  /** The policies that shall have determined it, sorted; undefined when the case does not care. */
  readonly by: readonly string[] | undefined
  /** Who shall have to approve it, canonically; undefined when the case does not care. */
  readonly needs: string | undefined
  readonly nowMs: number
  /** The client's address, when the case gives one. */
  readonly address: string | undefined
}

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
  via: text.optional(),
  call: text.optional(),
  arguments: z.union([z.record(z.string(), z.unknown()), text]).optional(),
  list: text.optional(),
  boundary: text.optional(),
  from: text.optional(),
  at: z.iso.datetime({ offset: true }).optional(),
  expect: z.enum(['allow', 'deny', 'hold']),
  by: z.array(text).max(1_000).optional(),
  needs: text.optional(),
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
    const what = toThing(form)
    const needs = toNeeds(form)
    if (typeof what === 'string') faults.push(`cases.${index}: ${what}`)
    else if (needs === null) faults.push(`cases.${index}: needs is not "group:1 and other:2", or nothing is held`)
    else cases.push(toCase(form, what, needs))
  })
  return faults.length > 0 ? { kind: 'faults', faults } : { kind: 'cases', cases }
}

function toCase(form: CaseForm, what: ExplainedThing, needs: string | undefined): PolicyCase {
  return {
    name: form.name ?? describeCase(form),
    identity: toIdentity(form.identity),
    what,
    expect: form.expect,
    by: form.by?.toSorted(),
    needs,
    nowMs: form.at === undefined ? DEFAULT_TIME_MS : Date.parse(form.at),
    address: form.from,
  }
}

function describeCase(form: CaseForm): string {
  const subject = form.identity.id ?? (form.identity.groups.join('+') || `a ${form.identity.kind} in no group`)
  const deed =
    form.boundary ?? form.call ?? form.list ?? (typeof form.does === 'string' ? form.does : form.does?.join(', '))
  return `${subject}: ${deed ?? 'nothing'}`
}

function toIdentity(form: CaseForm['identity']): Identity {
  const id = form.id ?? `test-${form.kind}`
  const shared = { id, issuer: 'test', subject: id, name: id, groups: form.groups.toSorted() }
  const agent = form.agent === undefined ? {} : { agent: { id: form.agent, name: form.agent } }
  if (form.kind === 'workload') return { ...shared, ...agent, kind: 'workload', mfa: false }
  return { ...shared, ...agent, kind: 'person', mfa: form.mfa }
}

/** The canonical form of who is needed; null when it cannot be read or does not fit. */
function toNeeds(form: CaseForm): string | undefined | null {
  if (form.needs === undefined) return undefined
  const need = parseNeed(form.needs)
  return need === undefined || form.expect !== 'hold' ? null : formatNeed(need)
}

function toThing(form: CaseForm): ExplainedThing | string {
  const { boundary, call, list, resource, does } = form
  const isStatement = resource !== undefined || does !== undefined
  if ([boundary, call, list].filter((given) => given !== undefined).length + Number(isStatement) !== 1)
    return 'give resource and does, or call, or list, or boundary'
  if (form.via !== undefined && !isStatement) return 'only what is done to a database comes via a tool'
  if (form.arguments !== undefined && call === undefined) return 'only a call has arguments'
  if (boundary !== undefined)
    return isBoundaryAction(boundary)
      ? { kind: 'boundary', action: boundary }
      : `there is no boundary action "${boundary}"`
  if (call !== undefined) return toCall(call, form.arguments ?? {})
  if (list !== undefined) return toList(list)
  return toStatement(form)
}

function toCall(call: string, given: NonNullable<CaseForm['arguments']>): ExplainedThing | string {
  const way = parseWay(call)
  if (way?.tool === undefined) return `"${call}" is not "server/tool"`
  return {
    kind: 'statement',
    resource: way.server,
    accesses: [{ effect: 'callTool', object: { kind: 'tool', name: way.tool } }],
    isIncomplete: false,
    arguments: typeof given === 'string' ? given : JSON.stringify(given),
  }
}

function toList(list: string): ExplainedThing | string {
  const way = parseWay(list)
  return way?.tool === undefined
    ? `"${list}" is not "server/tool"`
    : { kind: 'list', resource: way.server, tool: way.tool }
}

function toStatement({ resource, does, incomplete, via }: CaseForm): ExplainedThing | string {
  if (resource === undefined || does === undefined) return 'give resource and does'
  const way = via === undefined ? undefined : parseWay(via)
  if (via !== undefined && way === undefined) return `"${via}" is not "server/tool" or "server"`
  const by = way === undefined ? {} : { via: way }
  if (does === 'connect') return { kind: 'connect', resource, ...by }
  const accesses = does.map(parseAccess)
  const unread = accesses.indexOf(undefined)
  if (unread >= 0)
    return `"${does[unread]}" is not "select schema.table", "select schema.table computing column", "call schema.function", "setSetting name" or "ddl kind name"`
  return {
    kind: 'statement',
    resource,
    accesses: accesses.filter((access) => access !== undefined),
    isIncomplete: incomplete,
    ...by,
  }
}

function isBoundaryAction(word: string): word is BoundaryAction {
  return isFixedAction(word) && leaves[word].resources.includes('Boundary')
}
