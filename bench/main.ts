/**
 * `npm run bench [JOB…] [-- --json FILE]`: what Sallyport costs beside a direct connection, what others put in the middle, and our own relay
 * without inspection.
 * One JSON line a cell on standard output; README.md says how to read them.
 */
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { armNames } from './arm.ts'
import { type Plan, runJobs } from './bench.ts'
import { startIssuer } from './issuer.ts'
import { JobError, pickJobs } from './jobs.ts'

const USAGE = 'npm run bench [JOB…] [-- --json FILE] [--rounds N] [--seconds N] [--rate N] [--quick] [--arm NAME]…'

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'string' },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '3' },
      rate: { type: 'string' },
      arm: { type: 'string', multiple: true, default: [...armNames] },
      quick: { type: 'boolean', default: false },
    },
  })
  const families: ((plan: Plan) => Promise<void>)[] = []
  pickJobs(positionals, (family, jobs) => {
    const prepared = family.prepare()
    families.push((plan) => runJobs(plan, prepared, jobs))
  })
  const arms = armNames.filter((name) => values.arm.includes(name))
  const { json } = values
  if (json !== undefined) writeFileSync(json, '')
  const print = (line: object): void => {
    const text = `${JSON.stringify(line)}\n`
    process.stdout.write(text)
    if (json !== undefined) appendFileSync(json, text)
  }
  const { rounds, seconds } = values.quick
    ? { rounds: 1, seconds: 3 }
    : { rounds: positive(values.rounds), seconds: positive(values.seconds) }
  const rate = values.rate === undefined ? undefined : positive(values.rate)
  const folder = await makeFolder()
  const issuer = await startIssuer()
  try {
    for (const run of families)
      await run({ arms, ground: { folder, issuer }, rounds, setting: { seconds, rate }, print })
  } finally {
    await issuer.stop()
  }
}

/** A folder for the run; it goes when the run ends, however it ends, unless something failed. */
async function makeFolder(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-'))
  // pgbouncer runs as another user and reads its settings here; the files themselves are their owners' only.
  await chmod(folder, 0o711)
  process.once('exit', (status) => {
    if (status === 1) process.stderr.write(`bench: the logs are in ${folder}\n`)
    else rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

function positive(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new JobError(`not a positive number: ${text}; ${USAGE}`)
  return value
}

// Ctrl-C ends the processes in the middle too: each watches for the end of this one.
process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))

try {
  await main()
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = error instanceof JobError || isUsage(error) ? 2 : 1
}

function isUsage(error: unknown): boolean {
  return error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
}
