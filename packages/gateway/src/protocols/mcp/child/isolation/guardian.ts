import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** A process that waits until it is told, or until this process has ended, and then runs a command. */
export interface Guardian {
  /** Has it run, and resolves when it has. */
  strike(): Promise<void>
}

/**
 * Where there is no pid namespace whose end ends everything in it, somebody must be there to kill what a killed gateway leaves behind. A child
 * cannot reach it: it is another user's, or (without isolation) in a session of its own.
 */
export function guardian(command: readonly string[]): Guardian {
  const child = spawn('/bin/sh', ['-c', 'read -r _; exec "$@"', 'sh', ...command], {
    cwd: '/',
    env: {},
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  child.on('error', () => undefined)
  child.stdin.on('error', () => undefined)
  const ended = once(child, 'exit').catch(() => undefined)
  return {
    strike: async () => {
      child.stdin.end()
      await ended
    },
  }
}
