/**
 * The admission of plans: each operation of a plan gets a permit or a refusal, all of them at once and on one record. A held statement that may wait
 * does so here, and is asked for again when it was approved.
 */
import { type ErrorCode, GatewayError, type OpenSession, type Verdict } from '#model'
import { type HeldAlone, heldAlone, type Holding, unapproved } from './holding.ts'
import { alone, type Meanings } from './meanings.ts'
import type { PermitLedger } from './permitted.ts'
import type { Responses } from './responses.ts'
import type { Sender } from './send.ts'
import type { Plan, Slot } from './steps.ts'
import { words } from './words.ts'

/** What admitting needs. */
export interface AdmissionContext {
  readonly open: OpenSession
  readonly ledger: PermitLedger
  readonly meanings: Meanings
  readonly holding: Holding
  readonly sender: Sender
  readonly responses: Responses
  /** Called before a statement runs that has waited: what is known of the database may be old by then. */
  readonly renew: () => Promise<void>
  readonly isOver: () => boolean
}

/** Why the operations of a plan have no record; then none of them ran. */
export type Unrecorded = 'SP_TRAIL_UNAVAILABLE' | 'SP_OPERATION_TOO_LARGE'

/** Admits the plans of one session, one at a time. */
export class Admission {
  readonly #context: AdmissionContext
  #isUnderWay = false
  #isCancelled = false

  constructor(context: AdmissionContext) {
    this.#context = context
  }

  /** What is being admitted is not to run; what waits for its approval stops waiting. */
  cancel(): void {
    if (this.#isUnderWay) this.#isCancelled = true
    this.#context.holding.stop()
  }

  /** Asks for permits; returns why nothing could be recorded: the trail cannot be written, or not so much at once. */
  async admit(plan: Plan): Promise<Unrecorded | undefined> {
    if (plan.slots.length === 0) return undefined
    this.#isUnderWay = true
    this.#isCancelled = false
    try {
      await this.#ask(plan)
    } catch (error) {
      if (error instanceof GatewayError && isUnrecorded(error.code)) return error.code
      throw error
    } finally {
      this.#isUnderWay = false
    }
    if (this.#isCancelled) cancelFirst(plan)
    return undefined
  }

  async #ask(plan: Plan): Promise<void> {
    const { open, meanings } = this.#context
    const uncertain = meanings.uncertain(plan)
    const verdicts = await open.admit(plan.slots.map((slot) => meanings.of(slot, !uncertain.has(slot))))
    for (const [index, slot] of plan.slots.entries()) this.#settle(slot, verdicts[index])
    for (const slot of uncertain) if (slot.refusal !== undefined) slot.refusal = alone(slot.refusal)
    const held = heldAlone(plan, verdicts, open)
    if (held !== undefined && !uncertain.has(held.slot)) await this.#hold(held)
  }

  #settle(slot: Slot, verdict: Verdict | undefined): void {
    if (verdict === undefined) throw new TypeError('fewer verdicts than operations')
    if (verdict.kind === 'permit') {
      slot.permitted = this.#context.ledger.enter(verdict.permit)
      delete slot.refusal
    } else slot.refusal = verdict.refusal
  }

  /** Lets a held statement wait for its answer, unless others would wait for it; approved, the very same is asked for again. */
  async #hold(held: HeldAlone): Promise<void> {
    const { open, holding, sender, responses, meanings, renew } = this.#context
    const { slot, step } = held
    if (!holding.isOn) return
    await sender.allAnswered()
    const isHarmless = !sender.isDoomed && !responses.hasWritten && !step.batch.isFailed
    if (this.#isLeft() || !isHarmless) return this.#cancelHeld(held)
    const resource = open.session.resource.name
    const status = await holding.wait(held, resource)
    if (this.#isLeft()) return this.#cancelHeld(held)
    if (status !== 'approved') {
      slot.refusal = unapproved(held, status, resource)
      return
    }
    await renew()
    // An approval is used by asking.
    if (this.#isLeft()) return this.#cancelHeld(held)
    // Everything before it is answered.
    const [verdict] = await open.admit([meanings.of(slot, true)])
    this.#settle(slot, verdict)
  }

  /** Whether nobody wants it any more. */
  #isLeft(): boolean {
    return this.#context.isOver() || this.#isCancelled
  }

  /** Says to whoever cancelled that it was cancelled; the request stays open. */
  #cancelHeld({ step }: HeldAlone): void {
    if (this.#isCancelled) step.words ??= words.cancelled
  }
}

function isUnrecorded(code: ErrorCode): code is Unrecorded {
  return code === 'SP_TRAIL_UNAVAILABLE' || code === 'SP_OPERATION_TOO_LARGE'
}

/** A cancellation came while the batch was being admitted: what would run first does not. */
function cancelFirst(plan: Plan): void {
  for (const step of plan.steps) {
    if (step.kind === 'query' || ('slot' in step && step.kind !== 'refused' && step.slot?.permitted !== undefined)) {
      step.words ??= words.cancelled
      return
    }
  }
}
