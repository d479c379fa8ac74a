import { fingerprintOf, parseVerifierKey } from '@sallyport/verifier'
import { number, type PackFacts, time } from './pack-facts.ts'

/** `VERIFY.md`: how to check a pack and what to read in it, for somebody who has nothing but the folder. */
export function verifyText(facts: PackFacts): string {
  return [head(facts), check(facts), byHand(facts), questions(facts), content(facts), words()].join('\n')
}

function head({ order, span, head: { origin, size } }: PackFacts): string {
  return `# How to check this evidence

Records ${number(span.first)} to ${number(span.last)} of the access log \`${origin}\`, of the time from ${time(order.fromMs)} to
${time(order.toMs)} (UTC), under the log's signed head of ${number(size)} records. Made at ${time(order.atMs)} for \`${order.by}\`.

Each operation that went through the boundary has a record that was written before it was let through, and one of how it ended. The records
are the entries of a tamper-evident log (a Merkle tree, as certificate transparency has it): its signed head commits to every one of them. All
tables here follow from those records; the check below computes each table again and compares it.

What this cannot show stands in \`LIMITATIONS.md\`. Read it too.
`
}

function check({ head: { verifierKey } }: PackFacts): string {
  return `## Check it (one minute)

You need Node.js 20 or newer (nodejs.org). Somewhere else than in this folder, with FOLDER for its path:

    npm install @sallyport/verifier
    npx sallyport-verify FOLDER

The verifier has no dependencies and needs no network when it runs; it can be installed from a file as well (\`npm install ./sallyport-verifier-….tgz\`).
It says what it checked, line by line, and ends with \`RESULT: intact\`, or names the first file and record that is not as it should be. Exit code:
0 intact, 2 altered, 3 incomplete, 4 cannot decide. A file more in this folder is a finding too: copy before you edit, also with a spreadsheet.

**Compare the key.** A pack brings its own key; whoever forges a pack forges that too. Get the key's fingerprint another way (from the people
who run the boundary, by telephone, from an earlier pack) and compare:

    ${fingerprintOf(parseVerifierKey(verifierKey))}

or give the key as you have it: \`npx sallyport-verify FOLDER --vkey '${verifierKey}'\`.

**Compare an earlier head.** Keep \`trail/checkpoint\` of each pack that you get. \`--known-checkpoint OLD\` then shows that this log is not another
one: no head may be smaller than one that you hold, nor differ at the same size.
`
}

function byHand({ head: { size }, span }: PackFacts): string {
  const isWhole = span.first === 0
  return `## Check it by hand

1. Files: \`sha256sum -c SHA256SUMS\` (macOS: \`shasum -a 256 -c SHA256SUMS\`), in this folder. \`manifest.json\` lists the same files.
2. Signature: \`manifest.sig\` and \`trail/checkpoint\` are signed notes (c2sp.org/signed-note, Ed25519), \`trail/vkey\` is their key; any signed-note tool
   opens them, for instance \`golang.org/x/mod/sumdb/note\`. The third line of \`manifest.sig\` is the SHA-256 of \`manifest.json\`: compare it with
   \`sha256sum manifest.json\`.
3. Log: \`trail/\` is laid out as c2sp.org/tlog-tiles has it: \`tile/entries/N\` are the records (two bytes length, then the record as JSON), 256 in
   each file, \`tile/0/N\` their hashes, the levels above lead to the root in the third line of \`checkpoint\`. ${
     isWhole
       ? 'This pack begins with the first record, so if it also ends with the last one, fsck of Tessera accepts the folder.'
       : `Of the ${number(size)} records those of the period (and their neighbours) are here; the tiles prove them against the root without the others.`
   }
4. One record: take a line of any table; its \`record\` is the number n. It is entry n mod 256 (from 0) of file number n ÷ 256 (rounded down) under
   \`trail/tile/entries\`: 000, 001, … 999, x001/000, …; the last one may be partial (\`000.p/15\`: 15 entries).
   \`npx sallyport-verify FOLDER --records\` prints all records as JSON, one a line, after checking them, for \`jq\`, DuckDB or a spreadsheet.
`
}

