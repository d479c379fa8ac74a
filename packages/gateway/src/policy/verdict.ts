/**
 * From the answers to all checks of an operation to its one decision: the worst of all.
 */
import { type Decision, type ErrorCode, formatNeed, joinNeeds } from '#model'
import { leaves } from './actions.ts'
import { type CheckResult, describeResult } from './check.ts'
import type { Question } from './questions.ts'

/** A question with its answer. */
export interface Answered {
  readonly question: Question
  readonly result: CheckResult
}

/**
 * Joins the answers: a denial by any denies, a hold by any holds. The policies are those of all answers that are as bad as the worst
 * (and of all, when everything is allowed); code and words are those of the first of these.
 *
 * @param through the way by which the operation came, in words.
 */
export function joinAnswers(answers: readonly Answered[], through: string | undefined, policyHash: string): Decision {
  const outcome =
    (['deny', 'hold'] as const).find((worst) => answers.some(({ result }) => result.outcome === worst)) ?? 'allow'
  const counting = answers.filter(({ result }) => result.outcome === outcome)
  const policies = [...new Set(counting.flatMap(({ result }) => result.policies))].sort()
  const first = counting[0]
  // nothing asked is nothing allowed
  if (first === undefined) return denied('SP_POLICY_ERROR', 'nothing was asked', policyHash)
  if (outcome === 'allow') return Object.freeze({ outcome, policies, policyHash })
  const { action, target } = first.question
  const code = codeOf(first)
  const isUnclear = action === leaves.incomplete
  const reason = isUnclear ? 'it is not fully understood' : describeResult(action, target, through, first.result)
  if (outcome === 'deny') return Object.freeze({ outcome, policies, policyHash, code, reason })
  // whoever has to answer for any of the checks has to answer for the operation
  const need = formatNeed(joinNeeds(counting.flatMap(({ result }) => (result.outcome === 'hold' ? [result.need] : []))))
  return Object.freeze({ outcome, policies, policyHash, code, need, reason })
}

/**
 * The decision on an operation for which somebody has given an approval: allowed when an approval is what it still lacks, and the same people
 * have to give it.
 *
 * @param need who has given it, as the decision that held it said.
 */
export function settle(decision: Decision, need: string): Decision {
  if (decision.outcome === 'deny') return decision
  if (decision.need === need) {
    const { policies, policyHash } = decision
    return Object.freeze({ outcome: 'allow', policies, policyHash })
  }
  const now = decision.need === undefined ? 'it needs none now' : `it now needs ${decision.need}`
  return denied('SP_POLICY_DENIED', `policy has changed since the approval was asked for: ${now}`, decision.policyHash)
}

/** A denial that no policy determined. */
export function denied(code: ErrorCode, reason: string, policyHash: string): Decision {
  return Object.freeze({ outcome: 'deny', policies: [], policyHash, code, reason })
}

function codeOf({ question, result }: Answered): ErrorCode {
  if (result.outcome !== 'deny') return 'SP_POLICY_NEEDS_APPROVAL'
  switch (result.cause) {
    case 'error':
      return 'SP_POLICY_ERROR'
    case 'arguments':
      return 'SP_OPERATION_INCOMPLETE'
    case 'forbidden':
      return question.action === leaves.incomplete ? 'SP_OPERATION_INCOMPLETE' : 'SP_POLICY_FORBIDDEN'
    case 'no-permit':
      return question.action === leaves.incomplete ? 'SP_OPERATION_INCOMPLETE' : 'SP_POLICY_DENIED'
  }
}
