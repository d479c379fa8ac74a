import { counted, edgesOf, number, type PackFacts, time } from './pack-facts.ts'

/** The lines of the access log that a reader looks for, with Node alone; nothing in it that a shell would take for its own. */
const READERS = [
  "require('fs').readFileSync('artifacts/1-access-log.jsonl', 'utf8').trim().split('\\n').map((line) => JSON.parse(line))",
  '.filter((row) => row.card_data)',
  '.forEach((row) => console.log([row.record, row.time, row.name, row.agent, row.via_server, row.via_tool, row.resource, row.template, row.rows, row.card_data, row.approval].join(' +
    "'\\t')))",
].join('')

/** The part of `VERIFY.md` that says how the tables answer what an assessor asks. */
export function questionsText(facts: PackFacts): string {
  return [readers(facts), approvals(facts), whole(facts), running(facts)].join('\n')
}

function readers({ order }: PackFacts): string {
  const statement =
    order.disclosed === 'none'
      ? 'The exact statements are not disclosed in this pack; `template` shows them without values.'
      : 'What was asked exactly is in `statement` (card data replaced), in full in `artifacts/1-statements.csv`.'
  return `## Who read card data?

Open \`artifacts/1-access-log.csv\` and keep the lines in which \`card_data\` is not empty: *truncated*, card numbers were found in what was given out, and
truncated before it left; *perhaps*, it was sent to the resource, and how it ended is not known: \`objects\` and \`template\` say what it was about, \`policy/policy.json\`
which columns are declared. (Or \`zone\` = cde for everything in the cardholder data
environment; \`objects\` names tables and columns.) \`identity\` is the person or workload, \`name\` the name that belongs to it, \`agent\` the AI agent that they
used, \`via_server\` and \`via_tool\` the tool that sent it in their name. A tool call and the SQL that the tool sent for it are lines of their own:
\`caused_by_records\` of the SQL is the \`record\` of the call. ${statement} Lines are in the order in which operations ended; sort by \`time\` as you like.

On a command line, in this folder, with Node alone:

    node -e "${READERS}"

or with jq, if you have it:

    jq -r 'select(.card_data) | [.record,.time,.name,.agent,.via_server,.via_tool,.resource,.template,.rows,.card_data,.approval] | @tsv' artifacts/1-access-log.jsonl

| \`outcome\` | How the operation ended | What was given out |
|---|---|---|
| success | it was answered to its end | \`rows\`, \`values_masked\` |
| error | the resource reported an error (\`error_code\`) | what came before the error: \`rows\`, \`values_masked\` |
| cancelled | it was taken back while it ran, or its session was ended | what came before: \`rows\`, \`values_masked\` |
| masking-refused | a value could not be truncated, or was authentication data: the result, or the rest of it, was withheld | what came before: \`bytes\`; of a tool call nothing |
| refused | it was not sent: policy denied or held it (\`decision\`, \`reason\`) | nothing |
| skipped | permitted, but not run, because something before it failed | nothing |
| lost | it was sent, and the connection ended before an answer was complete | perhaps more than \`rows\` says |
| unknown | permitted, then the gateway crashed; no outcome came back | not known |
| (empty) | it had not ended with the last record of this pack | not known here |

**Readings of this log itself** are not access to card data, and are in \`artifacts/1-access-events.csv\` only: \`activity\` read-trail, follow-trail, read-own,
explain, open-payload, verify-trail, trail-status, transcript-open, export-evidence, evidence-build and the list-… and show-… ones. The making of this pack is
among them (\`export-evidence\`, \`open-payload\` by \`${order.by}\`); leave these activities out to see what everybody else did.
`
}

function approvals({ order, statement: { checks } }: PackFacts): string {
  const exact =
    order.disclosed === 'none'
      ? 'with which values stays sealed in this pack (the payload of `held_record`, which that record commits to)'
      : 'in `statement` with its values'
  const unchecked = checks.filter(({ kind, count }) => kind === 'not checked' && count > 0)
  return `## Under whose approval?

Where policy asks for one, \`approval\` is the request and \`approver_names\` who approved. A reference such as \`002HQ\` is how people are shown a record: its number
in base 32 (0 to 9, A to Z without I, L, O and U) with a check character behind it; \`approval_held_record\` beside it is that number. Find the request in
\`artifacts/3-approvals.csv\`: what was held, ${exact}, who had to answer (\`need\`), who answered when, why and for which
group (\`approver_groups\`), and in \`used_by\` the one operation that ran under it. Of SQL that a tool sent, look at the line of the call behind it.
No \`approval\` means that policy allows it without: \`policies\` names the permits, \`artifacts/2-entitlements.csv\` gives the business need and the owner of each.

\`artifacts/3-approval-checks.csv\` counts what must not happen, each line exactly what it says; every count of the kind *must be 0* must be 0. The verifier counts
again. ${
    unchecked.length === 0
      ? 'Nothing in this pack had to be left out of these checks.'
      : `What could not be checked in this pack: ${unchecked.map(({ check, count }) => `${number(count)} ${check}`).join('; ')}.`
  } They rest on the policies that a decision names; that policy, evaluated, gives that decision is not checked here.

\`binding\` is a digest, under a key that stays with the gateway, of the person, the agent, the way, the resource and the exact operation. It cannot be computed
here; it can be compared: the request, its answers (\`1-access-events\`, \`details\`) and the operation that ran under it (its record, \`unmapped.approval.binding\`) say
the same one.

*Who put a policy in force?* A line of \`artifacts/2-policy-history.csv\` without \`identity\` was written by the gateway itself, at a start or when it read its
configuration again: in force is what whoever operates the machine had put there. The log does not know who that was; \`hash_or_id\` says whether it changed: it is over the policy, what it refers
to and the pinned definitions of the tools (\`definition\` in the access log).
`
}

