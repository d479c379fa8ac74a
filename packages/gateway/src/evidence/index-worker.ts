import { parentPort, workerData } from 'node:worker_threads'
import { GatewayError } from '#model'
import type { IndexAnswer, IndexRequest, IndexWorkerData } from './index-protocol.ts'
import { RecordIndex } from './record-index.ts'

/**
 * The worker of the record index: indexes a step at a time and answers queries between the steps, so that neither the data path nor a
 * reader waits for the other.
 */
const { file, directory, origin, size } = workerData as IndexWorkerData
const index = new RecordIndex(file, directory, origin, size)
let known = size
let stepping = false

function say(answer: IndexAnswer): void {
  parentPort?.postMessage(answer)
}

function step(): void {
  stepping = index.advance(known)
  say({ kind: 'indexed', indexed: index.indexed })
  if (stepping) setImmediate(step)
}

function ask(request: Extract<IndexRequest, { kind: 'ask' }>): unknown {
  switch (request.question) {
    case 'query':
      return index.query(...request.about)
    case 'record':
      return index.record(...request.about)
    case 'span':
      return index.span(...request.about)
    case 'uses':
      return index.uses(...request.about)
    default:
      return request satisfies never
  }
}

function answer(request: IndexRequest): void {
  switch (request.kind) {
    case 'advance':
      known = Math.max(known, request.size)
      if (!stepping) step()
      return
    case 'ask':
      say({ kind: 'answer', id: request.id, answer: ask(request), indexed: index.indexed })
      return
    case 'close':
      index.close()
      parentPort?.close()
      return
    default:
      request satisfies never
  }
}

parentPort?.on('message', (request: IndexRequest) => {
  try {
    answer(request)
  } catch (error) {
    // An unanswered query would leave its reader waiting; a failure while indexing ends the worker, which is then started anew.
    if (!('id' in request)) throw error
    const code = error instanceof GatewayError ? error.code : 'SP_API_UNAVAILABLE'
    say({ kind: 'failed', id: request.id, code, reason: error instanceof Error ? error.message : String(error) })
    // A question may find that the index must be built anew.
    if (!stepping) step()
  }
})

step()
