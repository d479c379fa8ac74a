import { Worker } from 'node:worker_threads'
import { VerifierError, type VerifierErrorCode } from '../errors.ts'
import type { CheckedTables, RecordBatch, TableCheck, TableOrder } from './table-check.ts'

/** A thread that says nothing for so long does not work (milliseconds). */
const SILENCE_MS = 120_000

/** Batches on their way: enough that neither thread waits for the other, and bounded in memory. */
const BATCHES_AHEAD = 3

/** Room for new objects in the thread, in MB. */
const YOUNG_MB = 24

/** What the thread is started with. */
export interface TableThreadData extends TableOrder {
  readonly folder: string
}

/** What the thread is told; each of them is answered, in their order. */
export type TableRequest = { readonly kind: 'take'; readonly batch: RecordBatch } | { readonly kind: 'finish' }

/** What the thread answers. */
export type TableAnswer =
  | { readonly kind: 'taken' }
  | { readonly kind: 'finished'; readonly tables: CheckedTables }
  | { readonly kind: 'failed'; readonly code: VerifierErrorCode; readonly message: string }

/** Waits for one answer. */
interface Waiting {
  resolve(answer: TableAnswer | undefined): void
  reject(cause: VerifierError): void
}

/**
 * The check of the tables in a thread of its own, while this one goes on with the records. A thread that dies, falls
 * silent or answers something else is a check that was not finished: never one in which nothing was found.
 */
export class TableThread implements TableCheck {
  readonly #worker: Worker
  readonly #silenceMs: number
  readonly #ahead: Promise<TableAnswer | undefined>[] = []
  readonly #waiting: Waiting[] = []
  #late: NodeJS.Timeout | undefined
  #fault: VerifierError | undefined

  constructor(
    data: TableThreadData,
    entry: URL = new URL('./table-worker.ts', import.meta.url),
    silenceMs: number = SILENCE_MS,
  ) {
    this.#silenceMs = silenceMs
    this.#worker = new Worker(entry, {
      name: 'tables',
      workerData: data,
      env: {},
      // Rows live shortly: more room for the young is memory taken for nothing.
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
      // Of the flags of this process only how our own modules are found.
      execArgv: process.execArgv.filter((option) => option.startsWith('--conditions=')),
    })
    this.#worker.on('message', (answer: TableAnswer | undefined) => {
      this.#waiting.shift()?.resolve(answer)
      this.#watch()
    })
    this.#worker.on('messageerror', () => {
      this.#break('said what cannot be read')
    })
    this.#worker.on('error', ({ name }: Error) => {
      this.#break(`ended with a ${name}`)
    })
    this.#worker.on('exit', () => {
      this.#break('ended')
    })
  }

  async take(batch: RecordBatch): Promise<void> {
    this.#ahead.push(this.#ask({ kind: 'take', batch }))
    if (this.#ahead.length > BATCHES_AHEAD) await this.#settle()
  }

  async finish(): Promise<CheckedTables> {
    while (this.#ahead.length > 0) await this.#settle()
    const answer = await this.#ask({ kind: 'finish' })
    if (answer?.kind === 'finished') return answer.tables
    throw unfinished('answered something else')
  }

  async close(): Promise<void> {
    this.#break('was ended')
    await this.#worker.terminate()
  }

  async #settle(): Promise<void> {
    const answer = await this.#ahead.shift()
    if (answer?.kind !== 'taken') throw unfinished('answered something else')
  }

  #ask(request: TableRequest): Promise<TableAnswer | undefined> {
    const answer = new Promise<TableAnswer | undefined>((resolve, reject) => {
      if (this.#fault !== undefined) {
        reject(this.#fault)
        return
      }
      this.#waiting.push({ resolve, reject })
      if (this.#waiting.length === 1) this.#watch()
      this.#worker.postMessage(request)
    }).then((said) => {
      if (said?.kind === 'failed') throw new VerifierError(said.code, said.message)
      return said
    })
    // It may fail before somebody waits for it; whoever waits is told.
    answer.catch(() => undefined)
    return answer
  }

  /** As long as something was asked, silence is measured from the last answer. */
  #watch(): void {
    clearTimeout(this.#late)
    if (this.#waiting.length === 0) return
    this.#late = setTimeout(() => {
      this.#break(`said nothing for ${this.#silenceMs / 1_000} s`)
    }, this.#silenceMs)
  }

  #break(how: string): void {
    clearTimeout(this.#late)
    this.#fault ??= unfinished(how)
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#fault)
  }
}

function unfinished(how: string): VerifierError {
  return new VerifierError(
    'SP_CHECK_UNFINISHED',
    `the check was not finished: the thread that compares the tables ${how}`,
  )
}
