import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Load, Requests } from '../arm.ts'

/** Where a client connects, and as whom. */
export interface Target {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
}

/** One request: a script of pgbench, and how the statements in it are sent. */
export interface Script {
  readonly protocol: 'simple' | 'prepared'
  readonly text: string
}

/** The load generator, and a folder for its logs. */
export interface Pgbench {
  readonly program: string
  readonly folder: string
}

/** More than this behind its time, and pgbench hangs. */
const GRACE_MS = 30_000

/** Runs pgbench and reads its log of single requests. @throws {Error} with what it said, when a request failed. */
export async function runPgbench(pgbench: Pgbench, target: Target, load: Load<Script>): Promise<Requests> {
  const folder = mkdtempSync(join(pgbench.folder, 'load-'))
  try {
    const script = join(folder, 'script.sql')
    writeFileSync(script, load.request.text)
    await run(pgbench.program, { target, load }, [
      ...['-n', '-f', script, '-M', load.request.protocol],
      ...['-c', String(load.clients), '-j', String(Math.min(2, load.clients)), '-T', String(load.seconds)],
      ...['-l', `--log-prefix=${join(folder, 'log')}`, '-P', '1'],
      ...(load.rate === undefined ? [] : ['-R', String(load.rate)]),
      ...['-h', target.host, '-p', String(target.port), '-U', target.user, target.database],
    ])
    const logs = readdirSync(folder).filter((name) => name.startsWith('log.'))
    return parseLogs(logs.map((name) => readFileSync(join(folder, name), 'latin1')))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

interface Run {
  readonly target: Target
  readonly load: Load<Script>
}

async function run(program: string, { target, load }: Run, args: readonly string[]): Promise<void> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: load.seconds * 1000 + GRACE_MS,
    env: { LC_ALL: 'C', PGPASSWORD: target.password, PGSSLMODE: 'disable', PGGSSENCMODE: 'disable' },
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (!said.includes('progress: ') && text.includes('progress: ')) load.onWarm?.()
    said = (said + text).slice(-4000)
  })
  const status = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
  if (status !== 0) throw new Error(`pgbench failed (${String(status)}): ${said.trim()}`)
}

/** pgbench, "Per-Transaction Logging": "client_id transaction_no time script_no time_epoch time_us [ schedule_lag ]". */
function parseLogs(logs: readonly string[]): Requests {
  const lines = logs.flatMap((log) => log.trimEnd().split('\n'))
  const endMs = new Float64Array(lines.length)
  const latencyUs = new Float64Array(lines.length)
  for (const [index, line] of lines.entries()) {
    const fields = line.split(' ')
    if (fields.length < 6) throw new Error(`not a line of pgbench's log: ${line}`)
    latencyUs[index] = Number(fields[2])
    endMs[index] = Number(fields[4]) * 1000 + Number(fields[5]) / 1000
  }
  return { endMs, latencyUs }
}
