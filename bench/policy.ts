import { cpSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Policies that do not match, as the real ones of other teams do not. */
const FILLERS = 50
/** Groups that the fillers are about. */
export const FILLER_GROUPS: readonly string[] = Array.from({ length: 10 }, (_, index) => `team-${index}`)
/** The workload whose token the load on PostgreSQL uses: the demo's, which has permits of its own. */
export const WORKLOAD = 'ci-bot'
/** Callers of tools: one identity for each client, since each has a server process of its own. */
export const AGENTS = 32
export const AGENTS_GROUP = 'bench-agents'
export const agentName = (index: number): string => `bench-${index}`
/** Tables of the benchmark besides the demo's. */
export const TABLES = ['public.pgbench_accounts', 'public.bench_rows', 'public.bench_wide_rows'] as const

/** Writes the demo's policies, those for the loads, and fillers into a folder; answers how many there are. */
export function writePolicies(folder: string): number {
  cpSync(join(import.meta.dirname, '../demo/boundary/policy'), folder, { recursive: true })
  writeFileSync(
    join(folder, 'bench.cedar'),
    [tablePermits(), TOOL_PERMITS, ...Array.from({ length: FILLERS }, filler)].join('\n'),
  )
  const texts = globSync(join(folder, '*.cedar')).map((file) => readFileSync(file, 'utf8'))
  return texts.join('\n').match(/^(permit|forbid) \(/gm)?.length ?? 0
}

function tablePermits(): string {
  const resources = TABLES.map((table) => `Table::"cards/${table.replace('.', '/')}"`)
  return resources
    .map(
      (resource, index) => `@id("bench-${index}")
@need("measure what the boundary costs")
@owner("platform")
@reviewed("2026-11: made-up data")
permit (
  principal == Workload::"${WORKLOAD}",
  action in Action::"select",
  resource == ${resource}
);
`,
    )
    .join('\n')
}

/** `echo` is permitted whatever its arguments are, so the decision is kept; `pay` by its arguments, so it is decided for each call. */
const TOOL_PERMITS = `@id("bench-open")
@need("measure what the boundary costs")
@owner("platform")
permit (
  principal is Workload in Group::"${AGENTS_GROUP}",
  action in [Action::"open", Action::"listTool"],
  resource in Server::"echo"
);

@id("bench-echo")
@need("measure what the boundary costs")
@owner("platform")
permit (
  principal is Workload in Group::"${AGENTS_GROUP}",
  action in Action::"echo/echo",
  resource == Tool::"echo/echo"
);

@id("bench-pay")
@need("measure what the boundary costs")
@owner("platform")
permit (
  principal is Workload in Group::"${AGENTS_GROUP}",
  action in Action::"echo/pay",
  resource == Tool::"echo/pay"
)
when { context.args.amount > 0 && context.args.amount <= 100 && context.args.currency == "EUR" };
`

function filler(_: unknown, index: number): string {
  const table = ['customers', 'orders', 'job_runs', 'pgbench_accounts', 'bench_rows'][index % 5] ?? 'orders'
  return `@id("filler-${index}")
@need("work of another team, number ${index}")
@owner("team ${index % 10}")
@reviewed("2026-11: card numbers are truncated before they leave")
permit (
  principal is Person in Group::"team-${index % 10}",
  action in Action::"select",
  resource == Table::"cards/public/${table}"
);
`
}
