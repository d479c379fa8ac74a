import type { Identity, StoredRequest } from '#model'
import { actsIn, missingWords, objectionTo, statusAt } from './answering.ts'
import type { RequestView } from './desk.ts'

/** A request as somebody sees it. Member by member, so that what is added to what is stored is not shown by itself. */
export function viewOf(request: StoredRequest, reader: Identity, nowMs: number): RequestView {
  const { agentId, agentName, server, tool, usedAtMs } = request
  const status = statusAt(request, nowMs)
  return {
    ref: request.ref,
    identityId: request.identityId,
    ...(agentId === undefined ? {} : { agentId }),
    ...(agentName === undefined ? {} : { agentName }),
    resource: request.resource,
    ...(server === undefined ? {} : { server }),
    ...(tool === undefined ? {} : { tool }),
    verb: request.verb,
    template: request.template,
    need: request.need,
    reason: request.reason,
    policies: request.policies,
    policyHash: request.policyHash,
    openedAtMs: request.openedAtMs,
    expiresAtMs: request.expiresAtMs,
    status,
    records: request.records,
    answers: request.answers,
    ...(usedAtMs === undefined ? {} : { usedAtMs }),
    missing: missingWords(request),
    mayAnswer: status === 'open' && objectionTo(reader, request) === undefined,
  }
}

/** Whether somebody may know of a request without a right to read all: who acts in it, who may answer, who has answered. */
export function mayKnow(reader: Identity, request: StoredRequest): boolean {
  return (
    actsIn(reader, request) ||
    request.answers.some(({ identityId }) => identityId === reader.id) ||
    objectionTo(reader, request) === undefined
  )
}
