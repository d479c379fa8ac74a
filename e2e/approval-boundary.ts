/** A boundary at which almost everything waits for an approval: of statements, of calls, and of the SQL behind calls. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { RecordList, RequestFacts, RequestList } from '#api'
import { type Boundary, startBoundary } from '../demo/boundary.ts'
import { SERVICE_USER } from '../demo/data.ts'
import { api, apiToken, login } from '../demo/people.ts'
import { McpHttp } from './mcp-http.ts'
import { type OwnServer, ownPins, ownResource } from './own-server.ts'
import { testPlan } from './plan.ts'

/** `bob` answers; `frank` may ask for the same as `alice`; `erin` runs the platform and is in its security group. */
const PEOPLE = ['alice', 'bob', 'dana', 'erin', 'frank'] as const
type PersonName = (typeof PEOPLE)[number]

const SERVERS = (['pay', 'pay2'] as const).map((name): OwnServer => ({
  name,
  script: new URL('./tools/pay.ts', import.meta.url),
  database: 'cards',
}))

const head = (id: string): string => `@id("e2e-${id}") @need("a test") @owner("tests") @reviewed("a test")`

/** For each of these: who they are to Cedar. */
const askers = { support: 'Person in Group::"support"', ci: 'Workload in Group::"ci"' }

const POLICY = `${Object.entries(askers)
  .map(
    ([group, who]) => `${head(`read-${group}`)}
permit (principal is ${who}, action in Action::"select", resource == Table::"cards/public/limits");
${head(`held-${group}`)} @approvers("payments-leads:1")
permit (principal is ${who}, action in Action::"update.approved", resource == Table::"cards/public/limits");
${SERVERS.map(
  ({ name }) => `${head(`open-${name}-${group}`)}
permit (principal is ${who}, action in Action::"open", resource == Server::"${name}");
${head(`list-${name}-${group}`)}
permit (principal is ${who}, action in Action::"listTool", resource in Server::"${name}");`,
).join('\n')}
${['pay/pay', 'pay/pay_twin', 'pay2/pay']
  .map(
    (tool) => `${head(`${tool.replace('/', '-')}-${group}`)} @approvers("payments-leads:1")
permit (principal is ${who}, action in Action::"${tool}.approved", resource == Tool::"${tool}");`,
  )
  .join('\n')}`,
  )
  .join('\n')}
${['adjust', 'adjust_twin']
  .map(
    (tool) => `${head(tool)}
permit (principal is Person in Group::"support", action in Action::"pay/${tool}", resource == Tool::"pay/${tool}");
${head(`${tool}-connect`)}
permit (principal is Via in Tool::"pay/${tool}", action in [Action::"connect", Action::"adhoc"], resource == Database::"cards");
${head(`${tool}-read`)}
permit (principal is Via in Tool::"pay/${tool}", action in Action::"select", resource == Table::"cards/public/limits");
${head(`${tool}-sql`)} @approvers("payments-leads:1")
permit (principal is Via in Tool::"pay/${tool}", action in Action::"update.approved", resource == Table::"cards/public/limits");`,
  )
  .join('\n')}
${[...SERVERS.map(({ name }) => `${name}/pay`), 'pay/pay_twin']
  .map(
    (tool) => `${head(`sql-${tool.replace('/', '-')}`)}
permit (principal is Via in Tool::"${tool}", action in [Action::"connect", Action::"adhoc"], resource == Database::"cards");
${head(`insert-${tool.replace('/', '-')}`)}
permit (principal is Via in Tool::"${tool}", action in Action::"insert", resource == Table::"cards/public/payments");`,
  )
  .join('\n')}
${head('leads-open')}
permit (principal is Person in Group::"payments-leads", action in Action::"open", resource == Server::"pay");
${head('platform')} @approvers("security:1")
permit (principal is Person in Group::"platform", action in Action::"update.approved", resource == Table::"cards/public/limits");
${head('platform-open')}
permit (principal is Person in Group::"platform", action in [Action::"connect", Action::"adhoc"], resource == Database::"cards");
${head('platform-read')}
permit (principal is Person in Group::"platform", action in Action::"select", resource == Table::"cards/public/limits");
`

