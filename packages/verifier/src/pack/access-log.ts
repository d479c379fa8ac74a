import { countAt, type JsonObject, listAt, recordsAt, textAt, textsAt, utc, valueAt, yesOrNo } from './members.ts'
import type { Roster } from './roster.ts'
import { recordOfRef } from './ref.ts'
import type { Column, Table } from './table.ts'

/** One operation: what was asked, and how it ended. */
export interface Operation {
  /** The number of the intent's record. */
  readonly record: number
  /** Absent when it lies before the records of the pack. */
  readonly intent: JsonObject | undefined
  /** Absent when it had not ended within the records of the pack. */
  readonly outcome: { readonly record: number; readonly leaf: JsonObject } | undefined
  /** What was asked exactly, card data replaced; absent unless it is disclosed. */
  readonly statement: string | undefined
  readonly roster: Roster
}

/** More of a statement than this is in the table of statements only. */
export const MAX_SHOWN_STATEMENT = 2_000

/** As much of a statement as is shown: a copy, since a slice would keep the whole. */
export function shownStatement(statement: string | undefined): string | undefined {
  // UTF-8 has no lone surrogates: where a pair was cut stands U+FFFD, as of toWellFormed.
  return statement === undefined ? undefined : Buffer.from(statement.slice(0, MAX_SHOWN_STATEMENT)).toString('utf8')
}

const leafOf = ({ intent, outcome }: Operation): JsonObject => intent ?? outcome?.leaf ?? {}

function both(
  name: string,
  from: string,
  of: (leaf: JsonObject) => ReturnType<Column<Operation>['of']>,
): Column<Operation> {
  return { name, from, of: (operation) => of(leafOf(operation)) }
}

function asked(
  name: string,
  from: string,
  of: (leaf: JsonObject) => ReturnType<Column<Operation>['of']>,
): Column<Operation> {
  return { name, from, of: ({ intent }) => (intent === undefined ? null : of(intent)) }
}

function ended(
  name: string,
  from: string,
  of: (leaf: JsonObject) => ReturnType<Column<Operation>['of']>,
): Column<Operation> {
  return { name, from: `outcome: ${from}`, of: ({ outcome }) => (outcome === undefined ? null : of(outcome.leaf)) }
}

