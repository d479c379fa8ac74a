/**
 * pipeline: the data path. Opens sessions, decides operations, has them recorded, mints permits.
 *
 * The order is the product: verify, decide, record, and only then a permit; whoever sends bytes to a resource must show one. It knows no
 * protocol and no store, only ports. It can write the trail and never read it. Every fault on the way is a refusal.
 */
export { type GateOptions, createGate, type SessionGate } from './gate.ts'
export type { LiveSession, SessionLimits } from './live-sessions.ts'
