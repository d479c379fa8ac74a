import { canonicalJson } from '../record.ts'
import { countAt, type JsonObject, textAt, textsAt, utc, valueAt, yesOrNo } from './members.ts'
import type { Roster } from './roster.ts'
import type { Column, Table } from './table.ts'

/** A record that is no operation. */
export interface Event {
  readonly record: number
  readonly leaf: JsonObject
  readonly roster: Roster
}

/** Details longer than this are cut; the record itself has them whole. */
const MAX_DETAILS = 4_000

function path(name: string, ...steps: readonly string[]): Column<Event> {
  return { name, from: steps.join('.'), of: ({ leaf }) => textAt(leaf, ...steps) }
}

const WHO_AND_WHEN: readonly Column<Event>[] = [
  { name: 'record', from: 'metadata.sequence', of: ({ record }) => record },
  { name: 'time', from: 'time', of: ({ leaf }) => utc(countAt(leaf, 'time')) },
  path('identity', 'actor', 'user', 'uid'),
  {
    name: 'name',
    from: 'roster.jsonl (outside the log: as the roster had it when the pack was made)',
    of: ({ leaf, roster }) => roster.nameOf(textAt(leaf, 'actor', 'user', 'uid')),
  },
]

const STATUS: Column<Event> = {
  name: 'status',
  from: 'status_id: 1 success, 2 failure',
  of: ({ leaf }) => ['not known', 'success', 'failure'][countAt(leaf, 'status_id') ?? 0] ?? 'other',
}

const DETAILS: Column<Event> = {
  name: 'details',
  from: `unmapped.details as canonical JSON, its first ${MAX_DETAILS} characters`,
  of: ({ leaf }) => {
    const details = valueAt(leaf, 'unmapped', 'details')
    return details === undefined ? null : canonicalJson(details).slice(0, MAX_DETAILS).toWellFormed()
  },
}

/** Artifact 1, beside the operations: logins, refused tokens, sessions, readings of the trail, changes. */
export const ACCESS_EVENTS: Table<Event> = {
  name: '1-access-events',
  artifact: 1,
  title: 'Logins, refused tokens, sessions, readings of the trail, answers and changes',
  query:
    "select * from records where unmapped.phase = 'event' and unmapped.lifecycle is null order by metadata.sequence",
  columns: [
    ...WHO_AND_WHEN,
    path('agent', 'actor', 'app_name'),
    path('session', 'actor', 'session', 'uid'),
    {
      name: 'mfa',
      from: 'actor.session.is_mfa',
      of: ({ leaf }) => yesOrNo(valueAt(leaf, 'actor', 'session', 'is_mfa')),
    },
    path('client', 'src_endpoint', 'ip'),
    path('resource', 'dst_endpoint', 'svc_name'),
    path('activity', 'unmapped', 'activity'),
    path('entity_type', 'entity', 'type'),
    path('entity', 'entity', 'uid'),
    STATUS,
    path('status_code', 'status_code'),
    path('decision', 'unmapped', 'details', 'decision'),
    {
      name: 'policies',
      from: 'unmapped.details.policies',
      of: ({ leaf }) => textsAt(leaf, 'unmapped', 'details', 'policies'),
    },
    DETAILS,
  ],
}

/** Entities that decide who may do what. */
const CONTROLS: ReadonlySet<unknown> = new Set(['policy', 'configuration', 'tool', 'server'])

/** Whether a record is about what decides who may do what. */
export function isControlChange(leaf: JsonObject): boolean {
  return CONTROLS.has(valueAt(leaf, 'entity', 'type'))
}

/** Artifact 2: which policy was put in force, by whom and when. */
export const POLICY_HISTORY: Table<Event> = {
  name: '2-policy-history',
  artifact: 2,
  title:
    'What decides who may do what: each time that a policy, a tool or a server was put in force or taken out of it',
  query:
    "select * from records where entity.type in ('policy', 'configuration', 'tool', 'server') order by metadata.sequence",
  columns: [
    ...WHO_AND_WHEN,
    path('activity', 'unmapped', 'activity'),
    path('type', 'entity', 'type'),
    path('hash_or_id', 'entity', 'uid'),
    path('entity_name', 'entity', 'name'),
    path('version', 'entity', 'version'),
    path('comment', 'comment'),
    STATUS,
    DETAILS,
  ],
}

/** Artifact 4: what the trail says of itself. */
export const TRAIL_RECORDS: Table<Event> = {
  name: '4-trail-records',
  artifact: 4,
  title: 'What the trail says of itself: starts, stops, heartbeats, gaps, failed controls',
  query: 'select * from records where class_uid = 6002 order by metadata.sequence',
  columns: [
    { name: 'record', from: 'metadata.sequence', of: ({ record }) => record },
    { name: 'time', from: 'time', of: ({ leaf }) => utc(countAt(leaf, 'time')) },
    {
      name: 'what',
      from: 'unmapped.lifecycle, of others unmapped.activity',
      of: ({ leaf }) => textAt(leaf, 'unmapped', 'lifecycle') ?? textAt(leaf, 'unmapped', 'activity'),
    },
    STATUS,
    {
      name: 'cut',
      from: 'unmapped.cut as canonical JSON',
      of: ({ leaf }) => {
        const cut = valueAt(leaf, 'unmapped', 'cut')
        return cut === undefined ? null : canonicalJson(cut)
      },
    },
    DETAILS,
  ],
}

/** OCSF Application Lifecycle. */
const CLASS_LIFECYCLE = 6002

/** Whether a record is about the boundary itself, not about somebody's access. */
export function isTrailRecord(leaf: JsonObject): boolean {
  return leaf['class_uid'] === CLASS_LIFECYCLE
}
