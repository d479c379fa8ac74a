/**
 * An approval from end to end: psql, unmodified, waits for it; `sallyport` asks, shows, answers; what was approved runs once; who may not answer is
 * refused, and on record.
 */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { after, before, test } from 'node:test'
import { type Boundary, startBoundary } from '../demo/boundary.ts'
import { type CommandResult, sallyport } from '../demo/command.ts'
import { SERVICE_USER } from '../demo/data.ts'
import { api, login, type PersonName, tokenOf } from '../demo/people.ts'
import { testPlan } from './plan.ts'
import { type PsqlClient, psqlClients } from './psql.ts'

const POLICY = `@id("e2e-read") @need("a test") @owner("tests") @reviewed("a test")
permit (principal is Person in Group::"support", action in Action::"select", resource == Table::"cards/public/limits");
@id("e2e-held") @need("a test") @owner("tests") @reviewed("a test") @approvers("payments-leads:1")
permit (principal is Person in Group::"support", action in Action::"update.approved", resource == Table::"cards/public/limits");
`

const UPDATE = 'update limits set amount = 900 where id = 1'

let boundary: Boundary
let psql: PsqlClient
let token: string

before(async () => {
  const [client] = await psqlClients()
  psql = client ?? assert.fail('there is no psql')
  boundary = await startBoundary(
    testPlan({
      sql: [
        'create table limits (id int primary key, amount int)',
        'insert into limits values (1, 100), (2, 100)',
        `alter table limits owner to ${SERVICE_USER}`,
      ],
      tables: ['public.limits'],
      policy: POLICY,
    }),
  )
  for (const person of ['alice', 'bob', 'dana'] as const) await login(boundary, person)
  token = await tokenOf(boundary, 'alice')
})

after(async () => {
  await boundary.stop(false)
})

type PsqlResult = Awaited<ReturnType<PsqlClient['run']>>

/** A psql that runs one statement, with what it says as it says it. */
function run(sql: string): {
  readonly ended: Promise<PsqlResult>
  readonly notice: Promise<string>
  interrupt(): void
} {
  const heard = Promise.withResolvers<string>()
  let child: ChildProcess | undefined
  const env = {
    ...{ PGHOST: '127.0.0.1', PGPORT: String(boundary.postgresPort), PGUSER: 'alice', PGDATABASE: 'cards' },
    ...{ PGPASSWORD: token, PGSSLMODE: 'disable' },
  }
  const started = (process: ChildProcess): void => {
    child = process
    let said = ''
    process.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString('utf8')
      const ref = /^NOTICE: .*is held.*\[ref ([0-9A-Z]+)\]/m.exec(said)?.[1]
      if (ref !== undefined && said.includes('HINT:')) heard.resolve(ref)
    })
    process.on('close', () => {
      heard.reject(new Error(`psql ended without a notice: ${said}`))
    })
  }
  heard.promise.catch(() => undefined)
  const ended = psql.run(['-At', '-c', sql], { env, started })
  return { ended, notice: heard.promise, interrupt: () => child?.kill('SIGINT') }
}

const as = (person: PersonName, ...args: readonly string[]): Promise<CommandResult> =>
  sallyport(boundary, ...args, '--profile', person)

async function amountOf(id: number): Promise<string> {
  return (await run(`select amount from limits where id = ${id}`).ended).stdout.trim()
}

test('psql waits for the answer, everybody but the approver is refused, and then it runs', async () => {
  const running = run(UPDATE)
  const ref = await running.notice
  const listed = await as('bob', 'requests')
  assert.equal(listed.exitCode, 0, listed.stderr)
  assert.match(listed.stdout, new RegExp(`${ref} .*alice@example\\.com.* cards .*open.*payments-leads:1.*may answer`))
  const shown = await as('bob', 'show', ref)
  assert.match(shown.stdout, /statement {2}update limits set amount = 900 where id = 1/)
  assert.match(shown.stdout, /needs {6}payments-leads:1; still payments-leads:1/)
  for (const person of ['alice', 'dana'] as const) {
    for (const answer of ['approve', 'deny']) {
      const refused = await as(person, answer, ref, '--reason', 'why not')
      assert.equal(refused.exitCode, 3, `${person} ${answer}`)
      assert.match(refused.stderr, /\[ref [0-9A-Z]+\]/)
    }
  }
  assert.equal(await amountOf(1), '100')
  const approved = await as('bob', 'approve', ref, '--reason', 'ticket 12')
  assert.equal(approved.exitCode, 0, approved.stderr)
  assert.match(approved.stdout, /approved: alice@example\.com may run exactly this once/)
  const { code, stdout, stderr } = await running.ended
  assert.deepEqual([code, stdout], [0, 'UPDATE 1\n'], stderr)
  assert.match(stderr, new RegExp(`^HINT: {2}To approve: sallyport approve ${ref}\\.`, 'm'))
  assert.equal(await amountOf(1), '900')
  const late = await as('bob', 'deny', ref, '--reason', 'too late')
  assert.equal(late.exitCode, 7)
  await linksOf(ref)
})

