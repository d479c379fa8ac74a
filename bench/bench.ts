import type { Arm, ArmName } from './arm.ts'
import type { BenchGround, Job, Prepared, Ways } from './family.ts'
import { type Measure, measure, medianOf, type Setting, warmUp } from './measure.ts'
import { profileStages } from './stages.ts'

/** What to run, how often and how long. */
export interface Plan {
  readonly arms: readonly ArmName[]
  readonly ground: BenchGround
  readonly rounds: number
  readonly setting: Setting
  readonly print: (line: object) => void
}

/** Measures jobs of one family on every way, then once more with a look into the gateway; prints a line for each. */
export async function runJobs<L>(plan: Plan, family: Prepared<L>, jobs: readonly Job<L>[]): Promise<void> {
  const { setting, ground, print } = plan
  await using stack = new AsyncDisposableStack()
  const ways = stack.adopt(await family.open(ground), (opened) => opened.stop())
  {
    await using middle = new AsyncDisposableStack()
    const arms: Arm<L>[] = []
    for (const name of plan.arms) {
      const arm = await ways.start[name]?.()
      if (arm !== undefined) arms.push(middle.adopt(arm, (started) => started.stop()))
    }
    for (const job of jobs) await compare(plan, { ways, job, arms })
  }
  if (!plan.arms.includes('sallyport')) return
  for (const job of jobs) {
    process.stderr.write(`${job.name}: looking into the gateway\n`)
    print(await profileStages({ setting, folder: ground.folder, ways, job }))
  }
}

interface Comparison<L> {
  readonly ways: Ways<L>
  readonly job: Job<L>
  readonly arms: readonly Arm<L>[]
}

async function compare<L>(plan: Plan, { ways, job, arms }: Comparison<L>): Promise<void> {
  const { setting, print } = plan
  process.stderr.write(`${job.name}: warming up\n`)
  for (const arm of arms) if (arm.pid !== undefined) await warmUp(setting, job, arm)
  for (const clients of job.clients) {
    const rounds = new Map<Arm<L>, Measure[]>(arms.map((arm) => [arm, []]))
    for (let round = 1; round <= plan.rounds; round++) {
      process.stderr.write(`${job.name}: ${clients} clients, round ${round} of ${plan.rounds}\n`)
      // They take turns, so that whatever else the machine does hits all of them.
      for (const [arm, measured] of rounds) measured.push(await measure(setting, job, arm, clients))
    }
    for (const [arm, measured] of rounds) {
      const cell = medianOf(measured)
      const bytes = ways.bytesOf(job)
      print({
        job: job.name,
        arm: arm.name,
        clients,
        ...figures(cell),
        ...(bytes === undefined ? {} : { mb_s: round((cell.rps * bytes) / 1e6, 1) }),
        ...(setting.rate === undefined ? {} : { rate: setting.rate }),
        policy: arm.policy(job.request),
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
