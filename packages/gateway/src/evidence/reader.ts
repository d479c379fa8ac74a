import { Worker } from 'node:worker_threads'
import { openPayload, parseRecord } from '@sallyport/verifier'
import { type Bytes, canonicalJson, toUtf8 } from '#base'
import { GatewayError, type Log } from '#model'
import type {
  InclusionProofs,
  PayloadKeys,
  PolicyUse,
  RecordPage,
  RecordQuery,
  RecordRow,
  RecordSpan,
  TrailReader,
  TrailStatus,
  UseQuery,
} from '#model/read'
import { readPayloadBlob } from './bundles.ts'
import { proveRecords } from './proofs.ts'
import type { IndexAnswer, IndexQuestions, IndexRequest, IndexWorkerData } from './index-protocol.ts'

/** A query that takes longer is given up. */
const QUERY_TIMEOUT_MS = 10_000
/** Questions waiting for the index at once. */
const MAX_WAITING = 1_000

/** What a reader is made of. */
export interface ReaderOptions {
  /** The public folder of the trail. */
  readonly directory: string
  /** The index's file; it may be deleted while the gateway is down. */
  readonly indexFile: string
  readonly origin: string
  /** The size of the last checkpoint at the start. */
  readonly size: number
  readonly keys: PayloadKeys
  /** How the writing side stands. */
  readonly status: () => Omit<TrailStatus, 'indexed'>
  readonly log: Log
}

/** A reader that is told of new checkpoints. */
export interface IndexedReader extends TrailReader, AsyncDisposable {
  /** The log has a checkpoint of this size now. */
  advance(size: number): void
}

/** An answer, and how far the index had come. */
interface Answered<T> {
  readonly answer: T
  readonly indexed: number
}

interface Waiting {
  // An answer has the type that its question says: both come from the one list in `index-protocol.ts`.
  readonly resolve: (answered: Answered<never>) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

/** Opens the reading side over a trail's folder; the index is built or brought up to date in the background. */
export function openTrailReader(options: ReaderOptions): IndexedReader {
  return new Reader(options)
}

class Reader implements IndexedReader {
  readonly #options: ReaderOptions
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker
  /** Resolves when the worker is gone, which it may be before anybody asks for its end. */
  #ended: Promise<void> = Promise.resolve()
  #size: number
  #indexed = 0
  #nextId = 0
  #closed = false

  constructor(options: ReaderOptions) {
    this.#options = options
    this.#size = options.size
    this.#worker = this.#start()
  }

  advance(size: number): void {
    this.#size = size
    this.#tell({ kind: 'advance', size })
  }

  async query(query: RecordQuery): Promise<RecordPage> {
    const { answer, indexed } = await this.#ask('query', query)
    return { rows: answer, indexed }
  }

  async record(sequence: number): Promise<RecordRow | undefined> {
    return (await this.#ask('record', sequence)).answer
  }

  async span(fromMs: number, toMs: number, size: number): Promise<RecordSpan | undefined> {
    return (await this.#ask('span', fromMs, toMs, size)).answer
  }

  async uses(query: UseQuery): Promise<readonly PolicyUse[]> {
    return (await this.#ask('uses', query)).answer
  }

  async prove(sequences: readonly number[]): Promise<InclusionProofs> {
    return await proveRecords(this.#options.directory, sequences)
  }

  async payload(sequence: number): Promise<Bytes | undefined> {
    const row = await this.record(sequence)
    const commitment = row === undefined ? undefined : parseRecord(toUtf8(canonicalJson(row.leaf))).payload
    if (commitment === undefined) return undefined
    const key = this.#options.keys.recordKey(commitment.keyId, sequence)
    const blob = readPayloadBlob(this.#options.directory, sequence, this.#size)
    return key === undefined || blob === undefined ? undefined : openPayload(blob, key, commitment)
  }

  status(): Promise<TrailStatus> {
    return Promise.resolve({ ...this.#options.status(), indexed: this.#indexed })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.#failAll('the gateway is shutting down')
    this.#tell({ kind: 'close' })
    await this.#ended
  }

  #start(): Worker {
    const { indexFile: file, directory, origin } = this.#options
    const data: IndexWorkerData = { file, directory, origin, size: this.#size }
    const worker = new Worker(new URL('./index-worker.ts', import.meta.url), { workerData: data, name: 'record-index' })
    worker.on('message', (answer: IndexAnswer) => {
      this.#take(answer)
    })
    worker.on('error', (error: Error) => {
      this.#options.log.error('index.failed', { error: error.message })
    })
    this.#ended = new Promise((resolve) => {
      worker.once('exit', () => {
        resolve()
        this.#restart()
      })
    })
    return worker
  }

  /** The index is derived: its worker may die and be started anew without anything being lost. */
  #restart(): void {
    if (this.#closed) return
    this.#failAll('the index was restarted')
    setTimeout(() => {
      if (!this.#closed) this.#worker = this.#start()
    }, 1_000).unref()
  }

  #take(answer: IndexAnswer): void {
    if (answer.kind === 'indexed') {
      this.#indexed = answer.indexed
      return
    }
    const waiting = this.#waiting.get(answer.id)
    if (waiting === undefined) return
    this.#waiting.delete(answer.id)
    clearTimeout(waiting.timer)
    if (answer.kind === 'answer') waiting.resolve({ answer: answer.answer as never, indexed: answer.indexed })
    else waiting.reject(new GatewayError(answer.code, answer.reason))
  }

  #ask<Name extends keyof IndexQuestions>(
    question: Name,
    ...about: Parameters<IndexQuestions[Name]>
  ): Promise<Answered<ReturnType<IndexQuestions[Name]>>> {
    if (this.#waiting.size >= MAX_WAITING) return Promise.reject(new GatewayError('SP_BUSY'))
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id)
        reject(new GatewayError('SP_API_UNAVAILABLE', 'the index did not answer in time'))
      }, QUERY_TIMEOUT_MS)
      this.#waiting.set(id, { resolve, reject, timer })
      this.#tell({ kind: 'ask', id, question, about } as IndexRequest)
    })
  }

  #tell(request: IndexRequest): void {
    this.#worker.postMessage(request)
  }

  #failAll(reason: string): void {
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer)
      reject(new GatewayError('SP_API_UNAVAILABLE', reason))
    }
    this.#waiting.clear()
  }
}
