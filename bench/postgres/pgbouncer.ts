import { spawn } from 'node:child_process'
import { chownSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../demo/ports.ts'
import { reachable, stopper } from '../foreign.ts'
import type { Middle } from './arms.ts'
import type { Target } from './pgbench.ts'

/** `nobody`: pgbouncer refuses to run as root. */
const NOBODY = 65_534

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
export async function startPgbouncer(program: string, folder: string, target: Target): Promise<Middle> {
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
  const stop = stopper(child, 'SIGKILL')
  if (child.pid === undefined) throw new Error(`${program} could not be started`)
  await reachable(child, port)
  return { target: { ...target, port }, pid: child.pid, stop }
}
