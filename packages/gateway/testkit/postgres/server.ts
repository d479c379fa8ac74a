import type { ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { preparedBinaries } from './binaries.ts'
import { type ClusterOptions, configure, createCluster } from './cluster.ts'
import { ended, spawnLinked } from './lifeline.ts'
import { runFolder } from './places.ts'

/** What a server is to be. */
export interface PostgresOptions {
  readonly user?: string
  readonly password?: string
  /** Created besides `postgres`, when it is another. */
  readonly database?: string
  /** Whether it offers TLS; its authority is in the answer's `ca`. */
  readonly tls?: boolean
  /** Further lines of postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>
  /** SQL to run before the server is up, in `database`, as `user`. */
  readonly sql?: string
}

/** A running server. */
export interface TestPostgres {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
  /** The data folder. */
  readonly dir: string
  /** The server's log: every statement that reached it, written by the server before it answers. */
  readonly logFile: string
  /** PEM of the authority behind its certificate, with `tls`. */
  readonly ca?: string
  /** What the log holds by now. */
  log(): Promise<string>
  /** Stops it and removes its folder. */
  stop(): Promise<void>
}

/**
 * Starts a PostgreSQL on 127.0.0.1 at a free port. Takes about a second; the first time some more for the copy of its programs.
 *
 * @throws {Error} with what PostgreSQL said, when it does not start
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<TestPostgres> {
  const { user = 'sallyport', password = 'a password of the service', database = 'cards' } = options
  const native = await preparedBinaries()
  const folder = await runFolder()
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true, maxRetries: 5 })
  try {
    const data = join(folder, 'data')
    const wanted = { ...options, user, password, database, tls: options.tls ?? false, settings: options.settings ?? {} }
    const ca = await createCluster(native, data, wanted)
    const logFile = join(folder, 'log')
    const { port, server } = await runOnFreePort(native, data, logFile, wanted)
    const log = (): Promise<string> => readFile(logFile, 'utf8')
    const stop = async (): Promise<void> => {
      await stopServer(server)
      await remove()
    }
    const facts = { host: '127.0.0.1', port, user, password, database, dir: data, logFile, log, stop }
    return ca === undefined ? facts : { ...facts, ca }
  } catch (error) {
    await remove()
    throw error
  }
}

/** How often another port is tried when somebody was faster. */
const PORT_TRIES = 5

interface RunningServer {
  readonly port: number
  readonly server: ChildProcess
}

async function runOnFreePort(
  native: string,
  data: string,
  logFile: string,
  options: ClusterOptions,
): Promise<RunningServer> {
  for (let tries = 1; ; tries++) {
    const port = await freePort()
    await configure(data, port, options)
    const log = openSync(logFile, 'w', 0o600)
    const server = spawnLinked(join(native, 'bin/postgres'), ['-D', data], { cwd: data, stdio: ['ignore', log, log] })
    closeSync(log)
    try {
      await untilReady(server, logFile)
      return { port, server }
    } catch (error) {
      await stopServer(server)
      const isTaken = (await readFile(logFile, 'utf8')).includes('Address already in use')
      if (!isTaken || tries === PORT_TRIES) throw error
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

const READY_TIMEOUT_MS = 30_000
const READY_POLL_MS = 10

/** Resolves when the server says in its log that it is ready. */
async function untilReady(server: ChildProcess, logFile: string): Promise<void> {
  let isGone = false
  const gone = ended(server).finally(() => {
    isGone = true
  })
  // Looked at below, by way of the flag, and awaited once it is set.
  gone.catch(() => {})
  const deadline = performance.now() + READY_TIMEOUT_MS
  for (;;) {
    const said = await readFile(logFile, 'utf8')
    if (said.includes('database system is ready to accept connections')) return
    if (isGone) {
      await gone
      throw new Error(`PostgreSQL ended with ${String(server.exitCode ?? server.signalCode)}: ${said.trim()}`)
    }
    if (performance.now() > deadline) throw new Error(`PostgreSQL was not ready in time: ${said.trim()}`)
    await delay(READY_POLL_MS)
  }
}

/** An immediate shutdown takes some ten milliseconds; what takes this long is stuck. */
const STOP_TIMEOUT_MS = 10_000

/** Stops it without a checkpoint: the data is not wanted any more. */
async function stopServer(server: ChildProcess): Promise<void> {
  if (server.pid === undefined || server.exitCode !== null || server.signalCode !== null) return
  const gone = ended(server)
  server.kill('SIGQUIT')
  const timer = setTimeout(() => server.kill('SIGKILL'), STOP_TIMEOUT_MS)
  try {
    await gone
  } finally {
    clearTimeout(timer)
  }
}
