import { type Arm, type ArmName, NOTHING_ON } from '../arm.ts'
import type { BenchGround, Ways } from '../family.ts'
import { type Gateway, startGateway } from '../gateway.ts'
import { WORKLOAD } from '../policy.ts'
import type { ProbeStart } from '../probed.ts'
import { BULK, type BenchDatabase, startDatabase } from './database.ts'
import { type Pgbench, runPgbench, type Script, type Target } from './pgbench.ts'
import { startPgbouncer } from './pgbouncer.ts'
import { startRelay } from './relay-arm.ts'

/** Something between pgbench and the database. */
export interface Middle {
  readonly target: Target
  /** The process whose time is counted; undefined when there is none. */
  readonly pid: number | undefined
  readonly stop: () => Promise<void>
}

/** Programs of the system that the jobs with PostgreSQL need. */
export interface PostgresPrograms {
  readonly pgbench: string
  readonly pgbouncer: string
}

/** Starts the database, and says how each way to it is started. */
export async function openWays(programs: PostgresPrograms, ground: BenchGround): Promise<Ways<Script>> {
  const { folder } = ground
  const database = await startDatabase()
  const { target } = database
  const pgbench = { program: programs.pgbench, folder }
  const plain = async (name: ArmName, starting: Promise<Middle>): Promise<Arm<Script>> =>
    armOf(name, { ...(await starting), pgbench, policy: NOTHING_ON })
  return {
    start: {
      direct: () => plain('direct', Promise.resolve({ target, pid: undefined, stop: () => Promise.resolve() })),
      pgbouncer: () => plain('pgbouncer', startPgbouncer(programs.pgbouncer, folder, target)),
      relay: () => plain('relay', startRelay(folder, target)),
      sallyport: () => sallyport(pgbench, ground, database),
    },
    probed: (probe) => sallyport(pgbench, ground, database, probe),
    bytesOf: ({ request }) => (request.text === BULK ? database.bulkBytes : undefined),
    stop: () => database.stop(),
  }
}

async function sallyport(
  pgbench: Pgbench,
  ground: BenchGround,
  database: BenchDatabase,
  probe?: ProbeStart,
): Promise<Arm<Script>> {
  const gateway = await startGateway({ ...ground, database: database.target }, probe)
  const { pid, postgresPort, stop } = gateway
  const password = ground.issuer.token(WORKLOAD, gateway.url)
  const target = { host: '127.0.0.1', port: postgresPort, user: WORKLOAD, password, database: 'cards' }
  return armOf('sallyport', { target, pid, stop, pgbench, policy: () => whatIsOn(gateway) })
}

function whatIsOn({ policies }: Gateway): string {
  return `cedar ${policies} policies, cached decisions, record and payload, trail synced, masking on with 1 declared column, index on`
}

interface ArmParts extends Middle {
  readonly pgbench: Pgbench
  readonly policy: () => string
}

function armOf(name: ArmName, { target, pid, stop, pgbench, policy }: ArmParts): Arm<Script> {
  return { name, pid, policy, stop, run: (load) => runPgbench(pgbench, target, load) }
}