function questions({ order }: PackFacts): string {
  const statement =
    order.disclosed === 'none'
      ? 'The exact statements are not disclosed in this pack; `template` shows them without values.'
      : 'What was asked exactly is in `statement` (card data replaced), in full in `artifacts/1-statements.csv`.'
  return `## Who read card data, under whose approval, and how do I know that nothing was removed?

**Who read card data?** Open \`artifacts/1-access-log.csv\`. Keep the lines with \`outcome\` = success and \`values_masked\` above 0: results that held card
data, truncated before they left. (Or \`zone\` = cde for everything in the cardholder data environment; \`objects\` names tables and columns.) \`identity\`
is the person or workload, \`name\` the name that belongs to it, \`agent\` the AI agent that they used, \`via_server\` and \`via_tool\` the tool that
sent it in their name. A tool call and the SQL that the tool sent for it are lines of their own: \`caused_by_records\` of the SQL is the \`record\` of the
call. ${statement} Results that were withheld because a card number could not be truncated have \`outcome\` = masking-refused. Lines are in the order in
which operations ended; sort by \`time\` as you like.

On a command line: \`jq -r 'select(.outcome=="success" and .values_masked>0) | [.time,.name,.agent,.resource,.template,.approval] | @tsv' artifacts/1-access-log.jsonl\`

**Under whose approval?** Where policy asks for one, \`approval\` is the request and \`approver_names\` who approved. Find the request in
\`artifacts/3-approvals.csv\`: what was held, why, who answered when, and in \`used_by\` the one operation that ran under it. Of SQL that a tool sent, look at
the line of the call behind it. No \`approval\` means that policy
allows it without: \`policies\` names the permits, \`artifacts/2-entitlements.csv\` gives the business need and the owner of each.
\`artifacts/3-approval-checks.csv\` counts what ran although policy asked for an approval and without a good one. Every count must be 0.

**How do I know that nothing was removed?** Records are numbered without gaps, and the number is the place in the tree: removing, changing, adding or
swapping one changes the root that was signed. \`artifacts/4-completeness.csv\` says from which number to which, how many are missing (0), how many
heartbeats were expected and seen, and which gaps the log itself declares; the check computes it again. The records beside the first and the last
are here too, and lie outside the period: the period is whole. That the newest records were not cut off is shown by a head that you hold from another
time or another party; see \`LIMITATIONS.md\`.
`
}

function content({ tables, policy }: PackFacts): string {
  const lines = tables.map(
    ({ name, title, rows, query }) =>
      `| \`artifacts/${name}\` (.csv, .jsonl) | ${number(rows)} | ${title} | ${query.replaceAll('|', '\\|')} |`,
  )
  const policyLine =
    policy === undefined
      ? ''
      : `\n\`policy/files\` is the policy in force when the pack was made, as it was loaded; the SHA-256 of \`policy/policy.json\` (those texts and what they refer to)
is the policy's hash, \`${policy.hash}\`, which record ${policy.activationRecord} put in force and which \`policy_hash\` names in each line of the access log.\n`
  return `## What is here

| File | Rows | What | How it was selected |
|---|---|---|---|
${lines.join('\n')}

\`artifacts/columns.csv\` says of each column from which part of a record it comes. In CSV a text that begins like a formula has an
apostrophe before it, so that no spreadsheet runs it; lists are separated by "; ". Times are UTC. \`roster.jsonl\` gives names to ids; it is not part of the log.
${policyLine}`
}

function words(): string {
  return `## Words

*Record*: one entry of the log. *Intent*: the record before an operation; *outcome*: the one after it. *Decision*: allow, deny, or hold (somebody
has to approve first). *Via*: the tool through which a person's operation came. *Masking*: card numbers truncated in a result. *Checkpoint* or *head*: the signed
size and root of the log.
`
}
