import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { CLI, REPOSITORY } from './boundary.ts'

/** What a command said and how it ended. */
export interface CommandResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** Starts `sallyport` as a person would, in the repository. */
export function spawnSallyport(args: readonly string[]): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [...process.execArgv, CLI, ...args], {
    cwd: REPOSITORY,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
}

/** Runs `sallyport` and collects what it says. */
export async function sallyport(...args: readonly string[]): Promise<CommandResult> {
  const child = spawnSallyport(args)
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
