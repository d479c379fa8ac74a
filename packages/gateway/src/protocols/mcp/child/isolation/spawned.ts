/** Processes whose first is Sallyport's own child. */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Duplex, Readable, Writable } from 'node:stream'
import { GatewayError } from '#model'
import type { SandboxedProcess, Usage } from './sandbox.ts'

/** How all of a child is measured and killed, which depends on the kind. Made when the first process runs. */
export interface Reach {
  usage(): Usage
  kill(): void
  /** Resolves when what can have outlived the first process is gone too. Never rejects. */
  isGone(): Promise<void>
}

/** What is started. */
export interface Start {
  readonly command: readonly string[]
  readonly environment: NodeJS.ProcessEnv
  readonly workingFolder: string
  readonly reach: (child: ChildProcess) => Promise<Reach>
}

type Streams = readonly [stdin: Writable, stdout: Readable, stderr: Readable, lifeline: Duplex]

/**
 * Starts a command whose life is bound to this process's: file descriptor 3 closes when it ends.
 *
 * @throws {GatewayError} `SP_TOOL_SERVER_FAILED`.
 */
export async function spawned({ command, environment, workingFolder, reach }: Start): Promise<SandboxedProcess> {
  const [program = '', ...args] = command
  const child = spawn(program, args, {
    cwd: workingFolder,
    env: environment,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    // A group of its own: Ctrl-C is for us, and we say when a child ends.
    detached: true,
  })
  const [stdin, stdout, stderr, lifeline] = child.stdio as unknown as Streams
  for (const stream of [stdin, stdout, stderr, lifeline]) stream.on('error', () => undefined)
  const ended = endOf(child)
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (error) => {
      reject(new GatewayError('SP_TOOL_SERVER_FAILED', `it cannot be started: ${error.message}`, { cause: error }))
    })
  })
  const reached = await reach(child)
  const gone = ended.then(async (words) => {
    await reached.isGone()
    lifeline.destroy()
    return words
  })
  return { stdin, stdout, stderr, gone, usage: () => reached.usage(), kill: () => reached.kill() }
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      resolve(error.message)
    })
    child.once('exit', (code, signal) => {
      resolve(signal === null ? `exit code ${String(code)}` : signal)
    })
  })
}
