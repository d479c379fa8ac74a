import { parseRef, type JsonObject } from '#base'
import type { ErrorCode, HeldOperation, StoredAnswer, StoredRequest, TrailEvent } from '#model'
import type { Participant } from './desk.ts'

/** What makes a record one about this request. */
function entityOf(ref: string): JsonObject {
  return { entity: { type: 'request', uid: ref } }
}

/** That a request was opened, and what it is bound to. */
export function openEvent(request: StoredRequest, { session }: HeldOperation, intent: number): TrailEvent {
  const { ref, need, policies, policyHash, digest, expiresAtMs, verb, server, tool } = request
  return {
    class: 'entity-management',
    activity: 'request-open',
    actor: session.identity,
    session,
    client: session.client,
    resource: session.resource.name,
    status: 'success',
    details: {
      ...entityOf(ref),
      intent,
      verb,
      need,
      policies,
      policy_hash: policyHash,
      binding: digest,
      expires: expiresAtMs,
      ...(server === undefined ? {} : { via_server: server }),
      ...(tool === undefined ? {} : { via_tool: tool }),
    },
  }
}

/** That somebody answered, and what came of it. */
export function answerEvent(
  request: StoredRequest,
  by: Participant,
  answer: StoredAnswer,
  status: StoredRequest['status'],
): TrailEvent {
  return {
    ...answerBase(request, by, answer.answer),
    status: 'success',
    details: {
      ...aboutRequest(request),
      groups: answer.groups,
      makes: status,
      ...(answer.reason === '' ? {} : { comment: answer.reason }),
    },
  }
}

/** That somebody tried to answer, and may not or is too late. */
export function refusedAnswerEvent(
  request: StoredRequest,
  by: Participant,
  tried: StoredAnswer['answer'],
  { code, reason }: { readonly code: ErrorCode; readonly reason: string },
): TrailEvent {
  return { ...answerBase(request, by, tried), status: 'failure', code, details: { ...aboutRequest(request), reason } }
}

/** That a request's time is over. */
export function expireEvent(request: StoredRequest): TrailEvent {
  return {
    class: 'entity-management',
    activity: 'request-expire',
    resource: request.resource,
    status: 'success',
    details: { ...aboutRequest(request), was: request.status },
  }
}

/** That a request ended with the access of somebody: of whoever asked, or of one who had approved. */
export function withdrawEvent(request: StoredRequest, revoked: string): TrailEvent {
  const who = request.identityId === revoked ? 'whoever asked' : 'somebody who had approved'

  return {
    class: 'entity-management',
    activity: 'request-withdraw',
    resource: request.resource,
    status: 'success',
    details: { ...aboutRequest(request), was: request.status, revoked, reason: `the access of ${who} was revoked` },
  }
}

function answerBase(
  request: StoredRequest,
  { identity, client }: Participant,
  answer: StoredAnswer['answer'],
): Pick<TrailEvent, 'class' | 'activity' | 'actor' | 'client' | 'resource'> {
  const activity = answer === 'approve' ? 'request-approve' : 'request-deny'
  return { class: 'entity-management', activity, actor: identity, client, resource: request.resource }
}

function aboutRequest(request: StoredRequest): JsonObject {
  const { ref, identityId, need, digest } = request
  return { ...entityOf(ref), intent: parseRef(ref) ?? 0, requester: identityId, need, binding: digest }
}
