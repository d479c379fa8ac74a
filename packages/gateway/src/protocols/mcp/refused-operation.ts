import { formatRef } from '#base'
import type { OpenSession, Operation } from '#model'

/** Records an operation that is refused whatever policy says; its reference. */
export async function recordRefused(open: OpenSession, operation: Operation): Promise<string | undefined> {
  const [verdict] = await open.admit([operation])
  if (verdict?.kind !== 'permit') return verdict?.refusal.ref
  // A policy that permits what is not understood does not send it either.
  open.complete(verdict.permit, { status: 'refused', rows: 0, bytes: 0, durationMs: 0 })
  return formatRef(verdict.permit.sequence)
}
