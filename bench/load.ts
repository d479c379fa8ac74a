import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Target } from './arm.ts'

/** What pgbench is to do. */
export interface Load {
  readonly pgbench: string
  readonly folder: string
  readonly target: Target
  readonly protocol: 'simple' | 'prepared'
  readonly script: string
  readonly clients: number
  readonly seconds: number
  /** Requests per second of all clients together; as many as it takes without. */
  readonly rate?: number | undefined
  /** Told once the clients are connected and have worked for a second. */
  readonly onWarm?: () => void
}

/** Every request of a run: when it was answered (ms of the epoch) and how long it took (µs), in no order. */
export interface Requests {
  readonly endMs: Float64Array
  readonly latencyUs: Float64Array
}

/** More than this behind its time, and pgbench hangs. */
const GRACE_MS = 30_000

/** Runs pgbench and reads its log of single requests. @throws {Error} with what it said, when a request failed. */
export async function runLoad(load: Load): Promise<Requests> {
  const folder = mkdtempSync(join(load.folder, 'load-'))
  try {
    const script = join(folder, 'script.sql')
    writeFileSync(script, load.script)
    await pgbench(load, [
      ...['-n', '-f', script, '-M', load.protocol],
      ...['-c', String(load.clients), '-j', String(Math.min(2, load.clients)), '-T', String(load.seconds)],
      ...['-l', `--log-prefix=${join(folder, 'log')}`, '-P', '1'],
      ...(load.rate === undefined ? [] : ['-R', String(load.rate)]),
      ...['-h', load.target.host, '-p', String(load.target.port), '-U', load.target.user, load.target.database],
    ])
    const logs = readdirSync(folder).filter((name) => name.startsWith('log.'))
    return parseLogs(logs.map((name) => readFileSync(join(folder, name), 'latin1')))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function pgbench(load: Load, args: readonly string[]): Promise<void> {
  const child = spawn(load.pgbench, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: load.seconds * 1000 + GRACE_MS,
    env: { LC_ALL: 'C', PGPASSWORD: load.target.password, PGSSLMODE: 'disable', PGGSSENCMODE: 'disable' },
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
