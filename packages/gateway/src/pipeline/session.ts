import type { Bytes, Clock } from '#base'
import {
  type Approvals,
  catalogue,
  type DecidedShape,
  type ErrorCode,
  GatewayError,
  type HeldOperation,
  type Log,
  type OpenSession,
  type Operation,
  type Outcome,
  type PayloadScrubber,
  type Permit,
  type Policy,
  type Receipt,
  type Refusal,
  type Session,
  type SessionEnd,
  type TrailOutlet,
  type Verdict,
} from '#model'
import { mint } from '#model/mint'
import { type Asked, type Asking, decideScrubbed, heldOf, intentOf } from './asking.ts'
import { deniedShape } from './denials.ts'
import { type AskedFor, Holds } from './holds.ts'
import type { LiveSessions, SessionEntry } from './live-sessions.ts'
import { refusal } from './refusals.ts'
import { type Way, wayOf } from './way.ts'

/** What a session needs of the boundary. */
export interface SessionPorts {
  readonly policy: () => Policy
  readonly trail: TrailOutlet
  readonly scrubber: PayloadScrubber
  readonly approvals: Approvals
  readonly clock: Clock
  readonly log: Log
  readonly live: LiveSessions
}

/** What the scrubber answers: the payload, nothing, or a promise of either. */
type Scrubbing = ReturnType<PayloadScrubber['scrub']>

const NONE: ReadonlyMap<number, HeldOperation> = new Map()

const UNUSED_APPROVAL = 'its approval was not used, because something beside it is refused'

const TOO_MANY_OPEN = 'as many operations of yours as may be are under way; wait until one has ended'

const REFUSED: Outcome = { status: 'refused', rows: 0, bytes: 0, durationMs: 0 }

/** One open session: decides and records batches, mints permits, keeps account of what still runs. */
export class GatedSession implements OpenSession {
  readonly session: Session
  readonly #entry: SessionEntry
  readonly #ports: SessionPorts
  readonly #holds: Holds
  /** Permits not yet completed, by the number of their intent. */
  readonly #open = new Map<number, Permit>()
  #closing: Promise<void> | undefined

  constructor(entry: SessionEntry, ports: SessionPorts) {
    this.session = entry.session
    this.#entry = entry
    this.#ports = ports
    this.#holds = new Holds(ports.approvals, entry.session, ports.log)
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
    // What is under way in the MCP server is what caused this, not what is when the payload has been scrubbed.
    const way = wayOf(this.session.via)
    const scrubbing = this.#scrub(batch)
    const payloads = areScrubbed(scrubbing) ? scrubbing : await this.#untilScrubbed(scrubbing)
    const asking = this.#asking(way)
    const asked = batch.map((operation, index) => decideScrubbed(operation, payloads[index], asking))
    return asked.some(isHeld)
      ? await this.#admitWithHolds(asked, asking)
      : await this.#reserving(asked, asking, 0, () => this.#record(asked, asking))
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

  #scrub(batch: readonly Operation[]): readonly Scrubbing[] {
    let ahead = 0
    return batch.map(({ payload }) => {
      const scrubbed = this.#ports.scrubber.scrub(payload, ahead)
      ahead += payload.length
      return scrubbed
    })
  }

