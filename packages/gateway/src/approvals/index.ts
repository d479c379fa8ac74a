/**
 * approvals: requests for held operations.
 *
 * A request is bound to one exact operation of one person through one client, is answered by others whom policy names, never by anyone in the
 * acting chain, is used once, and ends by itself. Every step is a record before it takes effect.
 */
export { createApprovals } from './create-approvals.ts'
export type { Answered, ApprovalDesk, Participant, RequestView, RequestWish } from './desk.ts'
export { type ApprovalLimits, type ApprovalsOptions, DEFAULT_APPROVAL_LIMITS } from './options.ts'
