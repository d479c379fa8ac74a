import { cpSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Policies that do not match, as the real ones of other teams do not. */
const FILLERS = 50
/** Groups that the fillers are about. */
export const FILLER_GROUPS: readonly string[] = Array.from({ length: 10 }, (_, index) => `team-${index}`)
/** The workload whose token the load uses: the demo's, which has permits of its own. */
export const WORKLOAD = 'ci-bot'
/** Tables of the benchmark besides the demo's. */
export const TABLES = ['public.pgbench_accounts', 'public.bench_rows', 'public.bench_wide_rows'] as const

/** Writes the demo's policies, one for the load, and fillers into a folder; answers how many there are. */
export function writePolicies(folder: string): number {
  cpSync(join(import.meta.dirname, '../demo/boundary/policy'), folder, { recursive: true })
  writeFileSync(join(folder, 'bench.cedar'), [loadPermit(), ...Array.from({ length: FILLERS }, filler)].join('\n'))
  const texts = globSync(join(folder, '*.cedar')).map((file) => readFileSync(file, 'utf8'))
  return texts.join('\n').match(/^(permit|forbid) \(/gm)?.length ?? 0
}

function loadPermit(): string {
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
