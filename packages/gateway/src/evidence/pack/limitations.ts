import type { PackStatement } from '@sallyport/verifier'
import { counted, edgesOf, number, type PackFacts, time } from './pack-facts.ts'

/** `LIMITATIONS.md`: what a pack cannot show. */
export function limitationsText(facts: PackFacts): string {
  return `# What this evidence does not show

It shows what went through the boundary, decided and recorded, and that the records have not changed since they were signed. Whether a requirement is
met is for the assessor to say.

## Of any pack

- **That a record was true when it was written.** The log proves that nothing changed afterwards. What was recorded is what the boundary's software
  saw; whoever controls that software or its host could have made it see something else.
- **Who sits behind an account.** An identity is what the identity provider vouched for. A shared password or a lent machine looks like its owner.
- **What went past the boundary.** Superusers on the database's host, other network paths, backups, replicas, SQL that was never sent through here.
  Compare with the database's own session log.
- **The newest records, until a witness has seen them.** The log is signed about every second, by a key on the boundary's host. Whoever has that host
  and that key could cut off the end and sign again, as long as no head from before is held by somebody else. Keep heads (\`trail/checkpoint\`), ask for
  heads that others hold, and compare. ${witnessed(facts)}
- **A story that fits together.** Whoever holds the log's key can write records. \`3-approval-checks\` finds those that contradict each other or the policies
  that they name; not an answer that nobody gave, written as if they had, nor another permit named than the one that policy would give. Ask the
  approvers, and compare with the identity provider's and the database's own logs.
- **The time.** Times are those of the gateway's clock. Order is the number of the record; \`4-completeness\` counts steps of the clock backwards. That
  the clock was right is not shown.
- **Names.** \`roster.jsonl\` and the columns made from it are as the roster stood when the pack was made, and are not part of the log. Ids are.
- **What values were.** Card data is truncated before it is recorded, so nothing here can show the value; nor that a detector found every card number
  there was.
- **What a tool did with an answer**, and what somebody did with a screen.

## Of this pack

${own(facts)
  .map((line) => (line.startsWith('  ') ? `  - ${line.trim()}` : `- ${line}`))
  .join('\n')}
`
}

/** A note has one line for each signature; the log's own is the first. */
function witnessed({ head: { signatures } }: PackFacts): string {
  return signatures > 1
    ? `This head carries ${signatures - 1} further signatures; check them with the keys of those witnesses.`
    : 'This head carries no cosignature of a witness.'
}

function own(facts: PackFacts): readonly string[] {
  const { order, span, policy, erased, statement } = facts
  const { begins, ends } = edgesOf(facts)
  return [
    `It holds records ${number(span.first)} to ${number(span.last)} and says nothing about others.`,
    ...(begins === 'log'
      ? ['Its first record is the first of the log: what was before the log, or in another one, is not here.']
      : []),
    ...(ends === 'record'
      ? []
      : [
          ends === 'early'
            ? `It was made before the period ended (${time(order.toMs)}): nothing is said of the time after ${time(order.atMs)}, nor is the record here that its making came to an end (\`evidence-build\`).`
            : 'Its last record is the newest of the head: that none of the period followed it does not show here.',
        ]),
    ...(span.count === span.last - span.first + 1
      ? []
      : [
          'The clock was set in between: some records between the first and the last have times outside of the period. They are here all the same.',
        ]),
    'Operations that began before its first record are shown by their end only; of those that had not ended with its last record the end is missing. `note` says so.',
    'Requests for approval that were opened before its first record are shown by what came of them here.',
    ...crashLines(statement),
    ...gapLines(statement),
    ...oddities(statement),
    policy === undefined
      ? 'The policy in force is not included.'
      : 'The policy included is the one in force when the pack was made. Lines of the access log with another `policy_hash` were decided by another policy, of which `artifacts/2-policy-history.csv` has the hash, and which of its policies ask for an approval, only.',
    '`2-entitlements` is computed from that policy by the boundary; the check shows that it is the one that was signed, not that it follows from the policy.',
    order.disclosed === 'none'
      ? 'No payload (exact statement, arguments) is disclosed; records commit to them by digest.'
      : erased === 0
        ? 'Every payload of the records is disclosed.'
        : `${number(erased)} payloads are not disclosed: the key of their day was erased.`,
  ]
}

/** Ends of the gateway that it did not record. */
function crashLines({ crashes, completeness }: PackStatement): readonly string[] {
  const all = counted(completeness, 'crashes')
  if (all === 0) return []
  return [
    `The gateway ended ${number(all)} times without recording it (a crash, a kill, a loss of power)${all > crashes.length ? `; the first ${crashes.length}` : ''}:`,
    ...crashes.map(
      ({ record, from, until, unsigned, open }) =>
        `  between ${from ?? '?'} and ${until ?? '?'}, when record ${number(record)} started it again: ${number(unsigned)} records were not signed yet, ${number(open)} operations were under way`,
    ),
  ]
}

/** Times in which the log could not be written; nothing was let through in them. */
function gapLines({ gaps, completeness }: PackStatement): readonly string[] {
  if (gaps.length === 0)
    return ['The log declares no gap here: no time in which records were refused, no torn tail that was cut.']
  const all = counted(completeness, 'gaps declared') + counted(completeness, 'cuts declared')
  return [
    `The log declares ${number(all)} gaps here, in which records were refused (and nothing was let through) or a torn tail was cut (of which nothing had been acknowledged)${all > gaps.length ? `; the first ${gaps.length}` : ''}:`,
    ...gaps.map(
      ({ record, from, until, refused }) =>
        `  record ${number(record)}, ${from ?? '?'} to ${until ?? '?'}, ${number(refused)} entries refused`,
    ),
  ]
}

/** What a reader should not have to find out. */
function oddities({ completeness, checks }: PackStatement): readonly string[] {
  const [seen, expected] = [counted(completeness, 'heartbeats seen'), counted(completeness, 'heartbeats expected')]
  const steps = counted(completeness, 'clock went back')
  return [
    ...(seen < expected
      ? [`The log said that it was alive ${number(seen)} times, where ${number(expected)} were expected.`]
      : []),
    ...(steps > 0 ? [`The clock went back ${number(steps)} times; see \`artifacts/4-completeness.csv\`.`] : []),
    ...checks.flatMap(({ check, kind, count }) => {
      if (count === 0) return []
      const said = `${number(count)} ${check}`
      return [
        `${kind === 'must be 0' ? `**${said}**` : `Not checked: ${said}`}; see \`artifacts/3-approval-checks.csv\`.`,
      ]
    }),
  ]
}
