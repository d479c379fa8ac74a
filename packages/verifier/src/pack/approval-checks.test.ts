/** Logs that whoever has the signing key could write: every table follows from the records, and still nothing stays unseen. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signer } from '../testkit/sample-log.ts'
import { MemoryPack, packFiles, packLeaves, POLICY_HASH } from '../testkit/sample-pack.ts'
import { CHECKS, UNCHECKED } from './approval-checks.ts'
import { formatPackReport } from './pack-report.ts'
import type { PackVerification } from './pack-verification.ts'
import { verifyPack } from './verify-pack.ts'

type Edit = readonly [record: number, from: string, to: string]

/** A log in which some records say something else, in a pack made and signed with the key of that log. */
async function forged(...edits: readonly Edit[]): Promise<PackVerification> {
  const leaves = packLeaves(300).map((leaf, record) =>
    edits
      .filter(([of]) => of === record)
      .reduce((text, [, from, to]) => {
        assert.ok(text.includes(from), `record ${record} has no ${from}: ${text}`)
        return text.replace(from, to)
      }, Buffer.from(leaf).toString()),
  )
  const files = packFiles(300, {
    records: { first: 20, last: 119 },
    leaves: leaves.map((text) => Buffer.from(text)),
  })
  return await verifyPack(new MemoryPack(files), { keys: [signer.key] })
}

const POLICIES = `"policies":["deletes"],"policy_hash":"${POLICY_HASH}"`
const OTHER = '11'.repeat(32)
const bindingOf = (run: number): string => {
  const text = Buffer.from(packLeaves(300)[run + 6] ?? []).toString()
  return /"binding":"([0-9a-f]{64})"/.exec(text)?.[1] ?? assert.fail(text)
}

// The run of ten from 40: 44 is held, 46 opens R40, 47 approves it, 48 runs under it.
const FORGERIES: readonly (readonly [string, readonly Edit[], Partial<Record<keyof typeof CHECKS, number>>])[] = [
  [
    'what ran names no approval at all',
    [[48, /"approval":\{.*?"request":"R40"\},/.exec(text(48))?.[0] ?? '', '']],
    { withoutApproval: 48 },
  ],
  ['who answered is in none of the groups', [[47, '"groups":["leads"]', '"groups":["support"]']], { needNotMet: 48 }],
  [
    'who answered claims a group that they are not in',
    [[47, '"groups":[{"name":"leads"}]', '"groups":[{"name":"support"}]']],
    { needNotMet: 48 },
  ],
  [
    'one answered where two are needed',
    [44, 46, 47].map((record) => [record, '"need":"leads:1"', '"need":"leads:2"'] as const),
    { needNotMet: 48, otherNeed: 46 },
  ],
  ['an AI agent answered', [[47, '"actor":{', '"actor":{"app_uid":"cl_1",']], { needNotMet: 48 }],
  ['a workload answered', [[47, '"type":"person"', '"type":"workload"']], { needNotMet: 48 }],
  ['the answer is to another binding', [[47, bindingOf(40), OTHER]], { otherBinding: 47 }],
  ['the answer is to another held operation', [[47, '"intent":44', '"intent":34']], { otherBinding: 47 }],
  ['what ran says another binding', [[48, bindingOf(40), OTHER]], { otherOperation: 48 }],
  ['what ran is another verb', [[48, '"verb":"DELETE"', '"verb":"TRUNCATE"']], { otherOperation: 48 }],
  ['what ran is by another agent', [[48, '"actor":{', '"actor":{"app_uid":"cl_1",']], { otherOperation: 48 }],
  [
    'what ran is another definition of the tool',
    [[48, '"payload":{', `"definition":"${OTHER}","payload":{`]],
    { otherOperation: 48 },
  ],
  ['what ran is on another resource', [[48, '"svc_name":"cards"', '"svc_name":"books"']], { otherOperation: 48 }],
  ['who ran it is another than who asked', [[48, '"uid":"p_alice"', '"uid":"p_carol"']], { otherOperation: 48 }],
  ['who ran it approved it', [[47, '"uid":"p_bob"', '"uid":"p_alice"']], { ownApproval: 48, otherApprovers: 48 }],
  ['another is named as approver', [[48, '"approvers":["p_bob"]', '"approvers":["p_dana"]']], { otherApprovers: 48 }],
  [
    'nobody answered',
    [[47, '"request-approve"', '"request-show"']],
    { neverApproved: 48, needNotMet: 48, otherApprovers: 48 },
  ],
  [
    'the answer was refused',
    [[47, '"status_id":1', '"status_id":2']],
    { neverApproved: 48, needNotMet: 48, otherApprovers: 48 },
  ],
  [
    'the request needs less than the held record',
    [
      [46, '"need":"leads:1"', '"need":"all:1"'],
      [47, '"need":"leads:1"', '"need":"all:1"'],
      [47, '"groups":["leads"]', '"groups":["all"]'],
      [47, '"name":"leads"', '"name":"all"'],
    ],
    { otherNeed: 46 },
  ],
  [
    'the request is by another than the held operation',
    [[46, '"uid":"p_alice"', '"uid":"p_carol"']],
    { otherNeed: 46 },
  ],
  [
    'it was withdrawn',
    [[47, '"request-approve"', '"request-withdraw"']],
    { neverApproved: 48, needNotMet: 48, otherApprovers: 48, afterEnd: 48 },
  ],
  ['what was held ran', [[45, '"status":"refused"', '"status":"success"']], { refusedAndRan: 44 }],
  [
    'what was denied ran',
    [
      [44, '"outcome":"hold"', '"outcome":"deny"'],
      [45, '"status":"refused"', '"status":"error"'],
    ],
    { refusedAndRan: 44 },
  ],
  [
    'it ran under the approval of another',
    [[58, '"request":"R50"', '"request":"R40"']],
    { usedTwice: 58, otherOperation: 58 },
  ],
]

