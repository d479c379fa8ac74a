import { join } from 'node:path'
import { startChild } from '../../demo/child.ts'
import type { Middle } from './arms.ts'
import type { Target } from './pgbench.ts'

/** Starts `relay.ts` in front of the database. */
export async function startRelay(folder: string, target: Target): Promise<Middle> {
  const child = await startChild({
    script: join(import.meta.dirname, 'relay.ts'),
    args: [target.host, String(target.port)],
    logFile: join(folder, 'relay.log'),
    isReady: (line) => line.startsWith('ready '),
  })
  const port = Number(child.ready.slice('ready '.length))
  return {
    target: { ...target, port },
    pid: child.process.pid,

    stop: () => child.stop(),
  }
}
