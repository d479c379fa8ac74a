/**
 * The thread in which large payloads are scrubbed: their bytes come and go by transfer, several in one buffer. It holds nothing between two of
 * them.
 */
import { constants, setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import { createScrubber } from '#masking'
import { detectors } from '../detectors.ts'
import { PayloadTextScrubber } from './payload-text-scrubber.ts'
import type { ScrubOrder } from './scrub-thread.ts'

const port = parentPort
if (port === null) throw new Error('this file runs as a worker')

// SPEC setpriority(2), "C library/kernel differences": on Linux "the nice value is a per-thread attribute", and 0 is the calling thread.
// Elsewhere it would be the whole process.
if (process.platform === 'linux') setPriority(0, constants.priority.PRIORITY_BELOW_NORMAL)

const scrubber = new PayloadTextScrubber(createScrubber(detectors))

port.on('message', ({ bytes, ends }: ScrubOrder) => {
  try {
    let start = 0
    for (const end of ends) {
      scrubber.scrubInPlace(bytes, start, end)
      start = end
    }
  } catch {
    // What was thrown may quote a payload. Without an answer nothing is recorded or sent.
    port.postMessage(undefined)
    return
  }
  port.postMessage(bytes, [bytes.buffer])
})

port.postMessage('ready')
