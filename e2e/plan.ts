import { SERVICE_USER } from '../demo/data.ts'
import type { BoundaryPlan } from '../demo/plan.ts'

/** What a test adds to a plain boundary. */
export interface TestPlan {
  /** SQL besides the service role; `SERVICE_USER` is to own what it makes. */
  readonly sql: readonly string[]
  readonly tables: readonly string[]
  readonly panColumns?: readonly string[]
  readonly policy?: string
  readonly configuration?: string
  readonly resources?: string
  readonly policyFiles?: Readonly<Record<string, string>>
  readonly databaseSettings?: Readonly<Record<string, string>>
  readonly people?: BoundaryPlan['people']
  /** Added to all ports: for a test that starts its gateway again, so that no other's takes them in between. */
  readonly portOffset?: number
}

/** A plan on ports away from the demo's. */
export function testPlan(plan: TestPlan): BoundaryPlan {
  const { portOffset = 0 } = plan
  return {
    ports: { http: 18_080 + portOffset, postgres: 15_432 + portOffset, idp: 18_180 + portOffset },
    sql: (password) =>
      [
        `create role ${SERVICE_USER} login password '${password}'`,
        // The demo's policies name the demo's tables.
        ...['customers', 'orders', 'job_runs']
          .filter((name) => !plan.sql.join(' ').includes(` ${name} `))
          .map((name) => `create table ${name} (id int)`),
        ...plan.sql,
      ].join('; '),
    tables: [...new Set(['public.customers', 'public.orders', 'public.job_runs', ...plan.tables])],
    panColumns: plan.panColumns ?? [],
    words: 'a test',
    ...(plan.policy === undefined ? {} : { policy: plan.policy }),
    ...(plan.resources === undefined ? {} : { resources: plan.resources }),
    ...(plan.policyFiles === undefined ? {} : { policyFiles: plan.policyFiles }),
    ...(plan.configuration === undefined ? {} : { configuration: plan.configuration }),
    ...(plan.people === undefined ? {} : { people: plan.people }),
    ...(plan.databaseSettings === undefined ? {} : { databaseSettings: plan.databaseSettings }),
  }
}

/** A policy that lets ci-bot do these effects on these tables. */
export function jobPolicy(grants: Readonly<Record<string, readonly string[]>>): string {
  return Object.entries(grants)
    .map(([table, effects]) => {
      const actions = effects.map((effect) => `Action::"${effect}"`).join(', ')
      const id = `e2e-${table.replaceAll('.', '-')}`
      return `@id("${id}") @need("a test") @owner("tests") @reviewed("a test")
permit (principal == Workload::"ci-bot", action in [${actions}], resource == Table::"cards/${table.replace('.', '/')}");`
    })
    .join('\n')
}
