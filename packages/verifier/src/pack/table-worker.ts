import { parentPort, workerData } from 'node:worker_threads'
import { VerifierError } from '../errors.ts'
import { PackFolderSource } from './pack-source.ts'
import { OwnTableCheck } from './table-check.ts'
import type { TableAnswer, TableRequest, TableThreadData } from './table-thread.ts'

/** The thread that compares the tables. What it cannot answer ends it, and is then no answer. */
const { folder, ...order } = workerData as TableThreadData
const begun = OwnTableCheck.begin(new PackFolderSource(folder), order)

async function answer(request: TableRequest): Promise<TableAnswer> {
  try {
    const check = await begun
    if (request.kind === 'finish') return { kind: 'finished', tables: await check.finish() }
    await check.take(request.batch)
    return { kind: 'taken' }
  } catch (cause) {
    if (cause instanceof VerifierError) return { kind: 'failed', code: cause.code, message: cause.message }
    throw cause
  }
}

// One after the other: a table is compared line by line.
let last: Promise<unknown> = begun.catch(() => undefined)
parentPort?.on('message', (request: TableRequest) => {
  last = last.then(async () => {
    parentPort?.postMessage(await answer(request))
  })
})
