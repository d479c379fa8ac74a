import { type Bytes, toUtf8 } from '#base'
import type {
  ApprovalLink,
  AskedFacts,
  DecidedShape,
  HeldOperation,
  IntentEntry,
  Operation,
  Policy,
  Session,
  ViaFacts,
} from '#model'
import { deniedShape } from './denials.ts'
import type { Way } from './way.ts'

/** An operation of a batch with what was decided on it. */
export interface Asked {
  readonly operation: Operation
  /** The scrubbed payload; undefined when it could not be scrubbed. */
  readonly payload: Bytes | undefined
  readonly decided: DecidedShape
  /** The candidate that determined it, of something that comes through an MCP server. */
  readonly via: ViaFacts | undefined
  /** The approval that was taken for it. */
  readonly approval: ApprovalLink | undefined
}

/** An approval that was taken, and the need that it met. */
export interface Taken {
  readonly link: ApprovalLink
  readonly need: string
}

/** Who asks, how and when. */
export interface Asking {
  readonly policy: Policy
  readonly session: Session
  readonly way: Way
  readonly timeMs: number
}

const BADNESS: Readonly<Record<DecidedShape['decision']['outcome'], number>> = { allow: 0, hold: 1, deny: 2 }

/**
 * Decides one operation: for each tool that may be behind it, and the worst decides. With `approved` the question is whether it may be done
 * with an approval that met this need.
 */
export function decide(
  operation: Operation,
  { policy, session, way, timeMs }: Asking,
  approved?: string,
): Pick<Asked, 'decided' | 'via'> {
  const ask = (via: ViaFacts | undefined): Pick<Asked, 'decided' | 'via'> => ({
    via,
    decided: policy.decide(session, operation.shape, timeMs, factsOf(operation, via, approved)),
  })
  return way.candidates
    .map(ask)
    .reduce((worst, next) => (badnessOf(next.decided) > badnessOf(worst.decided) ? next : worst))
}

/** Decides an operation that was scrubbed, or denies it because it could not be. */
export function decideScrubbed(
  operation: Operation,
  payload: Bytes | undefined,
  asking: Asking,
  approval?: Taken,
): Asked {
  const { decided, via } = decide(operation, asking, approval?.need)
  return {
    operation,
    payload,
    decided: payload === undefined ? deniedShape(decided, 'SP_SCRUB_UNAVAILABLE') : decided,
    via,
    approval: decided.decision.outcome === 'allow' ? approval?.link : undefined,
  }
}

/** A held operation as approvals know it; undefined when it is not held. */
export function heldOf({ operation, payload, decided, via }: Asked, session: Session): HeldOperation | undefined {
  if (decided.decision.outcome !== 'hold' || payload === undefined) return undefined
  return { session, operation, scrubbed: payload, decided, ...(via === undefined ? {} : { via }) }
}

/** The intent of an asked operation; the payload of one that could not be scrubbed says how long it was. */
export function intentOf(asked: Asked, { session, way, timeMs }: Asking): IntentEntry {
  const { decided, payload, approval } = asked
  return {
    kind: 'intent',
    timeMs,
    session,
    decided,
    payload: payload ?? unscrubbed(asked.operation.payload),
    ...(way.recorded === undefined ? {} : { via: way.recorded }),
    ...(approval === undefined ? {} : { approval }),
  }
}

function unscrubbed(payload: Bytes): Bytes {
  return toUtf8(JSON.stringify({ unscrubbed: payload.length }))
}

function badnessOf({ decision }: DecidedShape): number {
  return BADNESS[decision.outcome]
}

/** Undefined when there is nothing besides session and shape, which is what most decisions depend on alone. */
function factsOf(
  operation: Operation,
  via: ViaFacts | undefined,
  approved: string | undefined,
): AskedFacts | undefined {
  const { arguments: given } = operation
  if (given === undefined && via === undefined && approved === undefined) return undefined
  return {
    ...(given === undefined ? {} : { arguments: given }),
    ...(via === undefined ? {} : { via }),
    ...(approved === undefined ? {} : { approved }),
  }
}
