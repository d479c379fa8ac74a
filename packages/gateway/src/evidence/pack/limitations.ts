import { number, type PackFacts, time } from './pack-facts.ts'

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
- **The time.** Times are those of the gateway's clock. Order is the number of the record; \`4-completeness\` counts steps of the clock backwards. That
  the clock was right is not shown.
- **Names.** \`roster.jsonl\` and the columns made from it are as the roster stood when the pack was made, and are not part of the log. Ids are.
- **What values were.** Card data is truncated before it is recorded, so nothing here can show the value; nor that a detector found every card number
  there was.
- **What a tool did with an answer**, and what somebody did with a screen.

## Of this pack

${own(facts)
  .map((line) => `- ${line}`)
  .join('\n')}
`
}

/** A note has one line for each signature; the log's own is the first. */
function witnessed({ head: { signatures } }: PackFacts): string {
  return signatures > 1
    ? `This head carries ${signatures - 1} further signatures; check them with the keys of those witnesses.`
    : 'This head carries no cosignature of a witness.'
}

function own({ order, span, head, policy, erased }: PackFacts): readonly string[] {
  const last = head.size - 1
  return [
    `It holds records ${number(span.first)} to ${number(span.last)} and says nothing about others.`,
    ...(span.first === 0
      ? ['Its first record is the first of the log: what was before the log, or in another one, is not here.']
      : []),
    ...(span.last === last
      ? [
          `Its last record is the last one of the head. If the period (to ${time(order.toMs)}) goes on behind it, what followed is not here; among it the record that this pack was made.`,
        ]
      : []),
    ...(span.count === span.last - span.first + 1
      ? []
      : [
          'The clock was set in between: some records between the first and the last have times outside of the period. They are here all the same.',
        ]),
    'Operations that began before its first record are shown by their end only; of those that had not ended with its last record the end is missing. `note` says so.',
    'Requests for approval that were opened before its first record are shown by what came of them here.',
    'Gaps that the log declares (times in which it could not be written and nothing was let through) are counted in `artifacts/4-completeness.csv` and listed in `artifacts/4-trail-records.csv`.',
    policy === undefined
      ? 'The policy in force is not included.'
      : 'The policy included is the one in force when the pack was made. Lines of the access log with another `policy_hash` were decided by another policy, of which `artifacts/2-policy-history.csv` has the hash only.',
    '`2-entitlements` is computed from that policy by the boundary; the check shows that it is the one that was signed, not that it follows from the policy.',
    order.disclosed === 'none'
      ? 'No payload (exact statement, arguments) is disclosed; records commit to them by digest.'
      : erased === 0
        ? 'Every payload of the records is disclosed.'
        : `${number(erased)} payloads are not disclosed: the key of their day was erased.`,
  ]
}
