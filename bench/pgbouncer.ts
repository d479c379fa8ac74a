import { type ChildProcess, spawn } from 'node:child_process'
import { chownSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../demo/ports.ts'
import type { Arm, Target } from './arm.ts'

/** `nobody`: pgbouncer refuses to run as root. */
const NOBODY = 65_534
const READY_TIMEOUT_MS = 10_000

/** Session pooling, one server connection per client as ours are; everything else as the package sets it. */
function settings(port: number, target: Target, users: string): string {
  return `[databases]
${target.database} = host=${target.host} port=${target.port} dbname=${target.database}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${users}
pool_mode = session
default_pool_size = 100
max_client_conn = 200
log_connections = 0
log_disconnections = 0
`
}

/** Starts pgbouncer in front of the database. */
export async function startPgbouncer(program: string, folder: string, target: Target): Promise<Arm> {
  const port = await freePort(6432)
  const users = join(folder, 'pgbouncer-users')
  const file = join(folder, 'pgbouncer.ini')
  writeFileSync(users, `"${target.user}" "${target.password}"\n`, { mode: 0o600 })
  writeFileSync(file, settings(port, target, users), { mode: 0o600 })
  const isRoot = process.getuid?.() === 0
  if (isRoot) for (const path of [users, file]) chownSync(path, NOBODY, NOBODY)
  const child = spawn(program, ['-q', file], {
    stdio: ['ignore', 'ignore', 'inherit'],
    ...(isRoot ? { uid: NOBODY, gid: NOBODY } : {}),
  })
  const stop = stopper(child)
  if (child.pid === undefined) throw new Error(`${program} could not be started`)
  await reachable(child, port)
  return { name: 'pgbouncer', target: { ...target, port }, pid: child.pid, policy: 'none', stop }
}

async function reachable(child: ChildProcess, port: number): Promise<void> {
  const until = performance.now() + READY_TIMEOUT_MS
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`pgbouncer ended with ${child.exitCode}`)
    if (performance.now() > until) throw new Error('pgbouncer was not ready in time')
    await delay(50)
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => {
      resolve(false)
    })
  })
}

/** Ends it; also when this process ends first. */
function stopper(child: ChildProcess): () => Promise<void> {
  const kill = (): void => {
    child.kill('SIGKILL')
  }
  process.once('exit', kill)
  return async () => {
    process.off('exit', kill)
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    kill()
    await ended
  }
}
