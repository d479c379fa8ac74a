/**
 * Processes that cannot outlive this one, even when it is killed with SIGKILL: a subshell beside each holds the other end of a socket and
 * reads from it; when the kernel closes our end, it sends SIGQUIT, which every program of PostgreSQL takes as "stop at once".
 *
 * The subshell is a few instructions of `sh`; the program itself takes the place of the shell, so its process id is the child's.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { Writable } from 'node:stream'
import { serverUser } from './unprivileged.ts'

/** `$$` is the shell that becomes the program, in the subshell too. A line instead of the end of file says that the program is gone. */
const WATCHED = '(read -r _ <&3 || kill -QUIT $$) </dev/null >/dev/null 2>&1 & exec "$@" 3<&-'

/** What the programs see of our environment: nothing that could point them at another server. The zone need not be guessed. */
const ENVIRONMENT: NodeJS.ProcessEnv = { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' }

/** The program's standard streams, and where it runs. */
export interface LinkedOptions {
  readonly cwd: string
  readonly stdio: readonly ['pipe' | 'ignore', 'pipe' | number, 'pipe' | number]
}

/**
 * Starts a program under the server's user, its life bound to this process's.
 *
 * @param program an absolute path
 */
export function spawnLinked(program: string, args: readonly string[], options: LinkedOptions): ChildProcess {
  const user = serverUser()
  const [command = '', ...rest] = [...user.prefix, '/bin/sh', '-c', WATCHED, 'sh', program, ...args]
  const child = spawn(command, rest, {
    ...user.ids,
    cwd: options.cwd,
    stdio: [...options.stdio, 'pipe'],
    env: ENVIRONMENT,
    // A group of its own: Ctrl-C is for us, and we say when the server stops.
    detached: true,
  })
  const lifeline = child.stdio[3]
  if (lifeline instanceof Writable) {
    // The subshell may be gone first; then there is nobody to tell.
    lifeline.on('error', () => {})
    child.once('exit', () => lifeline.end('\n', () => lifeline.destroy()))
  }
  return child
}

/** Resolves when the process has ended. @throws {Error} when it could not be started */
export function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve()
    child.once('exit', () => {
      resolve()
    })
    child.once('error', reject)
  })
}

/** How long one program of the set-up may take. */
const PROGRAM_TIMEOUT_MS = 60_000
/** More than any of them says in good health. */
const MAX_OUTPUT_CHARS = 100_000

/**
 * Runs a program to its end.
 *
 * @param input what it reads from its standard input
 * @throws {Error} with what it said, when it fails or takes longer than a minute
 */
export async function runLinked(program: string, args: readonly string[], cwd: string, input = ''): Promise<void> {
  const child = spawnLinked(program, args, { cwd, stdio: ['pipe', 'pipe', 'pipe'] })
  let output = ''
  const collect = (chunk: Buffer): void => {
    if (output.length < MAX_OUTPUT_CHARS) output += chunk.toString()
  }
  child.stdout?.on('data', collect)
  child.stderr?.on('data', collect)
  // One that fails early reads nothing; why it failed is in its output.
  child.stdin?.on('error', () => {})
  child.stdin?.end(input)
  const timer = setTimeout(() => child.kill('SIGKILL'), PROGRAM_TIMEOUT_MS)
  try {
    await new Promise((resolve, reject) => {
      child.once('close', resolve)
      child.once('error', reject)
    })
  } finally {
    clearTimeout(timer)
  }
  if (child.exitCode !== 0)
    throw new Error(`${program} ended with ${String(child.exitCode ?? child.signalCode)}: ${output.trim()}`)
}