/** A second name for the same database, which only this adds: a policy may name nothing that is not configured. */
const SECOND_POLICY = `${head('second-connect')}
permit (principal is Person in Group::"support", action in [Action::"connect", Action::"adhoc"], resource == Database::"second");
${head('second-read')}
permit (principal is Person in Group::"support", action in Action::"select", resource == Table::"second/public/limits");
${head('second-held')} @approvers("payments-leads:1")
permit (principal is Person in Group::"support", action in Action::"update.approved", resource == Table::"second/public/limits");
`

/** The limits that requests begin with here; nobody waits. */
const CLOCKS = 'approvals: { waitSeconds: 0 }'

/** Starts it, with everybody logged in. */
export async function startApprovalBoundary(): Promise<ApprovalBoundary> {
  const boundary = await startBoundary(
    testPlan({
      sql: [
        'create table limits (id int primary key, amount int, note text)',
        "insert into limits select n, 100, 'none' from generate_series(1, 9) as t (n)",
        'create table payments (given text)',
        ...['limits', 'payments'].map((table) => `alter table ${table} owner to ${SERVICE_USER}`),
      ],
      ...{ tables: ['public.limits', 'public.payments'], policy: POLICY, resources: SERVERS.map(ownResource).join('') },
      policyFiles: await ownPins(SERVERS),
      people: [
        { id: 'erin', name: 'Erin East', groups: ['platform', 'security'] },
        { id: 'frank', name: 'Frank Foster', groups: ['support'] },
      ],
      configuration: CLOCKS,
      portOffset: 2_000,
    }),
  )
  const approvals = new ApprovalBoundary(boundary)
  await approvals.addSecondDatabase()
  for (const person of PEOPLE) await login(boundary, person)
  return approvals
}

/** A table that is locked. */
interface TableLock {
  /** Until somebody waits for it. */
  untilWaitedFor(): Promise<void>
  release(): Promise<void>
}

/** It, and what a test does with it. */
export class ApprovalBoundary implements AsyncDisposable {
  readonly boundary: Boundary

  constructor(boundary: Boundary) {
    this.boundary = boundary
  }

  /** Stops the gateway, changes its configuration and its policy folder, and starts it. */
  async reconfigure(
    change: (yaml: string) => string,
    policyFiles: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    await this.boundary.gateway().stop()
    writeFileSync(this.boundary.config, change(readFileSync(this.boundary.config, 'utf8')))
    for (const [name, text] of Object.entries(policyFiles)) {
      writeFileSync(join(this.boundary.folder, 'policy', name), text)
    }
    await this.boundary.startGateway()
  }

  /** Changes the policy folder of the running gateway; what is in force then is on record. */
  async reload(policyFiles: Readonly<Record<string, string>>): Promise<void> {
    const { indexed } = await api<RecordList>(this.boundary, 'dana', '/records?limit=1')
    const isActive = async (): Promise<boolean> => {
      const path = `/records?phase=event&limit=1000&after=${indexed - 1}`
      const { records } = await api<RecordList>(this.boundary, 'dana', path)
      return records.some(({ leaf }) => JSON.stringify(leaf).includes('"activity":"activate"'))
    }
    for (const [name, text] of Object.entries(policyFiles)) {
      writeFileSync(join(this.boundary.folder, 'policy', name), text)
    }
    this.boundary.gateway().process.kill('SIGHUP')
    const deadline = performance.now() + 20_000
    while (!(await isActive())) {
      assert.ok(performance.now() < deadline, 'the policy is not loaded: gateway.log says why')
      await delay(20)
    }
  }

  async addSecondDatabase(): Promise<void> {
    const { port } = this.boundary.database
    const second = `  - name: second
    zone: cde
    tables: [public.limits]
    postgres: { host: 127.0.0.1, port: ${port}, database: cards, user: ${SERVICE_USER}, password: { from: vault:cards }, tls: { mode: off } }
masking:`
    await this.reconfigure((yaml) => yaml.replace(/^masking:/m, second), { 'second.cedar': SECOND_POLICY })
  }

  /** Changes how long an approval can be used, and an open request be answered. */
  async setClocks(seconds: string): Promise<void> {
    await this.reconfigure((yaml) => yaml.replace(/^approvals: .*$/m, `approvals: { waitSeconds: 0${seconds} }`))
  }

