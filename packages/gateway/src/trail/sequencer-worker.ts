import { setTimeout as delay } from 'node:timers/promises'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { ed25519SignerFromSeed } from '@sallyport/verifier'
import { blockingFiles } from './blocking-files.ts'
import { Board } from './board.ts'
import { runSequencer } from './sequencer-loop.ts'
import type { SequencerOrder } from './sequencer-thread.ts'

/**
 * The thread of the sequencer: a shell around `runSequencer`. Day keys come and go by message; a new one is posted before the first frame under it is
 * written, so one that is asked for and not there yet waits in the port.
 */
const port = parentPort
if (port === null) throw new Error('this module is the body of a worker')
const order = workerData as SequencerOrder
const dayKeys = new Map(order.dayKeys)

function takeKeys(): void {
  if (port === null) return
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    const [id, key] = next.message as readonly [string, Uint8Array | undefined]
    if (key === undefined) dayKeys.delete(id)
    else dayKeys.set(id, key)
  }
}

await runSequencer({
  source: {
    files: blockingFiles,
    folder: order.folder,
    walFolder: order.walFolder,
    origin: order.origin,
    signer: ed25519SignerFromSeed(order.origin, order.seed),
    dayKey(id) {
      if (!dayKeys.has(id)) takeKeys()
      return dayKeys.get(id)
    },
  },
  board: new Board(order.memory),
  wait(delayMs) {
    takeKeys()
    return delay(delayMs)
  },
  report: (report) => port.postMessage(report),
})
