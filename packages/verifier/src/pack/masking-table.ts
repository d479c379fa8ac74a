import { countAt, type JsonObject, textAt, utc, valueAt } from './members.ts'
import type { Roster } from './roster.ts'
import type { Table } from './table.ts'

/** What masking did to one column of one result. */
export interface MaskedColumn {
  readonly record: number
  readonly outcome: JsonObject
  readonly column: unknown
  readonly roster: Roster
}

/** Artifact 5: what was truncated, where, by which rule; never the value. */
export const MASKING: Table<MaskedColumn> = {
  name: '5-masking',
  artifact: 5,
  title: 'Minimum exposure: what was looked at and truncated in each column of each result',
  query:
    "select record.*, column.* from records as record, unnest(unmapped.masking.columns) as column where unmapped.phase = 'outcome' order by metadata.sequence",
  columns: [
    { name: 'record', from: 'metadata.sequence of the outcome', of: ({ record }) => record },
    { name: 'operation', from: 'unmapped.intent', of: ({ outcome }) => countAt(outcome, 'unmapped', 'intent') },
    { name: 'time', from: 'time', of: ({ outcome }) => utc(countAt(outcome, 'time')) },
    { name: 'identity', from: 'actor.user.uid', of: ({ outcome }) => textAt(outcome, 'actor', 'user', 'uid') },
    {
      name: 'name',
      from: 'roster.jsonl (outside the log: as the roster had it when the pack was made)',
      of: ({ outcome, roster }) => roster.nameOf(textAt(outcome, 'actor', 'user', 'uid')),
    },
    {
      name: 'resource',
      from: 'dst_endpoint.svc_name',
      of: ({ outcome }) => textAt(outcome, 'dst_endpoint', 'svc_name'),
    },
    { name: 'verb', from: 'unmapped.verb', of: ({ outcome }) => textAt(outcome, 'unmapped', 'verb') },
    { name: 'tool', from: 'api.operation', of: ({ outcome }) => textAt(outcome, 'api', 'operation') },
    { name: 'column', from: 'unmapped.masking.columns[].name', of: ({ column }) => textAt(column, 'name') },
    { name: 'rule', from: 'unmapped.masking.columns[].rule', of: ({ column }) => textAt(column, 'rule') },
    { name: 'seen', from: 'unmapped.masking.columns[].seen', of: ({ column }) => countAt(column, 'seen') },
    { name: 'masked', from: 'unmapped.masking.columns[].masked', of: ({ column }) => countAt(column, 'masked') },
    {
      name: 'ruleset',
      from: 'unmapped.masking.ruleset (SHA-256)',
      of: ({ outcome }) => textAt(outcome, 'unmapped', 'masking', 'ruleset'),
    },
    {
      name: 'cut',
      from: 'yes when the record had no room for all columns (unmapped.truncated)',
      of: ({ outcome }) =>
        JSON.stringify(valueAt(outcome, 'unmapped', 'truncated') ?? []).includes('"masking"') ? 'yes' : null,
    },
  ],
}
