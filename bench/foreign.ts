import type { ChildProcess } from 'node:child_process'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

const READY_TIMEOUT_MS = 10_000

/** Waits until a program that others wrote answers on a port. @throws {Error} when it ends, or takes too long. */
export async function reachable(child: ChildProcess, port: number): Promise<void> {
  const until = performance.now() + READY_TIMEOUT_MS
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with ${child.exitCode}`)
    if (performance.now() > until) throw new Error(`${child.spawnfile} was not ready in time`)
    await delay(50)
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => {
      resolve(false)
    })
  })
}

/** Ends it; also when this process ends first. */
export function stopper(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): () => Promise<void> {
  const kill = (): void => {
    child.kill(signal)
  }
  process.once('exit', kill)
  return async () => {
    process.off('exit', kill)
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    kill()
    await ended
  }
}