/** Artifact 1: what each identity did. */
export const ACCESS_LOG: Table<Operation> = {
  name: '1-access-log',
  artifact: 1,
  title: 'Access log per identity: every operation that was asked for, allowed or not',
  query:
    "select intent.*, outcome.* from records as intent left join records as outcome on outcome.unmapped.intent = intent.metadata.sequence where intent.unmapped.phase = 'intent' order by the number of the outcome's record, those without one last; outcomes whose intent lies before the first record of the pack are rows too",
  columns: [
    { name: 'record', from: 'metadata.sequence of the intent', of: ({ record }) => record },
    both('time', 'time', (leaf) => utc(countAt(leaf, 'time'))),
    both('identity', 'actor.user.uid', (leaf) => textAt(leaf, 'actor', 'user', 'uid')),
    {
      name: 'name',
      from: 'roster.jsonl (outside the log: as the roster had it when the pack was made)',
      of: (operation) => operation.roster.nameOf(textAt(leafOf(operation), 'actor', 'user', 'uid')),
    },
    both('identity_kind', 'actor.user.type', (leaf) => textAt(leaf, 'actor', 'user', 'type')),
    asked('groups', 'actor.user.groups[].name', (leaf) =>
      listAt(leaf, 'actor', 'user', 'groups').flatMap((group) => textAt(group, 'name') ?? []),
    ),
    asked('agent', 'actor.app_name', (leaf) => textAt(leaf, 'actor', 'app_name')),
    asked('agent_id', 'actor.app_uid', (leaf) => textAt(leaf, 'actor', 'app_uid')),
    asked('via_server', 'unmapped.via.server', (leaf) => textAt(leaf, 'unmapped', 'via', 'server')),
    asked('via_tool', 'unmapped.via.tool', (leaf) => textAt(leaf, 'unmapped', 'via', 'tool')),
    asked('caused_by', 'unmapped.caused_by.kind', (leaf) => textAt(leaf, 'unmapped', 'caused_by', 'kind')),
    asked('caused_by_records', 'unmapped.caused_by.records[].index', (leaf) =>
      recordsAt(leaf, 'unmapped', 'caused_by', 'records'),
    ),
    both('session', 'actor.session.uid', (leaf) => textAt(leaf, 'actor', 'session', 'uid')),
    asked('mfa', 'actor.session.is_mfa', (leaf) => yesOrNo(valueAt(leaf, 'actor', 'session', 'is_mfa'))),
    both('client', 'src_endpoint.ip', (leaf) => textAt(leaf, 'src_endpoint', 'ip')),
    asked('client_tls', 'unmapped.client_tls', (leaf) => yesOrNo(valueAt(leaf, 'unmapped', 'client_tls'))),
    both('resource', 'dst_endpoint.svc_name', (leaf) => textAt(leaf, 'dst_endpoint', 'svc_name')),
    asked('zone', 'unmapped.zone', (leaf) => textAt(leaf, 'unmapped', 'zone')),
    both('verb', 'unmapped.verb', (leaf) => textAt(leaf, 'unmapped', 'verb')),
    asked('tool', 'api.operation', (leaf) => textAt(leaf, 'api', 'operation')),
    asked('definition', 'unmapped.definition (SHA-256)', (leaf) => textAt(leaf, 'unmapped', 'definition')),
    asked(
      'template',
      'query_info.query_string, of a call unmapped.template',
      (leaf) => textAt(leaf, 'query_info', 'query_string') ?? textAt(leaf, 'unmapped', 'template'),
    ),
    asked('objects', 'unmapped.accesses[]', (leaf) => listAt(leaf, 'unmapped', 'accesses').map(describeAccess)),
    asked('not_understood', 'unmapped.incomplete', (leaf) => textAt(leaf, 'unmapped', 'incomplete')),
    asked('decision', 'unmapped.decision.outcome', (leaf) => textAt(leaf, 'unmapped', 'decision', 'outcome')),
    asked('policies', 'unmapped.decision.policies', (leaf) => textsAt(leaf, 'unmapped', 'decision', 'policies')),
    asked('policy_hash', 'unmapped.decision.policy_hash', (leaf) =>
      textAt(leaf, 'unmapped', 'decision', 'policy_hash'),
    ),
    asked('need_of_approval', 'unmapped.decision.need', (leaf) => textAt(leaf, 'unmapped', 'decision', 'need')),
    asked('reason', 'unmapped.decision.reason', (leaf) => textAt(leaf, 'unmapped', 'decision', 'reason')),
    asked('approval', 'unmapped.approval.request', (leaf) => textAt(leaf, 'unmapped', 'approval', 'request')),
    asked('approval_held_record', 'unmapped.approval.request: the number that it stands for', (leaf) =>
      recordOfRef(textAt(leaf, 'unmapped', 'approval', 'request')),
    ),
    asked('approval_records', 'unmapped.approval.records[].index', (leaf) =>
      recordsAt(leaf, 'unmapped', 'approval', 'records'),
    ),
    asked('approvers', 'unmapped.approval.approvers', (leaf) => textsAt(leaf, 'unmapped', 'approval', 'approvers')),
    {
      name: 'approver_names',
      from: 'roster.jsonl (outside the log)',
      of: ({ intent, roster }) => roster.namesOf(textsAt(intent, 'unmapped', 'approval', 'approvers')),
    },
    { name: 'outcome_record', from: 'outcome: metadata.sequence', of: ({ outcome }) => outcome?.record ?? null },
    ended('outcome', 'unmapped.status', (leaf) => textAt(leaf, 'unmapped', 'status')),
    {
      name: 'card_data',
      from: 'truncated: unmapped.masking.columns[].masked above 0, and not masking-refused with no bytes; perhaps: decision allow, an access select, call or callTool, and outcome unknown, lost or none',
      of: cardDataOf,
    },
    ended('error_code', 'status_code', (leaf) => textAt(leaf, 'status_code')),
    ended('rows', 'unmapped.rows', (leaf) => countAt(leaf, 'unmapped', 'rows')),
    ended('bytes', 'unmapped.bytes', (leaf) => countAt(leaf, 'unmapped', 'bytes')),
    ended('duration_ms', 'duration', (leaf) => countAt(leaf, 'duration')),
    ended('values_seen', 'sum of unmapped.masking.columns[].seen', (leaf) => sumOf(leaf, 'seen')),
    ended('values_masked', 'sum of unmapped.masking.columns[].masked', (leaf) => sumOf(leaf, 'masked')),
    ended('masked_columns', 'unmapped.masking.columns[]', (leaf) =>
      listAt(leaf, 'unmapped', 'masking', 'columns').map(describeMasking),
    ),
    ended('result_sha256', 'unmapped.digest', (leaf) => textAt(leaf, 'unmapped', 'digest')),
    asked('payload_sha256', 'unmapped.payload.sha256', (leaf) => textAt(leaf, 'unmapped', 'payload', 'sha256')),
    {
      name: 'statement',
      from: `the disclosed payload, its first ${MAX_SHOWN_STATEMENT} characters; whole in 1-statements`,
      of: ({ statement }) => statement ?? null,
    },
    { name: 'note', from: 'where the records of the pack begin and end', of: noteOf },
  ],
}

