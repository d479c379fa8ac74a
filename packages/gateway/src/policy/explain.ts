import { type Decision, formatNeed, type ViaFacts } from '#model'
import { leaves } from './actions.ts'
import type { Catalog, CatalogResource } from './catalog.ts'
import { describeResult } from './check.ts'
import { buildBoundary, buildPrincipal, buildTool, type Principal } from './entities.ts'
import type {
  ExplainedCheck,
  ExplainedThing,
  Explanation,
  ExplainQuestion,
  NearMiss,
  PolicyNote,
} from './explanation.ts'
import type { Circumstances } from './facts.ts'
import { findDependent, findNearMisses } from './near-misses.ts'
import type { ParsedPolicy } from './policies.ts'
import { connectQuestion, isUnaskable, operationQuestions, type Question, type Unaskable } from './questions.ts'
import { placeAt } from './source.ts'
import { type Answered, denied } from './verdict.ts'
import { principalOn, resourceNamed } from './way.ts'

/** The loaded policy, as far as explaining needs it. */
export interface Explained {
  readonly catalog: Catalog
  readonly policies: readonly ParsedPolicy[]
  readonly policyHash: string
  ask(
    questions: readonly Question[],
    principal: Principal,
    circumstances: Circumstances,
  ): { readonly decision: Decision; readonly answers: readonly Answered[] }
}

/** Near misses shown for one check. */
const MAX_NEAR = 10

/** Asks the question again and says, check by check, what determined the answer and what nearly did. */
export function explainQuestion(question: ExplainQuestion, loaded: Explained): Explanation {
  const { identity, what, nowMs, client } = question
  const { catalog, policies, policyHash } = loaded
  const via = viaOf(what)
  const principal = principalOn(identity, via, catalog)
  if (typeof principal === 'string') return unasked('SP_POLICY_DENIED', principal)
  const questions = questionsOf(what, catalog)
  if (isUnaskable(questions)) return unasked(questions.code, questions.reason)
  const text = what.kind === 'statement' ? what.arguments : undefined
  const circumstances = { nowMs, client, ...(text === undefined ? {} : { arguments: text }) }
  const { decision, answers } = loaded.ask(questions, principal, circumstances)
  const notes = new Map(policies.map((policy) => [policy.id, toNote(policy)]))
  const direct = via === undefined ? undefined : buildPrincipal(identity, catalog)
  return {
    decision,
    hops: [describePrincipal(direct ?? principal), ...(principal.through === undefined ? [] : [principal.through])],
    checks: answers.map((answered) => explainAnswer(answered, principal, notes, nearMisses(answered))),
  }

  function unasked(code: Unaskable['code'], reason: string): Explanation {
    return { decision: denied(code, reason, policyHash), hops: [], checks: [] }
  }

  function nearMisses({ question: { action, target }, result }: Answered): readonly NearMiss[] {
    if (result.outcome !== 'deny') return []
    const check = { action, principal: principal as Principal, target, circumstances, direct }
    const isUnknown = result.cause === 'arguments' && text === undefined
    if (!isUnknown && result.cause !== 'no-permit') return []
    return (isUnknown ? findDependent : findNearMisses)(check, policies, catalog)
      .filter(({ isForPrincipal, kind }) => question.audience === 'owner' || isForPrincipal || kind === 'direct')
      .slice(0, MAX_NEAR)
      .map(({ policy, failed, kind }) => ({ policy: toNote(policy), kind, failed }))
  }
}

function viaOf(what: ExplainedThing): ViaFacts | undefined {
  return what.kind === 'connect' || what.kind === 'statement' ? what.via : undefined
}

function questionsOf(what: ExplainedThing, catalog: Catalog): readonly Question[] | Unaskable {
  if (what.kind === 'boundary') return [{ action: leaves[what.action], target: buildBoundary(catalog) }]
  const resource = resourceNamed(what.resource, catalog)
  if (resource === undefined)
    return { code: 'SP_RESOURCE_UNKNOWN', reason: 'the policy in force knows no such resource' }
  if (what.kind === 'connect') return [connectQuestion(resource)]
  return what.kind === 'list' ? listQuestion(what.tool, resource) : operationQuestions(what, resource)
}

function listQuestion(name: string, resource: CatalogResource): readonly Question[] | Unaskable {
  const tool = resource.kind === 'server' ? resource.tools.get(name) : undefined
  if (resource.kind !== 'server' || tool === undefined)
    return { code: 'SP_TOOL_UNKNOWN', reason: 'the policy in force knows no such tool' }
  return [{ action: leaves.listTool, target: buildTool(tool, resource) }]
}

/** Who it is, by what policy sees of them. */
function describePrincipal({ ref, groups, agent }: Principal): string {
  const within = groups.length === 0 ? 'in no group that policy knows' : `in ${groups.join(', ')}`
  return `${ref.type.toLowerCase()} ${ref.id} ${within}${agent === undefined ? '' : `, with the agent ${agent.id}`}`
}

function explainAnswer(
  { question: { action, target }, result }: Answered,
  principal: Principal,
  notes: ReadonlyMap<string, PolicyNote>,
  near: readonly NearMiss[],
): ExplainedCheck {
  return {
    action: action.name,
    object: target.words,
    outcome: result.outcome,
    reason: describeResult(action, target, principal.through, result),
    policies: result.policies.map((id) => notes.get(id)).filter((note) => note !== undefined),
    near,
  }
}

function toNote(policy: ParsedPolicy): PolicyNote {
  const need = policy.annotations.get('need')
  return {
    id: policy.id,
    effect: policy.effect,
    file: policy.file.name,
    line: placeAt(policy.file.text, policy.statement.start).line,
    owner: policy.annotations.get('owner') ?? '',
    ...(typeof need === 'string' ? { need } : {}),
    ...(policy.approvers === undefined ? {} : { approvers: formatNeed(policy.approvers) }),
  }
}
