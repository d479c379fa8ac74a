import { type Answer, approvalsOf, type Request } from './approval-request.ts'
import { MAX_SHOWN_STATEMENT } from './access-log.ts'
import { utc } from './members.ts'
import type { Roster } from './roster.ts'
import type { Table } from './table.ts'

/** A request with what its row needs besides. */
interface RequestRow {
  readonly request: Request
  readonly roster: Roster
}

/** Artifact 3: requests for approvals, their answers, and what ran under them. */
export const APPROVALS: Table<RequestRow> = {
  name: '3-approvals',
  artifact: 3,
  title: 'Requests for approval: what was held, who answered and how, what ran under the approval',
  query:
    "select * from records where entity.type = 'request', grouped by entity.uid, in the order of their first records; with the intents that name the request in unmapped.approval.request",
  columns: [
    {
      name: 'request',
      from: 'entity.uid: the reference of the record of the held operation',
      of: ({ request }) => request.ref,
    },
    {
      name: 'held_record',
      from: 'request-open: unmapped.details.intent',
      of: ({ request }) => request.opened?.intent ?? null,
    },
    {
      name: 'opened_record',
      from: 'request-open: metadata.sequence',
      of: ({ request }) => request.opened?.record ?? null,
    },
    { name: 'opened', from: 'request-open: time', of: ({ request }) => utc(request.opened?.timeMs ?? null) },
    { name: 'requester', from: 'request-open: actor.user.uid', of: ({ request }) => requesterOf(request) },
    {
      name: 'requester_name',
      from: 'roster.jsonl (outside the log)',
      of: ({ request, roster }) => roster.nameOf(requesterOf(request)),
    },
    {
      name: 'agent',
      from: 'request-open: actor.app_name',
      of: ({ request }) => request.opened?.agent ?? null,
    },
    {
      name: 'via_server',
      from: 'request-open: unmapped.details.via_server',
      of: ({ request }) => request.opened?.viaServer ?? null,
    },
    {
      name: 'via_tool',
      from: 'request-open: unmapped.details.via_tool',
      of: ({ request }) => request.opened?.viaTool ?? null,
    },
    {
      name: 'resource',
      from: 'request-open: dst_endpoint.svc_name',
      of: ({ request }) => request.opened?.resource ?? null,
    },
    { name: 'verb', from: 'request-open: unmapped.details.verb', of: ({ request }) => request.opened?.verb ?? null },
    { name: 'what', from: 'the template of the held operation', of: ({ request }) => request.held?.template ?? null },
    {
      name: 'statement',
      from: `the disclosed payload of the held operation, its first ${MAX_SHOWN_STATEMENT} characters; whole in 1-statements under held_record`,
      of: ({ request }) => request.statement ?? null,
    },
    {
      name: 'need',
      from: 'request-open: unmapped.details.need (who must answer)',
      of: ({ request }) => request.opened?.need ?? null,
    },
    {
      name: 'policies',
      from: 'request-open: unmapped.details.policies',
      of: ({ request }) => request.opened?.policies ?? [],
    },
    {
      name: 'binding',
      from: 'request-open: unmapped.details.binding (keyed digest of person, client, resource and exact operation)',
      of: ({ request }) => request.opened?.binding ?? null,
    },
    {
      name: 'expires',
      from: 'request-open: unmapped.details.expires',
      of: ({ request }) => utc(request.opened?.expiresMs ?? null),
    },
    {
      name: 'approved_by',
      from: 'request-approve, success: actor.user.uid',
      of: ({ request }) => approvalsOf(request).map(({ by }) => by),
    },
    {
      name: 'approved_by_names',
      from: 'roster.jsonl (outside the log)',
      of: ({ request, roster }) => roster.namesOf(approvalsOf(request).map(({ by }) => by)),
    },
    {
      name: 'approver_groups',
      from: 'request-approve, success: actor.user.uid with unmapped.details.groups (those of the need that they were in)',
      of: ({ request }) => approvalsOf(request).map(({ by, groups }) => `${by}: ${groups.join(', ')}`),
    },
    {
      name: 'denied_by',
      from: 'request-deny, success: actor.user.uid',
      of: ({ request }) => denialsOf(request).map(({ by }) => by),
    },
    {
      name: 'answers',
      from: 'request-approve, request-deny: unmapped.activity, actor.user.uid, time, metadata.sequence, comment',
      of: ({ request }) => request.answers.filter(({ isRefused }) => !isRefused).map(describeAnswer),
    },
    {
      name: 'refused_answers',
      from: 'request-approve, request-deny, failure: the same with status_code',
      of: ({ request }) => request.answers.filter(({ isRefused }) => isRefused).map(describeAnswer),
    },
    { name: 'status', from: 'from the records of the pack', of: ({ request }) => statusOf(request) },
    {
      name: 'used_by',
      from: 'metadata.sequence of the intents whose unmapped.approval.request it is',
      of: ({ request }) => request.uses,
    },
    { name: 'records', from: 'all records of the pack that it rests on', of: ({ request }) => recordsOf(request) },
  ],
}

function requesterOf({ opened, answers }: Request): string | null {
  return opened?.requester ?? answers[0]?.requester ?? null
}

function denialsOf({ answers }: Request): readonly Answer[] {
  return answers.filter(({ answer, isRefused }) => answer === 'deny' && !isRefused)
}

function describeAnswer(answer: Answer): string {
  const code = answer.isRefused ? ` (refused: ${answer.code ?? ''})` : ''
  const comment = answer.comment === null ? '' : `: ${answer.comment}`
  return `${answer.answer} by ${answer.by} at ${utc(answer.timeMs) ?? ''}, record ${answer.record}${code}${comment}`
}

function statusOf(request: Request): string {
  if (request.uses.length > 0) return 'used'
  if (denialsOf(request).length > 0) return 'denied'
  if (request.withdrawn !== undefined) return 'withdrawn'
  if (request.expired !== undefined) return 'expired'
  return approvalsOf(request).at(-1)?.makes === 'approved' ? 'approved, not used' : 'open'
}

function recordsOf({ opened, answers, uses, expired, withdrawn }: Request): readonly number[] {
  const numbers = [opened?.record, ...answers.map(({ record }) => record), ...uses, expired, withdrawn]
  return numbers.filter((number) => number !== undefined).sort((a, b) => a - b)
}
