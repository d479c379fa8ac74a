/**
 * The clients that people have: psql 15 from Debian 12, on the PATH, and psql 18 from Debian forky, in a folder of its own, since suites must not
 * be mixed in one system. The second runs on its own libraries under the machine's own file system, so both read the same files.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { holdingLock } from '../packages/gateway/testkit/postgres/lock.ts'
import { cacheFolder } from '../packages/gateway/testkit/postgres/places.ts'

/** How psql ended and what it said. */
interface PsqlResult {
  /** 0; 1 for an error of its own; 2 for a lost connection; 3 for an error in a script with ON_ERROR_STOP; 128 + the signal that ended it. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** What psql gets besides its arguments. */
interface PsqlOptions {
  /** libpq's variables; nothing else of ours reaches psql. */
  readonly env?: Readonly<Record<string, string>>
  /** Its standard input: SQL and backslash commands. */
  readonly input?: string
  /** Gets the process once it is started: to send it a signal. */
  readonly started?: (child: ChildProcess) => void
}

/** An unmodified psql. */
export interface PsqlClient {
  /** As it says itself: `15.13`. */
  readonly version: string
  /** Runs it to its end, without the person's psqlrc; a minute at most. */
  run(args: readonly string[], options?: PsqlOptions): Promise<PsqlResult>
}

/** How to start one. */
type CommandLine = readonly [program: string, ...args: string[]]

let clients: Promise<readonly PsqlClient[]> | undefined

/**
 * psql 15 and psql 18, in this order. The first call on a machine puts psql 18 there, which needs root and takes half a minute.
 *
 * @throws {Error} with how to get what is missing
 */
export function psqlClients(): Promise<readonly PsqlClient[]> {
  clients ??= findClients()
  return clients
}

async function findClients(): Promise<readonly PsqlClient[]> {
  return [
    client(['psql'], '15', 'psql 15 is not on the PATH; on Debian 12: apt-get install postgresql-client'),
    client(await psql18(), '18', 'psql 18 does not start'),
  ]
}

function client(commandLine: CommandLine, major: string, otherwise: string): PsqlClient {
  const [program, ...first] = commandLine
  const probe = spawnSync(program, [...first, '--version'], { encoding: 'utf8' })
  const version = /\(PostgreSQL\) (\d+\.\d+)/.exec(probe.stdout)?.[1]
  if (version === undefined || !version.startsWith(`${major}.`))
    throw new Error(`${otherwise} (found: ${probe.error?.message ?? `${probe.stdout}${probe.stderr}`.trim()})`)
  return { version, run: (args, options = {}) => run([program, ...first, '--no-psqlrc', ...args], options) }
}

const TIMEOUT_MS = 60_000

async function run([program = '', ...args]: readonly string[], options: PsqlOptions): Promise<PsqlResult> {
  const child = spawn(program, args, {
    env: {
      PATH: process.env['PATH'],
      HOME: '/nonexistent',
      LC_ALL: 'C.UTF-8',
      PGCONNECT_TIMEOUT: '20',
      ...options.env,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  })
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
  options.started?.(child)
  // One that could not connect reads nothing.
  child.stdin.on('error', () => {})
  child.stdin.end(options.input ?? '')
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  if (signal === 'SIGKILL') throw new Error(`psql did not end within ${TIMEOUT_MS / 1000} s: ${args.join(' ')}`)
  return {
    code: code ?? 128,
    stdout: Buffer.concat(stdout).toString('utf8'),
    stderr: Buffer.concat(stderr).toString('utf8'),
  }
}

/** The command line of psql 18: Debian's own loader with Debian's own libraries. */
async function psql18(): Promise<CommandLine> {
  const cache = cacheFolder()
  const folder = join(cache, 'psql-18')
  // Written last, so a killed installation is made again.
  const stamp = join(folder, '.made-for-sallyport')
  if (!existsSync(stamp))
    await holdingLock(join(cache, 'psql-18.lock'), async () => {
      if (existsSync(stamp)) return
      rmSync(folder, { recursive: true, force: true })
      await debootstrap(folder)
      writeFileSync(stamp, '')
    })
  const [loader] = globSync('usr/lib/*-linux-gnu/ld-linux-*.so.*', { cwd: folder })
  if (loader === undefined) throw new Error(`there is no loader in ${folder}; remove it and try again`)
  return [
    join(folder, loader),
    '--library-path',
    join(folder, dirname(loader)),
    join(folder, 'usr/lib/postgresql/18/bin/psql'),
  ]
}

/** Longer than a slow mirror needs. */
const DEBOOTSTRAP_TIMEOUT_MS = 600_000

async function debootstrap(folder: string): Promise<void> {
  const needs = 'psql 18 is installed by debootstrap, as root: apt-get install debootstrap, and run this as root once'
  if (process.getuid?.() !== 0) throw new Error(needs)
  // The mirror that this machine uses for its own packages; an empty one is Debian's.
  const { stdout } = spawnSync('apt-get', ['indextargets', '--format', '$(SITE)', 'Created-By: Packages'], {
    encoding: 'utf8',
  })
  const mirror = stdout?.split('\n').find((site) => site.endsWith('/debian')) ?? ''
  // Debian 12's debootstrap knows no suite later than its own but sid, and all have the same script.
  const script = '/usr/share/debootstrap/scripts/sid'
  const args = ['--variant=minbase', '--include=postgresql-client-18,libpq-oauth', 'forky', folder, mirror, script]
  const child = spawn('debootstrap', args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: DEBOOTSTRAP_TIMEOUT_MS })
  let said = ''
  const collect = (chunk: Buffer): void => {
    said = `${said}${chunk.toString()}`.slice(-4000)
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const code = await new Promise((resolve) => {
    child.once('close', resolve)
    child.once('error', () => {
      resolve('not found')
    })
  })
  if (code !== 0) throw new Error(`${needs}\ndebootstrap: ${String(code)}\n${said}`)
}
