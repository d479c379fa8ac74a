/**
 * One session: a client, a database, and what lies between them.
 *
 * It owns both connections. Messages of the client are taken in batches (all that are there, up to the last Sync, Flush or Query), planned,
 * admitted at once, and sent in one write; answers stream back through `Responses`. Only one batch is under way at a time, but the next is
 * sent without waiting for the answers of the one before, unless a name is uncertain.
 *
 * However it ends (the client leaves, the database hangs up, the session is revoked, somebody breaks the protocol), it ends once: the
 * client is told, what runs is cancelled, every permit gets its outcome.
 */
import type { Clock } from '#base'
import { GatewayError, type Log, type Masking, type OpenSession, type SessionEnd } from '#model'
import { Admission } from './admission.ts'
import type { Classification, Classifier } from './classifier.ts'
import type { Arrival, ClientConnection } from './client/connection.ts'
import { WireError } from './codec/index.ts'
import { Holding } from './holding.ts'
import { Meanings } from './meanings.ts'
import { SessionNames } from './names.ts'
import { Outbox } from './outbox.ts'
import { withPartitions } from './partitions.ts'
import { PermitLedger } from './permitted.ts'
import { Planner, textOf } from './plan.ts'
import type { Plan } from './steps.ts'
import { type Answer, answerCode, answerSessionEnd, encodeAnswer } from './refuse.ts'
import { Relay } from './relay.ts'
import { Responses } from './responses.ts'
import { Sender } from './send.ts'
import { type PostgresSettings } from './settings.ts'
import { Cancellation } from './upstream/cancellation.ts'
import { cancelUpstream, type UpstreamSession, type UpstreamTarget } from './upstream/connect.ts'
import type { UpstreamHandler } from './upstream/upstream.ts'
import { Whereabouts } from './whereabouts.ts'

/** What a session is made of. */
export interface SessionParts {
  readonly client: ClientConnection
  readonly upstream: UpstreamSession
  readonly target: UpstreamTarget
  readonly open: OpenSession
  readonly classifier: Classifier
  readonly masking: Masking
  readonly clock: Clock
  readonly log: Log
  /** How long a held statement waits for its approval (milliseconds). */
  readonly holdMs: number
  /** Called once, when it is over. */
  readonly onEnd: () => void
  /** Called when it has changed definitions of the database. */
  readonly onSchemaChange: () => void
}

/** Answers awaited at most before the next batch is taken. */
const MAX_PENDING = 8192
/** Bytes of statements and parameters awaited an answer to at most before the next plan is made. */
const MAX_PENDING_BYTES = 16_777_216
/** Unsent bytes towards the database at most before the next batch is taken. */
const MAX_UPSTREAM_BACKLOG = 1_048_576
/** How long a cancelled statement has to tell its outcome when the session ends. */
const LAST_WORDS_MS = 1000

/** Settings without which statements would not mean what the parser reads. */
const pinnedSettings = new Set(['client_encoding', 'standard_conforming_strings', 'search_path'])

export class PostgresSession {
  readonly #parts: SessionParts
  readonly #settings: PostgresSettings
  readonly #names = new SessionNames()
  readonly #planner = new Planner(this.#names)
  readonly #whereabouts: Whereabouts
  readonly #outbox: Outbox
  readonly #ledger: PermitLedger
  readonly #responses: Responses
  readonly #sender: Sender
  readonly #cancellation: Cancellation
  readonly #holding: Holding
  readonly #admission: Admission
  readonly #ended = Promise.withResolvers<void>()
  #isWorking = false
  #isOver = false
  /** The server has said why it hangs up. */
  #hasLastWord = false
  #isHungUp = false