function whole(facts: PackFacts): string {
  return `## How do I know that nothing was removed?

Records are numbered without gaps, and the number is the place in the tree: removing, changing, adding or swapping one changes the root that was signed.
\`artifacts/4-completeness.csv\` says from which number to which, how many are missing (0), how many heartbeats were expected and seen, and which gaps the log
itself declares; the check computes it again. Of this pack's period:

${edges(facts)
  .map((line) => `- ${line}`)
  .join('\n')}

That the newest records were not cut off is shown by a head that you hold from another time or another party; see \`LIMITATIONS.md\`.
`
}

/** True for each end on its own: a record of another time beside it shows that it is one; where the log ends nothing does. */
function edges(facts: PackFacts): readonly string[] {
  const { order, span } = facts
  const { begins, ends } = edgesOf(facts)
  return [
    begins === 'log'
      ? 'Its first record is the first of the log: the log begins within the period.'
      : `Record ${number(span.first - 1)}, before the first, is here too, and of another time: nothing of the period was left out there.`,
    ends === 'record'
      ? `Record ${number(span.last + 1)}, behind the last, is here too, and of another time: nothing of the period was left out there.`
      : ends === 'early'
        ? `The pack was made at ${time(order.atMs)}, before the period ended: nothing is said of the time after.`
        : 'Its last record is the newest of the signed head: that none of the period followed shows only in a later head.',
  ]
}

function running({ statement: { completeness } }: PackFacts): string {
  const crashes = counted(completeness, 'crashes')
  const said =
    crashes === 0
      ? 'In this pack there is none.'
      : `In this pack there ${crashes === 1 ? 'is 1' : `are ${number(crashes)}`}: before, ${number(counted(completeness, 'records unsigned at a crash'))} records were durable but not yet signed, and of ${number(counted(completeness, 'operations of unknown end'))} operations the end is not known. \`LIMITATIONS.md\` lists them with their times.`
  return `## Did the boundary run all the time, and how did it end?

In \`artifacts/4-trail-records.csv\` each run of the gateway begins with a *start* and ends with a *stop*. A start behind anything but a stop means that the gateway had
ended without saying so: a crash, a kill, a loss of power. ${said}

What a crash means for the evidence: the boundary is built so that a record is on disk before its operation is let through, and a head is signed about every second. No operation went through
without a record then; but the records behind the last signed head were signed only at the start after the crash (\`previous\`: size and root of that head; \`recovered\`: how many
records lay behind it), and until then only the gateway's own seal on its files protected them. Operations that were let through and had no outcome yet (\`open\`) get the
outcome *unknown*: they may have run, in whole or not at all; ask the database's own log. \`segment\` is the number of the file that was written on. A *cut*
is the torn end of such a file: nothing of it had been confirmed, so nothing of it was let through.
`
}

/** The words of a pack. */
export const WORDS = `## Words

*Record*: one entry of the log. *Intent*: the record before an operation; *outcome*: the one after it. *Decision*: allow, deny, or hold (somebody
has to approve first). *Need*: who has to, as in \`payments-leads:1 and security:1\`: one person of each of these groups, and nobody counts twice. *Via*: the tool
through which a person's operation came; it is certain which call caused it where \`caused_by\` is *exact*. *Masking*: card numbers truncated in a result: the last
four digits stay, every other one becomes \`*\`. *declared-pan*: truncated because the column is declared to hold card numbers; *detected-pan*: because the value is
one. *Checkpoint* or *head*: the signed size and root of the log. *Payload*: the exact statement or call, sealed beside the log. The words of \`outcome\` stand in
the table above, those of every column in \`artifacts/columns.csv\`.
`
