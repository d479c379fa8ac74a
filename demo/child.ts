import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

/** A process of the demo. It ends when its standard input closes, so that nothing is left running when the demo is killed. */
export interface Child {
  readonly process: ChildProcess
  /** The line that said it is ready. */
  readonly ready: string
  /** Ends it in good order. */
  stop(): Promise<void>
  /** Kills it with SIGKILL and waits until it is gone. */
  kill(): Promise<void>
}

/** What to start. */
export interface ChildOptions {
  readonly script: string
  readonly args: readonly string[]
  readonly environment?: NodeJS.ProcessEnv
  /** Where its standard error goes. */
  readonly logFile: string
  /** Says by which line of standard output it is ready. */
  readonly isReady: (line: string) => boolean
}

/** So much of a log is shown. */
const LOG_END_LENGTH = 2000

/** The end of a log, for whoever cannot open it any more. */
export function endOfLog(file: string): string {
  return readFileSync(file, 'utf8').trim().slice(-LOG_END_LENGTH)
}

/** It must be ready within this. */
const READY_TIMEOUT_MS = 60_000
/** It must end in good order within this. */
const STOP_TIMEOUT_MS = 30_000

/** Starts a script of this repository under the same Node and the same conditions, and waits until it is ready. */
export async function startChild(options: ChildOptions): Promise<Child> {
  // Its own descriptor: what it has said before it is ready can be read then.
  const log = openSync(options.logFile, 'a', 0o600)
  const child = spawn(process.execPath, [...process.execArgv, options.script, ...options.args], {
    stdio: ['pipe', 'pipe', log],
    env: { ...process.env, ...options.environment },
  })
  closeSync(log)
  const exited = once(child, 'exit')
  const gone = (): boolean => child.exitCode !== null || child.signalCode !== null
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    if (!gone()) await exited
  }
  const stop = async (): Promise<void> => {
    if (gone()) return
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await exited
    clearTimeout(timer)
  }
  const ready = await readyLine(child, options)
  return { process: child, ready, stop, kill }
}

async function readyLine(child: ChildProcess, options: ChildOptions): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const fail = (why: string): void => {
    child.kill('SIGKILL')
    reject(new Error(`${options.script} ${why}; the end of its log:\n${endOfLog(options.logFile)}`))
  }
  const timer = setTimeout(() => {
    fail('was not ready in time')
  }, READY_TIMEOUT_MS)
  child.once('error', () => {
    fail('could not be started')
  })
  child.once('exit', (code) => {
    fail(`ended with ${String(code)}`)
  })
  const lines = createInterface({ input: child.stdout ?? process.stdin })
  lines.on('line', (line) => {
    if (options.isReady(line)) resolve(line)
  })
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}
