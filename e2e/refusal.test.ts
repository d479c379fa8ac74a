/**
 * A refused statement has exactly a failure's effect: side by side with a direct connection on which a failing statement stands in its
 * place, the status bytes, what later statements give and what the database holds are equal.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import { type Boundary, startBoundary } from '../demo/boundary.ts'
import { SERVICE_USER } from '../demo/data.ts'
import { jobToken } from '../demo/people.ts'
import { jobPolicy, testPlan } from './plan.ts'
import { type Step, WireClient } from './wire-client.ts'

const plan = testPlan({
  sql: [
    'create table marks (mark text)',
    `alter table marks owner to ${SERVICE_USER}`,
    'create table secrets (id int)',
    `alter table secrets owner to ${SERVICE_USER}`,
  ],
  tables: ['public.marks', 'public.secrets'],
  policy: jobPolicy({ 'public.marks': ['insert', 'select', 'delete'] }),
})

/** Stands for the refused statement through Sallyport, for a failing one directly. */
const BAD = { refused: 'select id from secrets', failing: 'select id from no_such_table' }

const scenarios: readonly { readonly name: string; readonly steps: (bad: string) => readonly Step[] }[] = [
  { name: 'alone', steps: (bad) => [{ query: bad }, { query: 'select 1' }] },
  {
    name: 'inside a transaction',
    steps: (bad) => [
      { query: 'begin' },
      { query: "insert into marks values ('a')" },
      { query: bad },
      { query: 'select 1' },
      { query: 'commit' },
      { query: 'select count(*) from marks' },
    ],
  },
  {
    name: 'behind a savepoint',
    steps: (bad) => [
      { query: 'begin' },
      { query: "insert into marks values ('a')" },
      { query: 'savepoint s' },
      { query: bad },
      { query: 'rollback to s' },
      { query: "insert into marks values ('b')" },
      { query: 'commit' },
      { query: 'select count(*) from marks' },
    ],
  },
  {
    name: 'inside an implicit multi-statement string',
    steps: (bad) => [
      { query: `insert into marks values ('a'); ${bad}; insert into marks values ('b')` },
      { query: 'select count(*) from marks' },
    ],
  },
  {
    name: 'behind a COMMIT within a string',
    steps: (bad) => [
      { query: `begin; insert into marks values ('a'); commit; insert into marks values ('b'); ${bad}` },
      { query: 'select count(*) from marks' },
    ],
  },
  {
    name: 'in the middle of a pipeline with one Sync',
    steps: (bad) => [
      { pipeline: ["insert into marks values ('a')", bad, "insert into marks values ('b')"] },
      { query: 'select count(*) from marks' },
    ],
  },
  {
    name: 'in the middle of a pipeline with a Sync each',
    steps: (bad) => [
      { pipeline: ["insert into marks values ('a')"] },
      { pipeline: [bad] },
      { pipeline: ["insert into marks values ('b')"] },
      { query: 'select count(*) from marks' },
    ],
  },
  {
    name: 'in a pipeline inside a transaction',
    steps: (bad) => [
      { query: 'begin' },
      { pipeline: ["insert into marks values ('a')", bad, 'select 1'] },
      { pipeline: ['select 2'] },
      { query: 'rollback' },
      { query: 'select count(*) from marks' },
    ],
  },
  {
    name: 'prepared under a name',
    steps: (bad) => [{ prepare: 's1', text: bad }, { run: 's1' }, { query: 'select 1' }],
  },
]

describe('a refusal is a failed statement', () => {
  let boundary: Boundary
  let direct: pg.Client
  before(async () => {
    boundary = await startBoundary(plan)
    const { host, port, user, password } = boundary.database
    direct = new pg.Client({ host, port, user, password, database: 'cards' })
    await direct.connect()
  })
  after(async () => {
    await direct.end()
    await boundary.stop(false)
  })

  for (const { name, steps } of scenarios) {
    test(name, async () => {
      const { host, port, user, password } = boundary.database
      const failing = await play({ host, port, user, password }, steps(BAD.failing))
      const through = {
        host: '127.0.0.1',
        port: boundary.postgresPort,
        user: 'ci-bot',
        password: await jobToken(boundary),
      }
      const refused = await play(through, steps(BAD.refused))
      assert.deepEqual(refused.map(withoutCode), failing.map(withoutCode))
      assert.ok(refused.join('\n').includes('42501'), 'nothing was refused')
    })
  }

  /** Plays steps on a fresh connection and an empty table; what came back, message by message, and what the table holds then. */
  async function play(
    target: { host: string; port: number; user: string; password: string },
    steps: readonly Step[],
  ): Promise<readonly string[]> {
    await direct.query('truncate marks')
    await using client = await WireClient.connect({ ...target, database: 'cards' })
    const answers: string[] = []
    for (const step of steps) answers.push(...(await client.play(step)))
    const { rows } = await direct.query<{ mark: string }>('select mark from marks order by mark')
    return [...answers, `table: ${rows.map((row) => row.mark).join(',')}`]
  }
})

/** The SQLSTATE of the statement in question differs on purpose: refused 42501, failing 42P01. */
function withoutCode(answer: string): string {
  return answer.replace(/^E (?:42501|42P01)$/, 'E')
}
