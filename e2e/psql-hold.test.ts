/**
 * What the demo's guard on deleting does to the clients that people have: psql 15 and 18 and a driver wait for somebody of security, can be interrupted,
 * and run once what was approved; what has written already does not wait.
 */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import type { RequestList } from '#api'
import { type Boundary, startBoundary } from '../demo/boundary.ts'
import { type CommandResult, sallyport } from '../demo/command.ts'
import { demoSql } from '../demo/data.ts'
import { api, connect, login, tokenOf } from '../demo/people.ts'
import { testPlan } from './plan.ts'
import { type PsqlClient, psqlClients } from './psql.ts'

let boundary: Boundary
let direct: pg.Client
let token: string

before(async () => {
  boundary = await startBoundary({
    ...testPlan({ sql: [], tables: [], people: [{ id: 'sam', name: 'Sam Stone', groups: ['security'] }] }),
    sql: demoSql,
  })
  const { host, port, user, password } = boundary.database
  direct = new pg.Client({ host, port, user, password, database: 'cards' })
  await direct.connect()
  for (const person of ['bob', 'dana', 'sam']) await login(boundary, person)
  token = await tokenOf(boundary, 'bob')
})

after(async () => {
  await direct.end()
  await boundary.stop(false)
})

const as = (person: string, ...args: readonly string[]): Promise<CommandResult> =>
  sallyport(boundary, ...args, '--profile', person)

async function approve(ref: string): Promise<void> {
  const { exitCode, stdout, stderr } = await as('sam', 'approve', ref, '--reason', 'ticket 12')
  assert.equal(exitCode, 0, stderr)
  assert.match(stdout, /approved: bob@example\.com may run exactly this once/)
}

/** How many of these orders there are. */
async function orders(...ids: readonly number[]): Promise<number> {
  return (await direct.query('select from orders where id = any ($1)', [ids])).rowCount ?? 0
}