/** The access record names the approval, the approval's records name the operation. */
async function linksOf(ref: string): Promise<void> {
  const { records } = await api<{
    records: { leaf: { unmapped: Record<string, unknown>; status_id: number }; sequence: number }[]
  }>(boundary, 'dana', `/records?approval=${ref}&limit=100`)
  const details = records.map(({ leaf }) => leaf.unmapped)
  const activities = details.flatMap(({ activity }) => (typeof activity === 'string' ? [activity] : []))
  assert.equal(activities.filter((activity) => activity === 'request-open').length, 1)
  // Each refused attempt, the one that counted, and the late one.
  assert.equal(activities.filter((activity) => activity === 'request-approve').length, 3)
  assert.equal(activities.filter((activity) => activity === 'request-deny').length, 3)
  const ran = records.find(({ leaf }) => leaf.unmapped['approval'] !== undefined)
  const approval = ran?.leaf.unmapped['approval'] as { records: { index: number }[]; approvers: string[] }
  assert.equal(approval.approvers.length, 1)
  const numbers = records.map(({ sequence }) => sequence)
  assert.ok(approval.records.length === 2 && approval.records.every(({ index }) => numbers.includes(index)))
  const why = await as('dana', 'why', ref)
  assert.equal(why.exitCode, 0, why.stderr)
  assert.match(why.stdout, /hold/)
}

test('Ctrl-C ends the wait, not the request: approved afterwards, the very same runs at once, and once', async () => {
  const running = run('update limits set amount = 901 where id = 2')
  const ref = await running.notice
  running.interrupt()
  const stopped = await running.ended
  assert.notEqual(stopped.code, 0)
  assert.match(stopped.stderr, /canceling statement due to user request/)
  assert.equal((await as('bob', 'approve', ref)).exitCode, 0)
  const other = run('update limits set amount = 902 where id = 2')
  assert.notEqual(await other.notice, ref)
  other.interrupt()
  await other.ended
  const same = await run('update limits set amount = 901 where id = 2').ended
  assert.deepEqual([same.code, same.stdout, same.stderr], [0, 'UPDATE 1\n', ''])
  assert.equal(await amountOf(2), '901')
  const again = run('update limits set amount = 901 where id = 2')
  assert.notEqual(await again.notice, ref)
  again.interrupt()
  await again.ended
})

test('a denial ends the wait with 42501, and the same is not asked again', async () => {
  const running = run('update limits set amount = 903 where id = 2')
  const ref = await running.notice
  assert.equal((await as('bob', 'deny', ref, '--reason', 'use the runbook')).exitCode, 0)
  const { code, stderr } = await running.ended
  assert.equal(code, 1)
  assert.match(stderr, new RegExp(`^ERROR: {2}.*denied by an approver \\[ref ${ref}\\]`, 'm'))
  const again = await run('update limits set amount = 903 where id = 2').ended
  assert.equal(again.code, 1)
  assert.match(again.stderr, new RegExp(`an approver said no \\[ref ${ref}\\]`))
  const shown = await as('alice', 'show', ref)
  assert.match(shown.stdout, /denied {5}bob@example\.com \(payments-leads\).*"use the runbook"/)
})

test('within a transaction that has written nothing waits', async () => {
  const held = 'update limits set amount = 904 where id = 2'
  const { code, stderr } = await run(`begin; select 1; ${held}; commit`).ended
  assert.equal(code, 1)
  assert.match(stderr, /^ERROR: {2}.*needs an approval.*\[ref [0-9A-Z]+\]/m)
  assert.doesNotMatch(stderr, /NOTICE/)
})

test('requests that nobody may see are not found, and nobody finds out that there are any', async () => {
  assert.equal((await as('bob', 'show', 'ZZZZE')).exitCode, 6)
  const listed = await as('alice', 'requests', '--mine', '--json')
  const { requests } = JSON.parse(listed.stdout) as { requests: { status: string; mayAnswer: boolean }[] }
  assert.ok(requests.length >= 4 && requests.every(({ mayAnswer }) => !mayAnswer))
})
