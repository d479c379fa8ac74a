import { type Column, type Table } from '@sallyport/verifier'
import type { PolicyUse } from '#model/read'
import type { EntitlementFacts } from './sources.ts'

/** What one permit lets one subject do. */
export interface EntitlementRow {
  readonly subjectKind: 'person' | 'workload' | 'tool' | 'policy'
  readonly subject: string
  readonly name: string | null
  readonly groups: readonly string[]
  readonly entitlement: EntitlementFacts
  readonly lastUse: PolicyUse | undefined
}

function fact(name: keyof EntitlementFacts, from: string): Column<EntitlementRow> {
  return {
    name,
    from,
    of: ({ entitlement }) => {
      const value = entitlement[name]
      return typeof value === 'string' || typeof value === 'number' ? value : null
    },
  }
}

/** Artifact 2: who may do what, and what each tool may do. */
export const ENTITLEMENTS: Table<EntitlementRow> = {
  name: '2-entitlements',
  artifact: 2,
  title: 'Who may do what: for each identity of the period, each tool, and each permit, with need, owner and last use',
  query:
    'the scopes of every permit of the policy in force when the pack was made (policy/files), for each identity in the records of the pack with the groups of its last record, for each tool, and for the policy as a whole; last use from all records of the log, not only those of the pack',
  columns: [
    {
      name: 'subject_kind',
      from: 'person, workload, tool, or policy (whom it is for then stands in principal)',
      of: ({ subjectKind }) => subjectKind,
    },
    { name: 'subject', from: 'id of the identity, server/tool, or id of the permit', of: ({ subject }) => subject },
    { name: 'name', from: 'roster.jsonl (outside the log)', of: ({ name }) => name },
    { name: 'groups', from: 'of the last record of the identity in the pack', of: ({ groups }) => groups },
    fact('policy', 'the @id of the permit'),
    fact('file', 'where it stands, under policy/files'),
    fact('line', 'in that file'),
    fact('principal', 'for whom'),
    fact('action', 'what'),
    fact('resource', 'on what'),
    fact('zone', 'zone of the resource'),
    fact('conditions', 'under which conditions, in the words of the policy'),
    fact('approval', 'whether somebody has to approve it: always, sometimes, never'),
    {
      name: 'approvers',
      from: 'policies that ask for an approval, and by whom',
      of: ({ entitlement }) =>
        entitlement.approvals.map(({ policy, approvers, conditions }) =>
          conditions === undefined ? `${policy}: ${approvers}` : `${policy}: ${approvers} ${conditions}`,
        ),
    },
    { name: 'bans', from: 'policies that forbid some of it', of: ({ entitlement }) => entitlement.bans },
    fact('need', '@need: the business need'),
    fact('owner', '@owner: who answers for it'),
    fact('reviewed', '@reviewed'),
    {
      name: 'permit_last_use_record',
      from: 'the last record in which the permit let the subject do it',
      of: ({ lastUse }) => lastUse?.sequence ?? null,
    },
    {
      name: 'permit_last_use',
      from: 'its time',
      of: ({ lastUse }) => (lastUse === undefined ? null : new Date(lastUse.timeMs).toISOString()),
    },
    { name: 'permit_uses', from: 'how many such records there are', of: ({ lastUse }) => lastUse?.uses ?? 0 },
  ],
}
