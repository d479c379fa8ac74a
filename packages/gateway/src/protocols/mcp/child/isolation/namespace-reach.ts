import type { ChildProcess } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { childrenOf, startedAt, treeOf, usageOf } from './process-tree.ts'
import type { Reach } from './spawned.ts'

/** The first process of the namespaces is there within a few milliseconds, or the command failed. */
const STEP_MS = 2
const FOUND_WITHIN_STEPS = 1_000
const GONE_WITHIN_STEPS = 5_000

/**
 * All of a child in a pid namespace: below the process that we started waits one more, the namespace's first. pid_namespaces(7): "If the "init"
 * process of a PID namespace terminates, the kernel terminates all of the processes in the namespace via a SIGKILL signal."
 */
export async function namespaceReach(child: ChildProcess): Promise<Reach> {
  const pid = child.pid ?? 0
  const first = await firstOf(child, pid)
  const began = first === undefined ? undefined : startedAt(first)
  const isThere = (): boolean => first !== undefined && began !== undefined && startedAt(first) === began
  const kill = (): void => {
    if (first !== undefined && isThere()) signal(first)
    else child.kill('SIGKILL')
  }
  return {
    usage: () => usageOf(treeOf(pid)),
    kill,
    isGone: async () => {
      for (let step = 0; step < GONE_WITHIN_STEPS && isThere(); step++) {
        kill()
        await delay(STEP_MS)
      }
    },
  }
}

async function firstOf(child: ChildProcess, pid: number): Promise<number | undefined> {
  for (let step = 0; step < FOUND_WITHIN_STEPS && child.exitCode === null && child.signalCode === null; step++) {
    const [first] = childrenOf(pid)
    if (first !== undefined) return first
    await delay(STEP_MS)
  }
  return undefined
}

function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It went just now.
  }
}
