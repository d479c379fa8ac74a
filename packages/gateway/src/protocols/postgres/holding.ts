/**
 * The wait of a held statement for its answer, when it can wait: it stands alone, in somebody's own session, and nothing that was written waits
 * with it. Whoever waits is told what for, and how to stop.
 */
import type { OpenSession, PendingRequest, Refusal, RequestStatus, Scrubber, Verdict } from '#model'
import type { ClientWriter } from './client/writer.ts'
import { encodeNotice } from './refuse.ts'
import type { Plan, Slot, Step } from './steps.ts'

/** A step that carries or runs a statement. */
type StatementStep = Extract<Step, { kind: 'query' | 'parse' | 'bind' | 'execute' }>

/** A held statement that stands alone in its plan. */
export interface HeldAlone {
  readonly slot: Slot
  /** Where words stand that refuse it. */
  readonly step: StatementStep
  readonly pending: PendingRequest
}

/**
 * The held statement of a plan that can wait for its answer: the only operation there, of which the database knows nothing yet. What comes through
 * an MCP server does not wait here: its caller waits for the tool.
 */
export function heldAlone(plan: Plan, verdicts: readonly Verdict[], { session }: OpenSession): HeldAlone | undefined {
  const [slot, ...others] = plan.slots
  const [verdict] = verdicts
  if (slot === undefined || others.length > 0 || session.via !== undefined) return undefined
  if (verdict?.kind !== 'refusal' || verdict.pending === undefined) return undefined
  const { pending } = verdict
  const step = plan.steps.find((each): each is StatementStep => carries(each, slot))
  if (step === undefined || step.words !== undefined) return undefined
  if (step.batch.isFailed || step.batch.isOpenUpstream) return undefined
  return { slot, step, pending }
}

function carries(step: Step, slot: Slot): step is StatementStep {
  if (step.kind === 'query') return step.parts.some((part) => part.slot === slot)
  return (step.kind === 'parse' || step.kind === 'bind' || step.kind === 'execute') && step.slot === slot
}

/** Who waits, and can be told to stop. One statement of a session waits at a time. */
export class Holding {
  readonly #writer: ClientWriter
  readonly #scrubber: Scrubber
  readonly #limitMs: number
  #waiting: AbortController | undefined

  /** `limitMs` is how long a statement waits at most; 0: not at all. */
  constructor(writer: ClientWriter, scrubber: Scrubber, limitMs: number) {
    this.#writer = writer
    this.#scrubber = scrubber
    this.#limitMs = limitMs
  }

  /** Whether anything waits at all. */
  get isOn(): boolean {
    return this.#limitMs > 0
  }

  /** Tells the client what it waits for, and waits: for the answer, until the time is over, or until it is stopped. */
  async wait({ slot, pending }: HeldAlone, resource: string): Promise<RequestStatus> {
    const { ref, need } = pending
    const { verb } = slot.operation.shape
    const seconds = String(Math.round(this.#limitMs / 1000))
    this.#writer.send(
      encodeNotice(
        `${verb} on "${resource}" is held: it needs the approval of ${need} [ref ${ref}]`,
        this.#scrubber,
        `To approve: sallyport approve ${ref}. Waiting for up to ${seconds} s; Ctrl-C stops the wait, the request stays open.`,
      ),
    )
    this.#writer.flush()
    this.#waiting = new AbortController()
    try {
      return await pending.answered(this.#limitMs, this.#waiting.signal)
    } finally {
      this.#waiting = undefined
    }
  }

  /** Ends the wait, if there is one. */
  stop(): void {
    this.#waiting?.abort()
  }
}

/** What is said when a wait ended without an approval. */
export function unapproved({ slot, pending }: HeldAlone, status: RequestStatus, resource: string): Refusal {
  const { ref } = pending
  const what = `${slot.operation.shape.verb} on "${resource}"`
  if (status === 'denied') {
    const message = `${what} was denied by an approver [ref ${ref}]`
    return { code: 'SP_APPROVAL_DENIED', message, hint: `see who and why with: sallyport show ${ref}`, ref }
  }
  const isOver = status !== 'open'
  const message = `not approved in time: ${what}; the request ${isOver ? 'has expired' : 'is still open'} [ref ${ref}]`
  const hint = isOver
    ? 'do it again to ask for it again'
    : `have it approved with: sallyport approve ${ref}; then do exactly the same again`
  return { code: 'SP_POLICY_NEEDS_APPROVAL', message, hint, ref }
}
