import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type Boundary, CLI } from './boundary.ts'

/** What a command said and how it ended. */
export interface CommandResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** Starts `sallyport` as a person would, in the folder that keeps the logins. */
export function spawnSallyport(boundary: Boundary, ...args: readonly string[]): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [...process.execArgv, CLI, ...args], {
    cwd: boundary.home,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
}

/** Starts another program of the checkout. */
export function spawnProgram(script: string, ...args: readonly string[]): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [...process.execArgv, script, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.end()
  return child
}

/** Runs `sallyport` and collects what it says. */
export async function sallyport(boundary: Boundary, ...args: readonly string[]): Promise<CommandResult> {
  const child = spawnSallyport(boundary, ...args)
  child.stdin.end()
  return await finish(child)
}

/** Waits for a started command. */
export async function finish(child: ChildProcessWithoutNullStreams): Promise<CommandResult> {
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
  const [exitCode] = (await once(child, 'close')) as [number | null]
  return {
    exitCode: exitCode ?? 1,
    stdout: Buffer.concat(stdout).toString('utf8'),
    stderr: Buffer.concat(stderr).toString('utf8'),
  }
}
