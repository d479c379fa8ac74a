import type { Family, Job } from '../family.ts'
import { findProgram, findPgbench, missing } from '../programs.ts'
import { openWays } from './arms.ts'
import { BULK, BULK_ROWS, BULK_TENTH, SCALE } from './database.ts'
import type { Script } from './pgbench.ts'

/** pgbench's select-only script. */
const SELECT_ONLY = `\\set aid random(1, ${SCALE} * 100000)
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
`

const jobs: readonly Job<Script>[] = [
  {
    name: 'pg-simple',
    request: { protocol: 'simple', text: SELECT_ONLY },
    clients: [1, 8, 32],
    profiledClients: 8,
  },
  {
    name: 'pg-prepared',
    request: { protocol: 'prepared', text: SELECT_ONLY },
    clients: [1, 8, 32],
    profiledClients: 8,
  },
  {
    name: 'pg-rows',
    request: { protocol: 'simple', text: BULK },
    clients: [1],
    profiledClients: 1,
    result: { rows: BULK_ROWS, tenth: { protocol: 'simple', text: BULK_TENTH } },
  },
]

/** How to get them on Debian, where Debian's are the ones that published figures are about. */
const INSTALL = 'apt-get install postgresql pgbouncer'

/** The jobs with PostgreSQL. */
export const postgresFamily: Family<Script> = {
  jobs,
  prepare: () => {
    const [pgbench, pgbouncer] = [findPgbench(), findProgram('pgbouncer')]
    if (pgbench === undefined || pgbouncer === undefined) throw missing({ pgbench, pgbouncer }, INSTALL)
    return { open: (ground) => openWays({ pgbench, pgbouncer }, ground) }
  },
}
