import { type Arm, type ArmName, directArm } from './arm.ts'
import { startDatabase } from './database.ts'
import { type GatewayGround, startGatewayArm } from './gateway.ts'
import { startIssuer } from './issuer.ts'
import type { Job } from './jobs.ts'
import { type Measure, measure, medianOf, type Setting, warmUp } from './measure.ts'
import { startPgbouncer } from './pgbouncer.ts'
import type { Programs } from './programs.ts'
import { startRelay } from './relay-arm.ts'
import { profileStages } from './stages.ts'

/** What to run, how often and how long. */
export interface Plan {
  readonly jobs: readonly Job[]
  readonly arms: readonly ArmName[]
  readonly programs: Programs
  /** Empty, removed afterwards by the caller. */
  readonly folder: string
  readonly rounds: number
  /** Of each measurement. */
  readonly seconds: number
  /** Requests per second that every arm gets, instead of as many as it takes. */
  readonly rate: number | undefined
}

/** Measures every job on every way, then once more with a look into the gateway; a line for each goes to `print`. */
export async function runJobs(plan: Plan, print: (line: object) => void): Promise<void> {
  const { folder, programs } = plan
  await using stack = new AsyncDisposableStack()
  const database = stack.adopt(await startDatabase(), (started) => started.stop())
  const issuer = stack.adopt(await startIssuer(), (started) => started.stop())
  const ground: GatewayGround = { folder, database: database.target, issuer }
  const setting: Setting = { pgbench: programs.pgbench, folder, seconds: plan.seconds, rate: plan.rate }
  {
    await using middle = new AsyncDisposableStack()
    const start: Readonly<Record<ArmName, () => Promise<Arm>>> = {
      direct: () => Promise.resolve(directArm(database.target)),
      pgbouncer: () => startPgbouncer(programs.pgbouncer, folder, database.target),
      relay: () => startRelay(folder, database.target),
      sallyport: () => startGatewayArm(ground),
    }
    const arms: Arm[] = []
    for (const name of plan.arms) arms.push(middle.adopt(await start[name](), (arm) => arm.stop()))
    for (const job of plan.jobs) await compare(plan, { setting, job, arms, bulkBytes: database.bulkBytes }, print)
  }
  if (!plan.arms.includes('sallyport')) return
  for (const job of plan.jobs) {
    process.stderr.write(`${job.name}: looking into the gateway\n`)
    print(await profileStages(setting, ground, job))
  }
}

interface Comparison {
  readonly setting: Setting
  readonly bulkBytes: number
  readonly job: Job
  readonly arms: readonly Arm[]
}

async function compare(plan: Plan, comparison: Comparison, print: (line: object) => void): Promise<void> {
  const { setting, job, arms, bulkBytes } = comparison
  process.stderr.write(`${job.name}: warming up\n`)
  for (const arm of arms) if (arm.pid !== undefined) await warmUp(setting, job, arm)
  for (const clients of job.clients) {
    const rounds = new Map<Arm, Measure[]>(arms.map((arm) => [arm, []]))
    for (let round = 1; round <= plan.rounds; round++) {
      process.stderr.write(`${job.name}: ${clients} clients, round ${round} of ${plan.rounds}\n`)
      // They take turns, so that whatever else the machine does hits all of them.
      for (const [arm, measured] of rounds) measured.push(await measure(setting, job, arm, clients))
    }
    for (const [arm, measured] of rounds) {
      const cell = medianOf(measured)
      const rows = job.result === undefined ? {} : { mb_s: round((cell.rps * bulkBytes) / 1e6, 1) }
      print({
        job: job.name,
        arm: arm.name,
        clients,
        ...figures(cell),
        ...rows,
        ...(plan.rate === undefined ? {} : { rate: plan.rate }),
        policy: arm.policy,
      })
    }
  }
}

function figures({ rps, p50Ms, p99Ms, cpuUs }: Measure): object {
  return {
    rps: round(rps, 1),
    p50_ms: round(p50Ms, 3),
    p99_ms: round(p99Ms, 3),
    cpu_us: cpuUs === undefined ? null : round(cpuUs, 1),
  }
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