function text(record: number): string {
  return Buffer.from(packLeaves(300)[record] ?? []).toString()
}

for (const [what, edits, expected] of FORGERIES) {
  test(`it is found that ${what}`, async () => {
    const verification = await forged(...edits)
    // Signed, and told alike by all tables: nothing but the checks can say it.
    assert.equal(verification.finding, undefined)
    const found = verification.statement?.checks.filter(({ count }) => count > 0) ?? []
    assert.deepEqual(
      Object.fromEntries(found.map(({ check, records }) => [check, records])),
      Object.fromEntries(
        Object.entries(expected).map(([name, record]) => [CHECKS[name as keyof typeof CHECKS], [record]]),
      ),
    )
    const report = formatPackReport(verification)
    for (const { check } of found) assert.ok(report.includes(`1 ${check}`), report)
    assert.match(report, /^! approvals/m)
  })
}

test('nothing is found where nothing is wrong, and the report says what was looked for', async () => {
  const verification = await forged()
  assert.ok(verification.statement?.checks.every(({ count }) => count === 0))
  assert.match(
    formatPackReport(verification),
    /^✓ approvals {14}12 checks \(artifacts\/3-approval-checks\.csv\), each 0$/m,
  )
})

test('another payload is another operation, of the same size and of another', async () => {
  for (const text of ['delete from customers where id = 41', 'delete from customers']) {
    const files = packFiles(300, { records: { first: 20, last: 119 }, texts: { 48: text } })
    const { finding, statement } = await verifyPack(new MemoryPack(files), { keys: [signer.key] })
    assert.equal(finding, undefined)
    const found = statement?.checks.filter(({ count }) => count > 0)
    assert.deepEqual(
      found?.map(({ check, records }) => [check, records]),
      [[CHECKS.otherOperation, [48]]],
    )
  }
})

test('what cannot be checked is counted and said', async () => {
  const verification = await forged([48, POLICIES, POLICIES.replace(POLICY_HASH, OTHER)], [52, POLICY_HASH, OTHER])
  const uncheckable = verification.statement?.checks.filter(({ kind, count }) => kind === 'not checked' && count > 0)
  assert.deepEqual(
    uncheckable?.map(({ check, records }) => [check, records]),
    [[UNCHECKED.otherPolicy, [52]]],
  )
  assert.match(
    formatPackReport(verification),
    /^! not checked {12}1 operations that were allowed by a policy that is not in this pack/m,
  )
  const asks = `"details":{"approvers":[{"need":"leads:1","policy":"reads"}]},"phase":"event"`
  const inForce = await forged([51, POLICY_HASH, OTHER], [51, '"phase":"event"', asks], [52, POLICY_HASH, OTHER])
  assert.deepEqual(
    inForce.statement?.checks.filter(({ count }) => count > 0).map(({ check, records }) => [check, records]),
    [[CHECKS.withoutApproval, [52]]],
  )
  const files = packFiles(300, { records: { first: 47, last: 119 } })
  const { statement } = await verifyPack(new MemoryPack(files), { keys: [signer.key] })
  assert.deepEqual(
    statement?.checks.filter(({ count }) => count > 0).map(({ check, records }) => [check, records]),
    [[UNCHECKED.earlierRequest, [48]]],
  )
})
