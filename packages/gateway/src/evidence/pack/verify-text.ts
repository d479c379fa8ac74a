import { fingerprintOf, parseVerifierKey } from '@sallyport/verifier'
import { number, type PackFacts, time } from './pack-facts.ts'
import { questionsText, WORDS } from './questions-text.ts'

/** `VERIFY.md`: how to check a pack and what to read in it, for somebody who has nothing but the folder. */
export function verifyText(facts: PackFacts): string {
  return [head(facts), check(facts), byHand(facts), questionsText(facts), content(facts), WORDS].join('\n')
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

You need Node.js 20 or newer (nodejs.org), and the verifier as a file (\`sallyport-verifier-….tgz\`) or from the registry (\`@sallyport/verifier\`). In an
empty folder, not in this one, with the name of your file, and FOLDER for this one's path:

    npm install ./sallyport-verifier-….tgz
    npx --no-install sallyport-verify FOLDER

(or \`npm install @sallyport/verifier\`). \`--no-install\` matters: where the verifier is not installed, \`npx\` alone would fetch whatever the public registry has under that name.
\`node_modules/.bin/sallyport-verify FOLDER\` is the same. The verifier has no dependencies and needs no network when it runs. A verifier that came from
whoever gave you this pack proves what they want: compare its SHA-256 with the one that Sallyport's vendor publishes for the version, also by

    node -p "require('crypto').createHash('sha256').update(require('fs').readFileSync('FILE.tgz')).digest('hex')"

It says what it checked, line by line, and ends with \`RESULT: intact\`, or names the first file and record that is not as it should be. Exit code:
0 intact, 2 altered, 3 incomplete, 4 cannot decide. A file more in this folder is a finding too: copy before you edit, also with a spreadsheet.

**Compare the key.** A pack brings its own key; whoever forges a pack forges that too. Until you have compared it, the result is
\`RESULT: intact, by whoever holds key …\` (with exit code 0 all the same: in a script, always give \`--vkey\`). Get the key's fingerprint another way (from the
people who run the boundary, by telephone, from an earlier pack) and compare:

    ${fingerprintOf(parseVerifierKey(verifierKey))}

or give the key as you have it: \`npx --no-install sallyport-verify FOLDER --vkey '${verifierKey}'\`.
The fingerprint is the SHA-256 of 33 bytes: 0x01 (for Ed25519) and the 32 bytes of the public key; they are the base64 behind the second \`+\` of \`trail/vkey\`. In this folder:

    node -p "require('crypto').createHash('sha256').update(Buffer.from(require('fs').readFileSync('trail/vkey', 'utf8').trim().split('+').slice(2).join('+'), 'base64')).digest('hex').toUpperCase().match(/../g).join(':')"

**Compare an earlier head.** Keep \`trail/checkpoint\` of each pack that you get. \`--known-checkpoint OLD\` then shows that this log is not another
one: no head may be smaller than one that you hold, nor differ at the same size.
`
}

function byHand({ head: { size }, span }: PackFacts): string {
  const isWhole = span.first === 0 && span.last === size - 1
  return `## Check it by hand

1. Files: \`sha256sum -c SHA256SUMS\` (macOS: \`shasum -a 256 -c SHA256SUMS\`), in this folder. \`manifest.json\` lists the same files.
2. Signature: \`manifest.sig\` and \`trail/checkpoint\` are signed notes (c2sp.org/signed-note, Ed25519), \`trail/vkey\` is their key; any signed-note tool
   opens them, for instance \`golang.org/x/mod/sumdb/note\`. The third line of \`manifest.sig\` is the SHA-256 of \`manifest.json\`: compare it with
   \`sha256sum manifest.json\`.
3. Log: \`trail/\` is laid out as c2sp.org/tlog-tiles has it: \`tile/entries/N\` are the records (two bytes length, then the record as JSON), 256 in
   each file, \`tile/0/N\` their hashes, the levels above lead to the root in the third line of \`checkpoint\`. ${
     isWhole
       ? 'This pack holds all of them, so fsck of Tessera accepts the folder.'
       : `Of the ${number(size)} records those of the period (and their neighbours) are here; the tiles prove them against the root without the others.`
   }
4. One record: take a line of any table; its \`record\` is the number n. It is entry n mod 256 (from 0) of file number n ÷ 256 (rounded down) under
   \`trail/tile/entries\`: 000, 001, … 999, x001/000, …; the last one may be partial (\`000.p/15\`: 15 entries).
   \`npx --no-install sallyport-verify FOLDER --records\` prints all records as JSON, one a line, after checking them, for DuckDB, a spreadsheet or \`jq\`.
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
is the policy's hash, \`${policy.hash}\`, which record ${policy.activationRecord} put in force and which \`policy_hash\` names in the lines of the access log that it decided.\n`
  return `## What is here

| File | Rows | What | How it was selected |
|---|---|---|---|
${lines.join('\n')}

\`artifacts/columns.csv\` says of each column in words what it means, and from which part of a record it comes. In CSV a text that begins like a formula has an
apostrophe before it, so that no spreadsheet runs it; lists are separated by "; ". Times are UTC. \`roster.jsonl\` gives names to ids; it is not part of the log.
${policyLine}`
}
