import { type Identity, isNeedMet, missingFor, type Need, parseNeed, formatNeed, type StoredAnswer } from '#model'
import type { RequestStatus, StoredRequest } from '#model'

/**
 * Why somebody may not answer a request, or undefined when they may: people only, themselves and not through an agent, nobody in the acting
 * chain, and one whom the policy's `@approvers` names by a group that they are in now. Administrators are nobody special.
 */
export function objectionTo(answerer: Identity, request: StoredRequest): string | undefined {
  if (answerer.kind !== 'person') return 'only people answer requests'
  if (answerer.id === request.identityId) return 'nobody answers their own request'
  if (answerer.agent !== undefined) return 'nobody answers through an AI agent'
  if (actsIn(answerer, request)) return 'nobody answers a request that they act in'
  if (groupsFor(answerer, request).length === 0) return `it takes ${request.need}, and you are in none of these groups`
  return undefined
}

/** Whether somebody is in the acting chain of a request: who asked, and through what. */
export function actsIn({ id }: Identity, { identityId, agentId, server, tool }: StoredRequest): boolean {
  return [identityId, agentId, server, tool].includes(id)
}

/** The groups of a request's need that somebody is in; none when the need cannot be read. */
export function groupsFor(answerer: Identity, request: StoredRequest): readonly string[] {
  const need = needOf(request)
  return answerer.groups.filter((group) => need.has(group))
}

/** What an answer makes of an open request. */
export function statusAfter(request: StoredRequest, next: StoredAnswer): 'open' | 'approved' | 'denied' {
  // One who was asked and says no is enough: what they saw, the others may not have seen.
  if (next.answer === 'deny') return 'denied'
  return isNeedMet(needOf(request), approvalsOf([...request.answers, next])) ? 'approved' : 'open'
}

/** Who is still missing, in the words of a need; empty when nobody is. */
export function missingWords(request: StoredRequest): string {
  return formatNeed(missingFor(needOf(request), approvalsOf(request.answers)))
}

/** How a request stands now: time ends one, whether or not that has been noted. */
export function statusAt({ status, expiresAtMs }: StoredRequest, nowMs: number): RequestStatus {
  return (status === 'open' || status === 'approved') && expiresAtMs <= nowMs ? 'expired' : status
}

/** The answers that say yes. */
export function approvalsOf(answers: readonly StoredAnswer[]): readonly StoredAnswer[] {
  return answers.filter(({ answer }) => answer === 'approve')
}

/** A need that cannot be read is one that nobody can meet. */
function needOf(request: StoredRequest): Need {
  return parseNeed(request.need) ?? new Map()
}
