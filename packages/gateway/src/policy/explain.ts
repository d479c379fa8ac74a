import { type Decision, formatNeed } from '#model'
import type { Catalog } from './catalog.ts'
import { describeResult } from './check.ts'
import { buildBoundary, buildPrincipal, buildTarget, type Principal } from './entities.ts'
import type {
  ExplainedCheck,
  ExplainedThing,
  Explanation,
  ExplainQuestion,
  NearMiss,
  PolicyNote,
} from './explanation.ts'
import type { Circumstances } from './facts.ts'
import { findNearMisses } from './near-misses.ts'
import type { ParsedPolicy } from './policies.ts'
import { isUnaskable, type Question, statementQuestions, type Unaskable } from './questions.ts'
import { placeAt } from './source.ts'
import { type Answered, denied } from './verdict.ts'

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
  const questions = questionsOf(question.what, loaded.catalog)
  if (isUnaskable(questions))
    return { decision: denied(questions.code, questions.reason, loaded.policyHash), checks: [] }
  const principal = buildPrincipal(question.identity, loaded.catalog)
  const circumstances = { nowMs: question.nowMs, client: question.client }
  const { decision, answers } = loaded.ask(questions, principal, circumstances)
  const notes = new Map(loaded.policies.map((policy) => [policy.id, toNote(policy)]))
  const checks = answers.map((answered) => explainAnswer(answered, notes, nearMisses(answered)))
  return { decision, checks }

  function nearMisses({ question: { action, target }, result }: Answered): readonly NearMiss[] {
    if (result.outcome !== 'deny' || result.cause !== 'no-permit') return []
    return findNearMisses({ action, principal, target, circumstances }, loaded.policies, loaded.catalog)
      .filter(({ isForPrincipal }) => question.audience === 'owner' || isForPrincipal)
      .slice(0, MAX_NEAR)
      .map(({ policy, failed }) => ({ policy: toNote(policy), failed }))
  }
}

function questionsOf(what: ExplainedThing, catalog: Catalog): readonly Question[] | Unaskable {
  if (what.kind === 'boundary') return [{ action: what.action, target: buildBoundary(catalog) }]
  const database = catalog.databases.get(what.resource)
  if (database === undefined)
    return { code: 'SP_RESOURCE_UNKNOWN', reason: 'the policy in force knows no such resource' }
  if (what.kind === 'connect') return [{ action: 'connect', target: buildTarget({ kind: 'database' }, database) }]
  return statementQuestions(what.accesses, what.isIncomplete, database)
}

function explainAnswer(
  { question: { action, target }, result }: Answered,
  notes: ReadonlyMap<string, PolicyNote>,
  near: readonly NearMiss[],
): ExplainedCheck {
  return {
    action,
    object: target.words,
    outcome: result.outcome,
    reason: describeResult(action, target.words, result),
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