for (const [index, major] of ['15', '18'].entries()) {
  describe(`psql ${major}`, () => {
    const order = (id: number): number => index * 100 + id
    let psql: PsqlClient
    before(async () => {
      psql = (await psqlClients()).find(({ version }) => version.startsWith(major)) ?? assert.fail(`no psql ${major}`)
    })

    /** Runs statements one after the other in one session. */
    const run = (...statements: readonly string[]): Running => {
      const heard = Promise.withResolvers<string>()
      heard.promise.catch(() => undefined)
      let child: ChildProcess | undefined
      const started = (process: ChildProcess): void => {
        child = process
        let said = ''
        process.stderr?.on('data', (chunk: Buffer) => {
          said += chunk.toString('utf8')
          const ref = /^NOTICE: .*is held: it needs the approval of security:1 \[ref (\w+)\]\nHINT: .*$/m.exec(
            said,
          )?.[1]
          if (ref !== undefined) heard.resolve(ref)
        })
        process.on('close', () => {
          heard.reject(new Error(`psql ended without a notice: ${said}`))
        })
      }
      const env = {
        ...{ PGHOST: '127.0.0.1', PGPORT: String(boundary.postgresPort), PGUSER: 'bob', PGDATABASE: 'cards' },
        ...{ PGPASSWORD: token, PGSSLMODE: 'disable' },
        ...(major === '18' ? { PGMAXPROTOCOLVERSION: '3.2' } : {}),
      }
      const args = ['-At', '-v', 'VERBOSITY=verbose', ...statements.flatMap((sql) => ['-c', sql])]
      return { notice: heard.promise, ended: psql.run(args, { env, started }), interrupt: () => child?.kill('SIGINT') }
    }

    test('waits with a word about it, runs when it is approved, and does not run again', async () => {
      const sql = `delete from orders where id = ${order(1)}`
      const running = run(sql)
      const ref = await running.notice
      const own = await as('bob', 'approve', ref)
      assert.equal(own.exitCode, 3, own.stderr)
      assert.equal(await orders(order(1)), 1)
      await approve(ref)
      const { code, stdout, stderr } = await running.ended
      assert.deepEqual([code, stdout], [0, 'DELETE 1\n'], stderr)
      assert.match(
        stderr,
        new RegExp(`HINT: {2}To approve: sallyport approve ${ref}\\. Waiting for up to 120 s; Ctrl-C stops`),
      )
      assert.equal(await orders(order(1)), 0)
      const again = run(sql)
      assert.notEqual(await again.notice, ref)
      again.interrupt()
      await again.ended
    })

    test('Ctrl-C ends the wait with 57014; the request stays open, the session lives, and approved it runs at once', async () => {
      const sql = `delete from orders where id = ${order(2)}`
      const running = run(sql, `insert into orders values (${order(9000)}, 1, 5, '2026-11-21')`)
      const ref = await running.notice
      const began = performance.now()
      running.interrupt()
      const { stderr } = await running.ended
      assert.ok(performance.now() - began < 10_000)
      assert.match(stderr, /ERROR: {2}57014: canceling statement due to user request/)
      assert.equal(await orders(order(9000)), 1)
      const { requests } = await api<RequestList>(boundary, 'sam', '/requests?status=open')
      assert.ok(requests.some((request) => request.ref === ref))
      await approve(ref)
      const same = await run(sql).ended
      assert.deepEqual([same.code, same.stdout, same.stderr], [0, 'DELETE 1\n', ''])
    })

    test('a denial is 42501', async () => {
      const running = run(`delete from orders where id = ${order(3)}`)
      const ref = await running.notice
      assert.equal((await as('sam', 'deny', ref, '--reason', 'no')).exitCode, 0)
      const { code, stderr } = await running.ended
      assert.equal(code, 1)
      assert.match(stderr, new RegExp(`ERROR: {2}42501: DELETE on "cards" was denied by an approver \\[ref ${ref}\\]`))
      assert.equal(await orders(order(3)), 1)
    })

    test('waits in a transaction that has only read, and is part of it', async () => {
      const running = run(
        'begin',
        `select customer_id from orders where id = ${order(4)}`,
        `delete from orders where id = ${order(4)}`,
        'rollback',
      )
      await approve(await running.notice)
      const { stdout, stderr } = await running.ended
      assert.match(stdout, /^BEGIN\n\d+\nDELETE 1\nROLLBACK\n$/, stderr)
      assert.equal(await orders(order(4)), 1)
    })

    test('does not wait in a transaction that has written: others might wait for that', async () => {
      const { stdout, stderr } = await run(
        'begin',
        `update orders set amount = 1 where id = ${order(5)}`,
        `delete from orders where id = ${order(5)}`,
        'select 1',
        'commit',
      ).ended
      assert.equal(stdout, 'BEGIN\nUPDATE 1\nROLLBACK\n')
      assert.doesNotMatch(stderr, /NOTICE/)
      const ref = /ERROR: {2}42501: .*needs an approval: security:1 \[ref (\w+)\]/.exec(stderr)?.[1]
      assert.ok(ref !== undefined, stderr)
      await approve(ref)
      const alone = await run(`delete from orders where id = ${order(5)}`).ended
      assert.deepEqual([alone.code, alone.stdout, alone.stderr], [0, 'DELETE 1\n', ''])
    })
  })
}

/** A psql that runs: the reference that it is told to wait for, and its end. */
interface Running {
  readonly notice: Promise<string>
  readonly ended: ReturnType<PsqlClient['run']>
  interrupt(): void
}

test('a driver waits too: approved are the statement and its parameters, nothing else', async () => {
  const client = await connect(boundary, 'bob', token)
  const notices: string[] = []
  client.on('notice', ({ message }) => notices.push(message ?? ''))
  const remove = (ids: readonly number[]): Promise<pg.QueryResult> =>
    client.query({ name: 'remove', text: 'delete from orders where id = any ($1::int[])', values: [ids] })
  const held = async (): Promise<string> => {
    while (notices.length === 0) await new Promise((resolve) => client.once('notice', resolve))
    return /\[ref (\w+)\]/.exec(notices.shift() ?? '')?.[1] ?? assert.fail()
  }
  const first = remove([301, 302])
  await approve(await held())
  assert.equal((await first).rowCount, 2)
  const second = assert.rejects(remove([303]), { code: '42501', severity: 'ERROR' })
  const ref = await held()
  assert.equal((await as('sam', 'deny', ref, '--reason', 'no')).exitCode, 0)
  await second
  assert.equal(await orders(301, 302, 303), 1)
  assert.equal((await client.query('select 1')).rowCount, 1)
  await client.end()
})
