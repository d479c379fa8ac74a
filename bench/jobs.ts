import { BULK_ROWS, SCALE } from './database.ts'

/** One kind of load. */
export interface Job {
  readonly name: string
  /** How pgbench sends the statement. */
  readonly protocol: 'simple' | 'prepared'
  /** pgbench's script: what one request is. */
  readonly script: string
  readonly clients: readonly number[]
  /** How many clients the profiled round has. */
  readonly profiledClients: number
  /** Where the job is about rows: how many one result has, and a result of as many bytes in a tenth of the rows. */
  readonly result?: { readonly rows: number; readonly tenthScript: string }
}

/** pgbench's select-only script. */
const SELECT_ONLY = `\\set aid random(1, ${SCALE} * 100000)
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
`

const bulk = (table: string): string => `SELECT reference, name, email, city, note FROM ${table};\n`

const jobs: readonly Job[] = [
  { name: 'pg-simple', protocol: 'simple', script: SELECT_ONLY, clients: [1, 8, 32], profiledClients: 8 },
  { name: 'pg-prepared', protocol: 'prepared', script: SELECT_ONLY, clients: [1, 8, 32], profiledClients: 8 },
  {
    name: 'pg-rows',
    protocol: 'simple',
    script: bulk('bench_rows'),
    clients: [1],
    profiledClients: 1,
    result: { rows: BULK_ROWS, tenthScript: bulk('bench_wide_rows') },
  },
]

/** Jobs that come with what they measure. */
const LATER = ['mcp-150']

/** A name that no job can be run for; the message says why. */
export class JobError extends Error {}

/** The jobs of these names, all of them without a name. @throws {JobError} for a name that is not known or not yet there. */
export function findJobs(names: readonly string[]): readonly Job[] {
  if (names.length === 0) return jobs
  return names.map((name) => {
    const found = jobs.find((job) => job.name === name)
    if (found !== undefined) return found
    if (LATER.includes(name)) throw new JobError(`${name}: not yet`)
    throw new JobError(`no job '${name}'; there are: ${jobs.map((job) => job.name).join(', ')}`)
  })
}
