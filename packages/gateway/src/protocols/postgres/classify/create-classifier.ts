import type { Clock } from '#base'
import type { ClassifiedStatement, Classification, Classifier, ClassifierSettings } from '../classifier.ts'
import { measure } from './complexity.ts'
import { broken, busy, syntaxError, tooLarge } from './failures.ts'
import { Lane, type LaneLimits, type LaneResult } from './lane.ts'
import { isSimple, MAX_SIMPLE_LENGTH, MAX_TEXT_BYTES } from './limits.ts'
import { LruCache } from './lru-cache.ts'
import type { Parsed } from './parse.ts'
import { Shapes, weightOf } from './shapes.ts'
import { WorkerPool } from './worker-pool.ts'

/** What can be tuned. */
export interface ClassifierOptions {
  readonly clock: Clock
  /** Workers for simple texts; 1 unless the machine has cores to spare. */
  readonly fastWorkers?: number
  /** Texts that may wait in each lane. */
  readonly maxQueued?: number
  /** How long a batch of simple texts may take in a worker, in milliseconds. */
  readonly timeoutMs?: number
  /** How long any other text may take, in milliseconds. */
  readonly heavyTimeoutMs?: number
}

/** A classifier with its workers, which live until it is disposed of. */
export interface WorkerClassifier extends Classifier, AsyncDisposable {
  /**
   * Resolves when simple texts find a warm worker; calling it is optional. The worker for all others starts with the first of them: many
   * gateways never see one.
   */
  ready(): Promise<void>
}

/** Longer texts are not cached, in UTF-16 units: they hardly come twice. */
const MAX_CACHED_LENGTH = 16 * 1024

const textCache = { entries: 4096, bytes: 32 * 1024 * 1024 }
const shapeCache = { entries: 4096, bytes: 32 * 1024 * 1024 }

const fastLane: LaneLimits = {
  workers: 1,
  batch: 32,
  queued: 8192,
  queuedPerSession: 2048,
  queuedLength: 16 * 1024 * 1024,
  waitSeconds: 10,
  timeoutMs: 1000,
  recycleLength: 1024 * 1024 * 1024,
  restMs: 0,
  restShare: 0,
}

const heavyLane: LaneLimits = {
  workers: 1,
  batch: 1,
  queued: 256,
  queuedPerSession: 64,
  queuedLength: 32 * 1024 * 1024,
  waitSeconds: 10,
  // Its worker has to leave the processor to others, so it gets more time.
  timeoutMs: 2000,
  recycleLength: 16 * 1024 * 1024,
  restMs: 100,
  // What its worker's priority does not reach is the compiling and collecting that V8 does for it in threads of its own.
  restShare: 1,
}

/** Makes a classifier. Its workers start with the first text, or with `ready`. */
export function createClassifier(options: ClassifierOptions): WorkerClassifier {
  const { fastWorkers = fastLane.workers, timeoutMs = fastLane.timeoutMs } = options
  const { heavyTimeoutMs = heavyLane.timeoutMs, maxQueued, clock } = options
  return new LanedClassifier(
    clock,
    { ...fastLane, workers: fastWorkers, timeoutMs, queued: maxQueued ?? fastLane.queued },
    { ...heavyLane, timeoutMs: heavyTimeoutMs, queued: maxQueued ?? heavyLane.queued },
  )
}

/**
 * Two lanes: one for texts that cannot take the parser long, whoever sends them, and one for all others. Each has workers of its own, so
 * texts that break or stall the parser delay only their own kind.
 */
class LanedClassifier implements WorkerClassifier {
  readonly #fastPool = new WorkerPool({ isBackground: false, keepsSpare: true })
  readonly #heavyPool = new WorkerPool({ isBackground: true, keepsSpare: false })
  readonly #fast: Lane
  readonly #heavy: Lane
  readonly #known = new LruCache<Promise<Classification>>(textCache)
  /** Texts in work, so that one that many send at once is parsed once. */
  readonly #inWork = new Map<string, Promise<Classification>>()
  readonly #shapes = new Shapes(shapeCache)
  /** Sessions whose text broke a fast worker: they stay in the heavy lane. */
  readonly #suspects = new WeakSet<object>()
  readonly #anyone = {}
  #isClosed = false

  constructor(clock: Clock, fast: LaneLimits, heavy: LaneLimits) {
    const onBreak = (session: object): void => {
      if (session !== this.#anyone) this.#suspects.add(session)
    }
    this.#fast = new Lane(this.#fastPool, fast, { clock, onBreak })
    this.#heavy = new Lane(this.#heavyPool, heavy, { clock, onBreak: () => undefined })
  }

  async ready(): Promise<void> {
    // Past the caches: it only brings up a worker.
    await this.#fast.submit({ text: 'select 1', database: '', searchPath: '' }, this.#anyone)
  }

  classify(text: string, settings: ClassifierSettings, session: object = this.#anyone): Promise<Classification> {
    if (text.length > MAX_CACHED_LENGTH) return this.#parse(text, settings, session)
    const key = `${settings.database}\0${settings.searchPath}\0${text}`
    const known = this.#known.get(key) ?? this.#inWork.get(key)
    if (known !== undefined) return known
    const answer = this.#parse(text, settings, session)
    this.#inWork.set(key, answer)
    void answer.then((classification) => {
      this.#inWork.delete(key)
      if (classification.kind !== 'failed') this.#known.set(key, answer, 2 * key.length + weight(classification))
    })
    return answer
  }

  async #parse(text: string, settings: ClassifierSettings, session: object): Promise<Classification> {
    if (this.#isClosed) return broken
    if (text.length > MAX_TEXT_BYTES || Buffer.byteLength(text) > MAX_TEXT_BYTES) return tooLarge
    // The parser would see the text only as far as the NUL, or other characters than the server.
    if (text.includes('\0') || !text.isWellFormed()) return broken
    const isFast = text.length <= MAX_SIMPLE_LENGTH && !this.#suspects.has(session) && isSimple(measure(text))
    const { database, searchPath } = settings
    return this.#classification(
      await (isFast ? this.#fast : this.#heavy).submit({ text, database, searchPath }, session),
    )
  }

  #classification(result: LaneResult): Classification {
    switch (result.kind) {
      case 'statements':
        return { kind: 'statements', statements: result.statements.map((statement) => this.#statement(statement)) }
      case 'syntax-error':
        return syntaxError(result)
      case 'too-large':
        return tooLarge
      case 'broken':
        return broken
      case 'busy':
        return busy
    }
  }

  #statement(parsed: ParsedStatement): ClassifiedStatement {
    const { start, end, exitsTransaction } = parsed
    return { shape: this.#shapes.shared(parsed.shape, parsed.shapeKey), start, end, exitsTransaction }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    this.#fast.close()
    this.#heavy.close()
    await Promise.all([this.#fastPool.close(), this.#heavyPool.close()])
  }
}

type ParsedStatement = Extract<Parsed, { kind: 'statements' }>['statements'][number]

/** Roughly what an answer costs to keep, in bytes. */
function weight(classification: Classification): number {
  if (classification.kind !== 'statements') return 500
  return classification.statements.reduce((sum, { shape }) => sum + 100 + weightOf(shape), 200)
}