  /** Changes what the server `pay` says of its tools; with `pinned` what was reviewed too. */
  async setWords(words: string, pinned: boolean): Promise<void> {
    const servers = SERVERS.map((server) =>
      server.name === 'pay' ? { ...server, environment: { MORE_WORDS: words } } : server,
    )
    const pins = pinned ? await ownPins(servers) : {}
    await this.reconfigure(
      (yaml) => yaml.replace(/^ {6}environment: .*$/m, `      environment: ${JSON.stringify({ MORE_WORDS: words })}`),
      pins,
    )
  }

  /** What would be pinned if the server `pay` said more of its tools. */
  async pinsWith(words: string): Promise<Readonly<Record<string, string>>> {
    return await ownPins(SERVERS.map((server) => ({ ...server, environment: { MORE_WORDS: words } })))
  }

  client(token: string, resource: 'pay' | 'pay2' = 'pay'): McpHttp {
    return new McpHttp({ url: `${this.boundary.url}/mcp/${resource}`, token, era: 'modern' })
  }

  /** Answers a request through the API; the status of the reply and what it says. */
  async answer(
    ref: string,
    token: string,
    given: 'approve' | 'deny' = 'approve',
  ): Promise<{ readonly status: number; readonly text: string }> {
    const response = await fetch(`${this.boundary.url}/api/v1/requests/${ref}/${given}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ reason: 'a test' }),
    })
    return { status: response.status, text: await response.text() }
  }

  async approve(ref: string, by: PersonName = 'bob'): Promise<void> {
    const { status, text } = await this.answer(ref, apiToken(this.boundary, by))
    assert.equal(status, 200, text)
  }

  /** Requests that wait, newest first. */
  async openRequests(): Promise<readonly RequestFacts[]> {
    const { requests } = await api<RequestList>(this.boundary, 'bob', '/requests?status=open&limit=500')
    return requests
  }

  async statusOf(ref: string): Promise<RequestFacts['status']> {
    const { request } = await api<{ readonly request: RequestFacts }>(this.boundary, 'dana', `/requests/${ref}`)
    return request.status
  }

  /** Denies what waits, so that nobody has too many; answers their references. */
  async denyOpen(): Promise<readonly string[]> {
    const open = await this.openRequests()
    for (const { ref } of open) {
      const { status, text } = await this.answer(ref, apiToken(this.boundary, 'bob'), 'deny')
      assert.equal(status, 200, text)
    }
    return open.map(({ ref }) => ref)
  }

  /** Records about a request, oldest first. */
  async recordsOf(ref: string): Promise<RecordList['records']> {
    const { records } = await api<RecordList>(this.boundary, 'dana', `/records?approval=${ref}&limit=1000`)
    return records.toReversed()
  }

  /** Asks the database past the gateway. */
  async direct<Row extends pg.QueryResultRow>(sql: string): Promise<readonly Row[]> {
    const { host, port, user, password } = this.boundary.database
    const client = new pg.Client({ host, port, user, password, database: 'cards' })
    await client.connect()
    try {
      return (await client.query<Row>(sql)).rows
    } finally {
      await client.end()
    }
  }

  /** Locks a table, so that whatever writes it waits. */
  async lock(table: string): Promise<TableLock> {
    const { host, port, user, password } = this.boundary.database
    const client = new pg.Client({ host, port, user, password, database: 'cards' })
    await client.connect()
    await client.query(`begin; lock table ${table} in access exclusive mode`)
    return {
      untilWaitedFor: async () => {
        const waiting = 'select 1 from pg_locks where not granted'
        while ((await client.query(waiting)).rows.length === 0) await delay(20)
      },
      release: () => client.end(),
    }
  }

  /** How many payments were made, and whether any limit is not as it was. */
  async effects(): Promise<{ readonly payments: number; readonly changed: number }> {
    const [found] = await this.direct<{ payments: number; changed: number }>(
      "select (select count(*)::int from payments) as payments, (select count(*)::int from limits where amount <> 100 or note <> 'none') as changed",
    )
    return found ?? assert.fail()
  }

  async undo(): Promise<void> {
    await this.direct("delete from payments; update limits set amount = 100, note = 'none'")
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.boundary.stop(false)
  }
}
