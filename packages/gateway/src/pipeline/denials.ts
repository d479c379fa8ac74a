import type { DecidedShape, Decision, ErrorCode } from '#model'

/** What the boundary itself says no for, whatever policy says. */
type DenialCode = Extract<ErrorCode, 'SP_BUSY' | 'SP_SCRUB_UNAVAILABLE'>

/** A decision of policy with the boundary's own no over it. */
export function denied(decision: Decision, code: DenialCode, reason?: string): Decision {
  const { policyHash } = decision
  return { outcome: 'deny', policies: [], policyHash, code, ...(reason === undefined ? {} : { reason }) }
}

/** One for each decided shape and code: the trail writes a decided shape out once and then refers to it by identity. */
const deniedShapes = new WeakMap<DecidedShape, Map<DenialCode, DecidedShape>>()

/**
 * A decided shape with the boundary's own no over it; the same object comes back for the same. What policy denies stays its own no; what it holds
 * is denied when nobody could read what they would approve.
 */
export function deniedShape(decided: DecidedShape, code: DenialCode, reason?: string): DecidedShape {
  const { outcome } = decided.decision
  if (outcome === 'deny' || (outcome === 'hold' && code !== 'SP_SCRUB_UNAVAILABLE')) return decided
  const known = deniedShapes.get(decided) ?? new Map<DenialCode, DecidedShape>()
  deniedShapes.set(decided, known)
  const denial = known.get(code) ?? { shape: decided.shape, decision: denied(decided.decision, code, reason) }
  known.set(code, denial)
  return denial
}