  constructor(parts: SessionParts) {
    this.#parts = parts
    this.#settings = parts.target.settings
    this.#ledger = new PermitLedger(parts.open, parts.clock)
    const { upstream, declarations } = parts.upstream
    const { writer } = parts.client
    this.#holding = new Holding(writer, parts.masking.scrubber, parts.holdMs)
    this.#whereabouts = new Whereabouts(declarations, this.#settings, parts.clock)
    const outbox = new Outbox(upstream)
    this.#outbox = outbox
    const relay = new Relay({ writer, masking: parts.masking, log: parts.log })
    this.#responses = new Responses({
      ...{ relay, outbox, names: this.#names, masking: parts.masking },
      declarations: () => this.#whereabouts.declarations,
      onSchemaChange: parts.onSchemaChange,
      onParameter: (name, value) => this.#onParameter(name, value),
      onFatal: () => {
        this.#hasLastWord = true
      },
    })
    const { scrubber } = parts.masking
    const context = { outbox, writer, scrubber, names: this.#names, responses: this.#responses }
    this.#sender = new Sender({ ...context, isOver: () => this.#isOver })
    this.#admission = new Admission({
      ...{ open: parts.open, ledger: this.#ledger, holding: this.#holding },
      ...{ sender: this.#sender, responses: this.#responses, isOver: () => this.#isOver },
      meanings: new Meanings(upstream.parameters, parts.open.session.id),
      renew: () => this.#renewOrigins(),
    })
    this.#cancellation = new Cancellation(
      () => this.#cancelUpstream(),
      () => this.#responses.running,
    )
  }

  /** Begins to carry messages; returns at once. */
  start(): void {
    const { client, open, upstream } = this.#parts
    upstream.upstream.attach(this.#upstreamHandler())
    client.onDrain(() => {
      upstream.upstream.resume()
    })
    upstream.upstream.onDrain(() => {
      this.#responses.wake()
    })
    client.attach({
      arrived: () => {
        open.touch()
        void this.#work()
      },
      broken: (error) => {
        this.#end({ kind: 'protocol', code: error.code }, answerCode(error.code, error.message))
      },
      closed: () => {
        this.#end({ kind: 'client' })
      },
    })
    open.ended.addEventListener('abort', () => {
      this.#onEnded()
    })
    if (open.ended.aborted) this.#onEnded()
    else upstream.upstream.resume()
  }

  /** Cancels what is running or waiting to run, as a CancelRequest of the client asks. */
  cancel(): void {
    if (this.#isOver) return
    this.#admission.cancel()
    this.#cancellation.request()
  }

  /** Definitions of a resource's database were changed: where declared columns lie is asked again before anything else is sent to it. */
  schemaChanged(resource: string): void {
    if (resource === this.#resource()) this.#whereabouts.distrust()
  }

  /** Ends it from outside, because the gateway shuts down; resolves when it is over. */
  shutDown(): Promise<void> {
    this.#end({ kind: 'shutdown' }, answerSessionEnd({ kind: 'shutdown' }, this.#resource()))
    return this.#ended.promise
  }

  #resource(): string {
    return this.#parts.open.session.resource.name
  }

  #upstreamHandler(): UpstreamHandler {
    const { client, upstream } = this.#parts
    const responses = this.#responses
    return {
      frame: (type, buffer, start, end) => {
        responses.frame(type, buffer, start, end)
      },
      rows: (buffer, start, end, count) => {
        responses.rows(buffer, start, end, count)
      },
      oversizedRow: () => {
        responses.oversizedRow()
      },
      oversizedRowPiece: (buffer, start, end, isLast) => {
        responses.oversizedRowPiece(buffer, start, end, isLast)
      },
      chunkEnd: () => {
        // Within a long pipeline nothing else tells that there is room again.
        if (responses.pending < MAX_PENDING) responses.wake()
        client.writer.flush()
        if (client.writer.isCongested && !responses.isAsked) upstream.upstream.pause()
      },
      broken: (error) => {
        this.#parts.log.error('postgres.upstream.broken', { reason: error.message })
        this.#end({ kind: 'upstream' }, answerCode('SP_UPSTREAM_PROTOCOL', this.#resource()))
      },
      closed: () => {
        this.#isHungUp = true
        responses.wake()
        const answer = this.#hasLastWord ? undefined : answerCode('SP_UPSTREAM_UNREACHABLE', this.#resource())
        this.#end({ kind: 'upstream' }, answer)
      },
    }
  }

  /** Passes a reported setting on, but for our own name; a pinned one that changes ends the session. */
  #onParameter(name: string, value: string): boolean {
    const { parameters } = this.#parts.upstream.upstream
    if (pinnedSettings.has(name) && parameters.get(name) !== value) {
      const answer = answerCode('SP_WIRE_UNSUPPORTED', `the setting ${name} was changed, so the session was ended`)
      this.#end({ kind: 'protocol', code: 'SP_WIRE_UNSUPPORTED' }, answer)
      return false
    }
    parameters.set(name, value)
    return name !== 'application_name'
  }

  /** Takes batch after batch; one at a time. */
  async #work(): Promise<void> {
    if (this.#isWorking) return
    this.#isWorking = true
    try {
      while (!this.#isOver && this.#parts.client.hasBatch) {
        await this.#carry(this.#parts.client.takeBatch())
      }
    } catch (error) {
      this.#onFault(error)
    } finally {
      this.#isWorking = false
    }
  }

  async #untilRoom(): Promise<void> {
    const { upstream } = this.#parts.upstream
    const isFull = (): boolean =>
      this.#responses.pending > MAX_PENDING ||
      this.#responses.pendingBytes > MAX_PENDING_BYTES ||
      upstream.backlog > MAX_UPSTREAM_BACKLOG
    // The server keeps its answers back until it is asked for them, and the client need not have asked.
    if (isFull()) this.#sender.askForAnswers()
    while (!this.#isOver && isFull()) await this.#responses.progress()
  }

  /** Plans, admits and sends one batch; in several plans when a name has to become certain in between. */
  async #carry(batch: readonly Arrival[]): Promise<void> {
    await this.#renewOrigins()
    if (this.#isOver) return
    const classifications = await Promise.all(batch.map((arrival) => this.#classify(arrival)))
    let from = 0
    for (;;) {
      await this.#untilRoom()
      if (from >= batch.length || this.#isOver) return
      const plan = this.#planner.plan(batch.slice(from), classifications.slice(from))
      from += plan.taken
      if (plan.taken === 0) await this.#responses.progress()
      else await this.#carryOut(plan)
      if (plan.isLast) {
        this.#end({ kind: 'client' })
        return
      }
    }
  }

  async #classify(arrival: Arrival): Promise<Classification | undefined> {
    const text = textOf(arrival)
    if (text === undefined) return undefined
    const classification = await this.#parts.classifier.classify(text, this.#settings, this.#parts.open.session)
    return withPartitions(classification, this.#whereabouts.declarations)
  }

  /** Asks again where the declared columns lie, when that is long ago and the client has nothing under way. */
  async #renewOrigins(): Promise<void> {
    const isDue = (): boolean => this.#whereabouts.isOld && this.#planner.isBetween && this.#responses.status === 'I'
    if (!isDue()) return
    await this.#sender.allAnswered()
    if (this.#isOver || !isDue()) return
    // It may be paused for a client that reads slowly, which is no reason not to be answered.
    this.#parts.upstream.upstream.resume()
    try {
      const asking = { outbox: this.#outbox, responses: this.#responses, names: this.#names }
      await this.#whereabouts.renew({ ...asking, isOver: () => this.#isOver })
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      const resource = this.#resource()
      this.#parts.log.error('postgres.upstream.failed', { code: error.code, reason: error.message, resource })
      this.#end({ kind: 'upstream' }, answerCode(error.code, resource))
    }
  }

  async #carryOut(plan: Plan): Promise<void> {
    const unrecorded = await this.#admission.admit(plan)
    if (unrecorded === undefined) await this.#sender.send(plan)
    else await this.#sender.sendNothing(plan, answerCode(unrecorded))
  }

  #onFault(error: unknown): void {
    if (error instanceof WireError) {
      this.#end({ kind: 'protocol', code: error.code }, answerCode(error.code, error.message))
      return
    }
    const code = error instanceof GatewayError ? error.code : 'SP_WIRE_INVALID'
    this.#parts.log.error('postgres.session.fault', { reason: error instanceof Error ? error.message : 'unknown' })
    this.#end(
      { kind: 'protocol', code },
      { sqlstate: 'XX000', message: 'internal fault of Sallyport; the session was ended' },
    )
  }

  #onEnded(): void {
    const end = this.#parts.open.ended.reason as SessionEnd
    this.#end(end, answerSessionEnd(end, this.#resource()))
  }

  #cancelUpstream(): Promise<void> {
    const { backendKey } = this.#parts.upstream.upstream
    return backendKey === undefined ? Promise.resolve() : cancelUpstream(this.#parts.target, backendKey)
  }

  #end(end: SessionEnd, farewell?: Answer): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#holding.stop()
    const { client, onEnd, log, masking } = this.#parts
    // Its own last word, then nothing more.
    if (farewell !== undefined) client.writer.send(encodeAnswer(farewell, masking.scrubber, 'FATAL'))
    this.#responses.mute()
    client.end()
    void this.#hangUp(end)
      .catch((error: unknown) => {
        log.error('postgres.session.end', { reason: error instanceof Error ? error.message : 'unknown' })
      })
      .finally(() => {
        onEnd()
        this.#ended.resolve()
      })
  }

  /** Cancels what runs, gives it a moment to say how it ended, and closes. */
  async #hangUp(end: SessionEnd): Promise<void> {
    const { open, upstream } = this.#parts
    upstream.upstream.resume()
    if (this.#responses.pending > 0 && end.kind !== 'upstream') {
      const deadline = AbortSignal.timeout(LAST_WORDS_MS)
      deadline.addEventListener('abort', () => {
        this.#responses.wake()
      })
      this.#cancellation.request()
      const isWaiting = (): boolean => this.#responses.pending > 0 && !deadline.aborted && !this.#isHungUp
      while (isWaiting()) await this.#responses.progress()
    }
    upstream.upstream.terminate()
    this.#ledger.concludeAll('lost')
    await open.close(end)
  }
}