  /** Waits for payloads that are scrubbed elsewhere; the session may end meanwhile. */
  async #untilScrubbed(scrubbing: readonly Scrubbing[]): Promise<readonly (Bytes | undefined)[]> {
    const payloads = await Promise.all(scrubbing.map(async (payload) => await payload))
    this.#refuseWhenEnded()
    return payloads
  }

  #asking(way: Way): Asking {
    return { policy: this.#ports.policy(), session: this.session, way, timeMs: this.#ports.clock.nowMs() }
  }

  /**
   * A batch with held operations: approvals are asked for, or, when there is one for each that needs one and nothing else in the batch is
   * refused, taken. A protocol does not run what stands beside something refused, and an approval is used once.
   */
  async #admitWithHolds(asked: readonly Asked[], asking: Asking): Promise<readonly Verdict[]> {
    const found = await this.#holds.covered(asked, asking)
    this.#refuseWhenEnded()
    const isWhole = asked.every(({ decided }, index) => decided.decision.outcome === 'allow' || found.has(index))
    const covered = isWhole ? found : NONE
    return await this.#reserving(asked, asking, covered.size, async () => {
      const taken = await this.#holds.take(covered)
      this.#refuseWhenEnded()
      // Decided once more, all of them, after all waiting: by the policy in force now, which must allow it with the same need.
      const now = this.#asking(asking.way)
      const again = asked.map(({ operation, payload }, index) =>
        decideScrubbed(operation, payload, now, taken.get(index)),
      )
      return await this.#record(again, now)
    })
  }

  /**
   * Reserves what a batch will hold open, of it `covered` by approvals, while it is being recorded; when that is more than one identity may,
   * it is denied as a whole, and no approval is taken.
   */
  async #reserving(
    asked: readonly Asked[],
    asking: Asking,
    covered: number,
    admit: () => Promise<readonly Verdict[]>,
  ): Promise<readonly Verdict[]> {
    const { holdings } = this.#entry
    const needed = asked.filter(({ decided }) => decided.decision.outcome === 'allow').length + covered
    if (holdings.operations + needed > this.#ports.live.operationsEach) {
      const denied = asked.map((each) => ({ ...each, decided: deniedShape(each.decided, 'SP_BUSY', TOO_MANY_OPEN) }))
      return await this.#record(denied, asking)
    }
    holdings.operations += needed
    try {
      return await admit()
    } finally {
      holdings.operations -= needed
    }
  }

  /** Records a decided batch, asks for the approvals that it takes, and answers. */
  async #record(asked: readonly Asked[], asking: Asking): Promise<readonly Verdict[]> {
    const intents = asked.map((each) => intentOf(each, asking))
    const receipts = await this.#ports.trail.record(intents)
    // The session may have been revoked while the record was being written: a permit must not outlive it.
    this.#refuseAllWhenEnded(receipts)
    if (!asked.some(isHeld)) return asked.map((each, index) => this.#verdict(each, at(receipts, index)))
    const requests = await this.#ask(asked, receipts)
    this.#refuseAllWhenEnded(receipts)
    return asked.map((each, index) => this.#verdict(each, at(receipts, index), requests[index]))
  }

  async #ask(asked: readonly Asked[], receipts: readonly Receipt[]): Promise<readonly (AskedFor | undefined)[]> {
    return await Promise.all(
      asked.map(async (each, index) => {
        const held = heldOf(each, this.session)
        return held === undefined ? undefined : await this.#holds.ask(held, at(receipts, index).sequence)
      }),
    )
  }

  #verdict({ operation, decided }: Asked, receipt: Receipt, request?: AskedFor): Verdict {
    this.#entry.operations++
    const { decision } = decided
    switch (decision.outcome) {
      case 'allow':
        return { kind: 'permit', permit: this.#mint(operation, receipt.sequence) }
      case 'deny':
        return {
          kind: 'refusal',
          refusal: this.#refuse(decided, receipt, { code: decision.code ?? 'SP_POLICY_DENIED' }),
        }
      case 'hold':
        return this.#hold(decided, receipt, request ?? { code: 'SP_APPROVAL_UNAVAILABLE' })
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

  #hold(decided: DecidedShape, receipt: Receipt, request: AskedFor): Verdict {
    if (!('pending' in request)) return { kind: 'refusal', refusal: this.#refuse(decided, receipt, request) }
    const { pending } = request
    // The reference of the request, which may be older: that is what is answered.
    const { ref } = pending
    if (pending.status === 'denied') {
      const code = 'SP_APPROVAL_DENIED'
      return {
        kind: 'refusal',
        refusal: this.#refuse(decided, receipt, { code, reason: catalogue[code].meaning, ref }),
      }
    }
    const why = { code: 'SP_POLICY_NEEDS_APPROVAL', ref } as const
    const isUnused = pending.status === 'approved'
    return {
      kind: 'refusal',
      refusal: this.#refuse(decided, receipt, isUnused ? { ...why, reason: UNUSED_APPROVAL } : why),
      pending,
    }
  }

  #refuse(
    decided: DecidedShape,
    receipt: Receipt,
    why: { readonly code: ErrorCode; readonly reason?: string; readonly ref?: string },
  ): Refusal {
    this.#conclude(receipt.sequence, why.ref === undefined ? REFUSED : { ...REFUSED, request: why.ref })
    const { resource, identity } = this.session
    const reason = decided.shape.incomplete ?? decided.decision.reason
    const facts = { what: decided.shape.verb, resource, identity, sequence: receipt.sequence, ...why }
    return refusal(facts.reason === undefined && reason !== undefined ? { ...facts, reason } : facts)
  }

  #conclude(intent: number, outcome: Outcome): void {
    this.#ports.trail.conclude({ kind: 'outcome', timeMs: this.#ports.clock.nowMs(), intent, outcome })
  }

  #refuseAllWhenEnded(receipts: readonly Receipt[]): void {
    if (!this.ended.aborted) return
    for (const receipt of receipts) this.#conclude(receipt.sequence, REFUSED)
    this.#refuseWhenEnded()
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

function isHeld({ decided }: Asked): boolean {
  return decided.decision.outcome === 'hold'
}

function areScrubbed(scrubbing: readonly Scrubbing[]): scrubbing is readonly (Bytes | undefined)[] {
  return !scrubbing.some((payload) => payload instanceof Promise)
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
