import { type Bytes, type Clock, toUtf8 } from '#base'
import {
  type DecidedShape,
  type ErrorCode,
  GatewayError,
  type IntentEntry,
  type Log,
  type OpenSession,
  type Operation,
  type Outcome,
  type PayloadScrubber,
  type Permit,
  type Policy,
  type Receipt,
  type Session,
  type SessionEnd,
  type TrailOutlet,
  type Verdict,
} from '#model'
import { mint } from '#model/mint'
import { deniedShape } from './denials.ts'
import type { LiveSessions, SessionEntry } from './live-sessions.ts'
import { refusal } from './refusals.ts'

/** What a session needs of the boundary. */
export interface SessionPorts {
  readonly policy: () => Policy
  readonly trail: TrailOutlet
  readonly scrubber: PayloadScrubber
  readonly clock: Clock
  readonly log: Log
  readonly live: LiveSessions
}

/** What the scrubber answers: the payload, nothing, or a promise of either. */
type Scrubbing = ReturnType<PayloadScrubber['scrub']>

const TOO_MANY_OPEN = 'too many operations are under way at once'

const REFUSED: Outcome = { status: 'refused', rows: 0, bytes: 0, durationMs: 0 }

/** One open session: decides and records batches, mints permits, keeps account of what still runs. */
export class GatedSession implements OpenSession {
  readonly session: Session
  readonly #entry: SessionEntry
  readonly #ports: SessionPorts
  /** Permits not yet completed, by the number of their intent. */
  readonly #open = new Map<number, Permit>()
  #closing: Promise<void> | undefined

  constructor(entry: SessionEntry, ports: SessionPorts) {
    this.session = entry.session
    this.#entry = entry
    this.#ports = ports
  }

  get ended(): AbortSignal {
    return this.#entry.controller.signal
  }

  touch(): void {
    this.#entry.lastActiveMonotonicMs = this.#ports.clock.monotonicMs()
  }

  async admit(batch: readonly Operation[]): Promise<readonly Verdict[]> {
    this.touch()
    this.#refuseWhenEnded()
    const scrubbing = batch.map((operation) => this.#ports.scrubber.scrub(operation.payload))
    const payloads = areScrubbed(scrubbing) ? scrubbing : await this.#untilScrubbed(scrubbing)
    const intents = this.#intents(batch, payloads)
    const reserved = this.#reserve(intents)
    try {
      const receipts = await this.#ports.trail.record(intents)
      // The session may have been revoked while the record was being written: a permit must not outlive it.
      if (this.ended.aborted) {
        for (const receipt of receipts) this.#conclude(receipt.sequence, REFUSED)
        this.#refuseWhenEnded()
      }
      return batch.map((operation, index) => this.#verdict(operation, at(intents, index), at(receipts, index)))
    } finally {
      this.#entry.holdings.operations -= reserved
    }
  }

  complete(permit: Permit, outcome: Outcome): void {
    if (!this.#open.delete(permit.sequence)) return
    this.#entry.running--
    this.#entry.holdings.operations--
    this.touch()
    this.#conclude(permit.sequence, outcome)
  }

  mayList(tools: readonly string[]): readonly boolean[] {
    this.#refuseWhenEnded()
    return this.#ports.policy().decideList(this.session, tools, this.#ports.clock.nowMs())
  }

  close(end: SessionEnd): Promise<void> {
    this.#closing ??= this.#close(end)
    return this.#closing
  }

  /** Waits for payloads that are scrubbed elsewhere; the session may end meanwhile. */
  async #untilScrubbed(scrubbing: readonly Scrubbing[]): Promise<readonly (Bytes | undefined)[]> {
    const payloads = await Promise.all(scrubbing)
    this.#refuseWhenEnded()
    return payloads
  }

  /** Decides each operation, after all waiting, and words its intent; without a scrubbed payload it is denied, and its payload says how long it was. */
  #intents(batch: readonly Operation[], payloads: readonly (Bytes | undefined)[]): IntentEntry[] {
    const timeMs = this.#ports.clock.nowMs()
    const policy = this.#ports.policy()
    return batch.map((operation, index) => {
      const decided = policy.decide(this.session, operation.shape, timeMs)
      const payload = payloads[index]
      return payload === undefined
        ? this.#intent(deniedShape(decided, 'SP_SCRUB_UNAVAILABLE'), unscrubbed(operation.payload), timeMs)
        : this.#intent(decided, payload, timeMs)
    })
  }

  #intent(decided: DecidedShape, payload: Bytes, timeMs: number): IntentEntry {
    return { kind: 'intent', timeMs, session: this.session, decided, payload }
  }

