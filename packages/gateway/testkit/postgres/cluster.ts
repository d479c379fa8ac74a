/** A server's data folder: initialised, filled and configured before the server runs on it. */
import { randomUUID } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTestTls } from '../certificate.ts'
import { runLinked } from './lifeline.ts'
import { serverUser } from './unprivileged.ts'

/** What is wanted of the cluster. */
export interface ClusterOptions {
  readonly user: string
  readonly password: string
  readonly database: string
  readonly tls: boolean
  readonly settings: Readonly<Record<string, string>>
  readonly sql?: string
}

/**
 * Makes the cluster in `data`, a folder that does not exist yet.
 *
 * @param native the folder of the programs
 * @returns PEM of the authority behind the server's certificate, with `tls`
 * @throws {Error} with what PostgreSQL said, when it refuses the SQL or anything else
 */
export async function createCluster(
  native: string,
  data: string,
  options: ClusterOptions,
): Promise<string | undefined> {
  await mkdir(data, { mode: 0o700 })
  await serverUser().own(data)
  await initialise(native, data, options)
  // CREATE DATABASE cannot run beside anything else, and what follows runs in the database itself.
  if (options.database !== 'postgres')
    await singleUser(native, data, 'postgres', `CREATE DATABASE "${options.database.replaceAll('"', '""')}"`)
  if (options.sql !== undefined) await singleUser(native, data, options.database, options.sql)
  return options.tls ? await writeTls(data) : undefined
}

async function initialise(native: string, data: string, { user, password }: ClusterOptions): Promise<void> {
  const passwordFile = `${data}-password-${randomUUID()}`
  await writeFile(passwordFile, password, { mode: 0o600 })
  await serverUser().own(passwordFile)
  try {
    await runLinked(
      join(native, 'bin/initdb'),
      [
        ...['-D', data, '-U', user, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'],
        ...['--encoding=UTF8', '--locale=C', '--no-sync', '--no-instructions'],
      ],
      data,
    )
  } finally {
    await rm(passwordFile)
  }
}

/** Runs SQL without a server; the first error ends it. Commands are separated by a semicolon and an empty line (`-j`). */
async function singleUser(native: string, data: string, database: string, sql: string): Promise<void> {
  const args = ['--single', '-j', '-D', data, '-c', 'exit_on_error=on', '-c', 'log_statement=none', database]
  await runLinked(join(native, 'bin/postgres'), args, data, `${sql}\n`)
}

async function writeTls(data: string): Promise<string> {
  const tls = createTestTls()
  for (const [file, text] of [
    ['server.crt', tls.cert],
    ['server.key', tls.key],
  ] as const) {
    await writeFile(join(data, file), text, { mode: 0o600 })
    await serverUser().own(join(data, file))
  }
  return tls.ca
}

/** Writes the settings; those of the options win over those here. */
export async function configure(data: string, port: number, options: ClusterOptions): Promise<void> {
  const all: Record<string, string> = {
    port: String(port),
    listen_addresses: "'127.0.0.1'",
    unix_socket_directories: "''",
    logging_collector: 'off',
    log_statement: "'all'",
    log_line_prefix: "'%p %a '",
    fsync: 'off',
    shared_buffers: "'16MB'",
    max_connections: '200',
    ...(options.tls ? { ssl: 'on', ssl_cert_file: "'server.crt'", ssl_key_file: "'server.key'" } : {}),
    ...options.settings,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}\n`)
  const file = join(data, 'postgresql.auto.conf')
  await writeFile(file, lines.join(''), { mode: 0o600 })
  await serverUser().own(file)
}