function noteOf({ intent, outcome }: Operation): string | null {
  if (intent === undefined) return 'asked before the first record of this pack'
  return outcome === undefined ? 'not ended within the records of this pack' : null
}

/** Effects whose answers can hold what was stored. */
const READING: ReadonlySet<unknown> = new Set(['select', 'call', 'callTool'])

/** Whether card data was given out, truncated, or may have been: what came back is counted where the boundary saw its end. */
function cardDataOf({ intent, outcome }: Operation): string | null {
  const status = textAt(outcome?.leaf, 'unmapped', 'status')
  if (outcome !== undefined && (sumOf(outcome.leaf, 'masked') ?? 0) > 0) {
    // What was found in an answer that was then withheld as a whole did not leave.
    const isWithheld = status === 'masking-refused' && countAt(outcome.leaf, 'unmapped', 'bytes') === 0
    return isWithheld ? null : 'truncated'
  }
  if (status !== null && status !== 'unknown' && status !== 'lost') return null
  const isPermitted = textAt(intent, 'unmapped', 'decision', 'outcome') === 'allow'
  const isReading = listAt(intent, 'unmapped', 'accesses').some((access) => READING.has(textAt(access, 'effect')))
  return intent === undefined || (isPermitted && isReading) ? 'perhaps' : null
}

/** `select public.customers (id, name)`, `callTool refund`. */
function describeAccess(access: unknown): string {
  const parts = [textAt(access, 'object', 'schema'), textAt(access, 'object', 'name')].filter((part) => part !== null)
  const object = parts.length === 0 ? (textAt(access, 'object', 'kind') ?? '') : parts.join('.')
  const columns = valueAt(access, 'columns')
  const named = columns === '*' ? ' (*)' : Array.isArray(columns) ? ` (${textsAt(access, 'columns').join(', ')})` : ''
  return `${textAt(access, 'effect') ?? ''} ${object}${named}`
}

/** `pan: declared-pan 3 of 3`. */
function describeMasking(column: unknown): string {
  const [seen, masked] = [countAt(column, 'seen') ?? 0, countAt(column, 'masked') ?? 0]
  return `${textAt(column, 'name') ?? ''}: ${textAt(column, 'rule') ?? ''} ${masked} of ${seen}`
}

/** Null when nothing was looked at: that is not the same as nothing found. */
function sumOf(leaf: JsonObject, what: 'seen' | 'masked'): number | null {
  if (valueAt(leaf, 'unmapped', 'masking') === undefined) return null
  return listAt(leaf, 'unmapped', 'masking', 'columns').reduce<number>(
    (sum, column) => sum + (countAt(column, what) ?? 0),
    0,
  )
}