  /** Reserves what the batch will hold open; when that is more than one identity may, it is denied as a whole. Returns how many are reserved. */
  #reserve(intents: IntentEntry[]): number {
    const { holdings } = this.#entry
    let allowed = 0
    for (const { decided } of intents) if (decided.decision.outcome === 'allow') allowed++
    if (holdings.operations + allowed <= this.#ports.live.operationsEach) {
      holdings.operations += allowed
      return allowed
    }
    for (const [index, { decided, payload, timeMs }] of intents.entries()) {
      intents[index] = this.#intent(deniedShape(decided, 'SP_BUSY', TOO_MANY_OPEN), payload, timeMs)
    }
    return 0
  }

  #verdict(operation: Operation, { decided }: IntentEntry, receipt: Receipt): Verdict {
    this.#entry.operations++
    const { decision } = decided
    switch (decision.outcome) {
      case 'allow':
        return { kind: 'permit', permit: this.#mint(operation, receipt.sequence) }
      case 'deny':
        return this.#refuse(decided, receipt, decision.code ?? 'SP_POLICY_DENIED')
      case 'hold':
        return this.#refuse(decided, receipt, 'SP_POLICY_NEEDS_APPROVAL')
      default:
        return decision.outcome satisfies never
    }
  }

  #mint(operation: Operation, sequence: number): Permit {
    const permit = mint(operation, sequence, this.#ports.clock.monotonicMs())
    this.#open.set(sequence, permit)
    this.#entry.running++
    this.#entry.holdings.operations++
    return permit
  }

  #refuse(decided: DecidedShape, receipt: Receipt, code: ErrorCode): Verdict {
    this.#conclude(receipt.sequence, REFUSED)
    const { resource, identity } = this.session
    const reason = decided.shape.incomplete ?? decided.decision.reason
    const facts = { code, what: decided.shape.verb, resource, identity, sequence: receipt.sequence }
    return { kind: 'refusal', refusal: refusal(reason === undefined ? facts : { ...facts, reason }) }
  }

  #conclude(intent: number, outcome: Outcome): void {
    this.#ports.trail.conclude({ kind: 'outcome', timeMs: this.#ports.clock.nowMs(), intent, outcome })
  }

  #refuseWhenEnded(): void {
    if (!this.ended.aborted) return
    const end: unknown = this.ended.reason
    throw new GatewayError('SP_SESSION_REVOKED', 'the session has ended', { cause: end })
  }

  async #close(end: SessionEnd): Promise<void> {
    this.#ports.live.remove(this.session.id)
    for (const permit of this.#open.values()) this.complete(permit, lost(this.#ports.clock, permit))
    if (!this.ended.aborted) this.#entry.controller.abort(end)
    const { session } = this
    const details = {
      end: end.kind,
      operations: this.#entry.operations,
      // Who did it has a record of its own, by id; a name could not be erased from here.
      ...(end.kind === 'revoked' ? { reason: end.reason } : {}),
    }
    const event = {
      class: 'authorize-session',
      activity: 'close',
      actor: session.identity,
      session,
      status: 'success',
      details,
    } as const
    try {
      await this.#ports.trail.record([{ kind: 'event', timeMs: this.#ports.clock.nowMs(), event }])
    } catch (error) {
      // The session is over either way; that its end is not on record shows as a session without a close.
      this.#ports.log.error('session.close_not_recorded', { session: session.id, error: String(error) })
    }
  }
}

function areScrubbed(scrubbing: readonly Scrubbing[]): scrubbing is readonly (Bytes | undefined)[] {
  return !scrubbing.some((payload) => payload instanceof Promise)
}

/** The payload on record of an operation whose own could not be scrubbed. */
function unscrubbed(payload: Bytes): Bytes {
  return toUtf8(JSON.stringify({ unscrubbed: payload.length }))
}

function lost(clock: Clock, permit: Permit): Outcome {
  return {
    status: 'lost',
    rows: 0,
    bytes: 0,
    durationMs: Math.round(clock.monotonicMs() - permit.admittedAtMonotonicMs),
  }
}

/** An array element that must be there: the trail answers with one receipt per entry, policy with one decision per shape. */
function at<T>(items: readonly T[], index: number): T {
  const item = items[index]
  if (item === undefined) throw new GatewayError('SP_TRAIL_UNAVAILABLE', 'a receipt is missing')
  return item
}
