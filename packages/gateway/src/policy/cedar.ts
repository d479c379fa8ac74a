/**
 * The one place that speaks to Cedar. Whatever it cannot answer plainly is an error without text: Cedar's messages quote the values of
 * a request, so none of them leaves from here once policies are loaded.
 */
import {
  type EntityJson,
  getCedarVersion,
  isAuthorized,
  type PolicyJson,
  policyToJson,
  preparsePolicySet,
  preparseSchema,
  statefulIsAuthorized,
  validate,
} from '@cedar-policy/cedar-wasm/nodejs'
import type { EntityRef } from './expressions.ts'

export type { EntityJson, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'

/** One question to Cedar. */
export interface CedarRequest {
  readonly principal: EntityRef
  readonly action: string
  readonly resource: EntityRef
  readonly context: Readonly<Record<string, ContextValue>>
  readonly entities: readonly EntityJson[]
}

/** A value of a context. */
export type ContextValue =
  | boolean
  | string
  | { readonly __entity: EntityRef }
  | { readonly __extn: { readonly fn: string; readonly arg: string } }
  /** Of `JSON.rawJSON`: a number, digit by digit. */
  | { readonly rawJSON: string }
  | ContextValue[]
  | { readonly [member: string]: ContextValue }

/** Cedar's answer; the policies are sorted, as Cedar gives them in no order. */
export type CedarAnswer =
  { readonly kind: 'allow' | 'deny'; readonly reason: readonly string[] } | { readonly kind: 'error' }

/** Something that Cedar has against a policy while it is loaded; byte offsets are into the policy's own text. */
export interface CedarComplaint {
  readonly policy: string
  readonly kind: 'error' | 'warning'
  readonly message: string
  readonly help: string | undefined
  readonly startByte: number
}

/** Cedar's own version: part of what a policy hash stands for. */
export function cedarVersion(): string {
  return getCedarVersion()
}

/** Parses one policy. */
export function parsePolicy(text: string): PolicyJson | CedarComplaint {
  const answer = policyToJson(text)
  if (answer.type === 'success') return answer.json
  const [first] = answer.errors
  return {
    policy: '',
    kind: 'error',
    message: cleanMessage(first?.message ?? 'not a policy'),
    help: first?.help ?? first?.sourceLocations?.[0]?.label ?? undefined,
    startByte: first?.sourceLocations?.[0]?.start ?? 0,
  }
}

/** Whether the answer of `parsePolicy` is a complaint. */
export function isComplaint(answer: PolicyJson | CedarComplaint): answer is CedarComplaint {
  return 'startByte' in answer
}

/** Validates policies strictly against a schema; warnings are among the complaints. */
export function validatePolicies(
  schema: string,
  policies: Readonly<Record<string, string>>,
): readonly CedarComplaint[] {
  const answer = validate({ schema, policies: { staticPolicies: policies }, validationSettings: { mode: 'strict' } })
  if (answer.type === 'failure') return answer.errors.map((error) => toComplaint('', 'error', error))
  const errors = answer.validationErrors.map(({ policyId, error }) => toComplaint(policyId, 'error', error))
  const wrong = new Set(errors.map(({ policy }) => policy))
  // of a policy with an error Cedar often says besides that it can never match
  const warnings = answer.validationWarnings.filter(({ policyId }) => !wrong.has(policyId))
  return [
    ...errors,
    ...warnings.map(({ policyId, error }) => toComplaint(policyId, 'warning', error)),
    ...answer.otherWarnings.map((error) => toComplaint('', 'warning', error)),
  ]
}

type CedarError = Readonly<{
  message: string
  help: string | null
  sourceLocations?: readonly { readonly start: number }[]
}>

function toComplaint(policy: string, kind: 'error' | 'warning', error: CedarError): CedarComplaint {
  return {
    policy,
    kind,
    message: cleanMessage(error.message),
    help: error.help === null ? undefined : cleanMessage(error.help),
    startByte: error.sourceLocations?.[0]?.start ?? 0,
  }
}

/** Cedar repeats an error for each action and type of principal that it occurs with; without these it is one. */
function cleanMessage(message: string): string {
  return message
    .replace(/^for policy `[^`]*`[,:] /, '')
    .replace('failed to parse policy from string: ', '')
    .replace(/ in context for Action::"[^"]*"/, ' in context')
    .replace(/ on entity type `(?:Person|Workload|Via)`/, ' on principals')
}

/** Puts a schema and a policy set into Cedar's cache of this thread, under a name; false when Cedar will not have them. */
export function preparse(name: string, schema: string, policies: Readonly<Record<string, string>>): boolean {
  if (preparseSchema(name, schema).type !== 'success') return false
  return preparsePolicySet(name, { staticPolicies: policies }).type === 'success'
}

/** Asks a preparsed policy set. */
export function askPreparsed(name: string, request: CedarRequest): CedarAnswer {
  return toAnswer(() =>
    statefulIsAuthorized({ ...toCall(request), preparsedSchemaName: name, preparsedPolicySetId: name }),
  )
}

/** Asks a policy set that is parsed for this one question: for explanations, which nobody waits for. */
export function askOnce(
  schema: string,
  policies: Readonly<Record<string, string>>,
  request: CedarRequest,
): CedarAnswer & Skipped {
  let skipped = false
  const answer = toAnswer(() => {
    const result = isAuthorized({ ...toCall(request), schema, policies: { staticPolicies: policies } })
    if (result.type !== 'success') return result
    skipped = result.response.diagnostics.errors.length > 0
    return { ...result, response: { ...result.response, diagnostics: { ...result.response.diagnostics, errors: [] } } }
  })
  return { ...answer, skipped }
}

/** Whether some policy could not be evaluated and was passed over. */
export interface Skipped {
  readonly skipped: boolean
}

type Call = Pick<
  Parameters<typeof statefulIsAuthorized>[0],
  'principal' | 'action' | 'resource' | 'context' | 'entities' | 'validateRequest'
>

function toCall(request: CedarRequest): Call {
  return {
    principal: request.principal,
    action: { type: 'Action', id: request.action },
    resource: request.resource,
    context: request.context,
    entities: [...request.entities],
    // without it an entity in the place of a text is let through
    validateRequest: true,
  }
}

/**
 * Takes Cedar's word only when it is plain: any error, warning or throw is an error. A policy whose evaluation fails is *skipped* by
 * Cedar, so that a ban that overflows would otherwise allow.
 */
function toAnswer(ask: () => ReturnType<typeof statefulIsAuthorized>): CedarAnswer {
  try {
    const answer = ask()
    if (answer.type !== 'success' || answer.warnings.length > 0 || answer.response.diagnostics.errors.length > 0)
      return { kind: 'error' }
    return { kind: answer.response.decision, reason: answer.response.diagnostics.reason.toSorted() }
  } catch {
    return { kind: 'error' }
  }
}
