/**
 * trail: the writing side of the tamper-evident log of one node.
 *
 * A call to `record` is checked, scrubbed, sealed and written by one synchronous write into the write-ahead files; its receipt says that it is durable on this
 * machine. A sequencer in a thread of its own derives the log from those files: OCSF records, encrypted payloads, Merkle tiles and a signed checkpoint, in the
 * formats that `@sallyport/verifier` checks. Recovery is the sequencer's own code over the same files.
 *
 * It never reads back for others: queries and payloads are the reading side's, from the public folder and `PayloadKeys`. When records cannot be made durable
 * every `record` is refused, and the trail goes on by itself when they can, with a record that declares the gap.
 *
 * `docs/spec/record.md` says what a record holds; `docs/spec/trail.md` how it gets there, what each crash point loses, and what a receipt means.
 */
export { openTrail } from './open-trail.ts'
export type { Availability, CheckpointNews, Trail, TrailOptions, TrailStanding } from './options.ts'
export { DEFAULT_LIMITS, MAX_CALL_BYTES, type TrailLimits } from './limits.ts'
export { EVENT_CLASSES, type EventClass } from './activities.ts'
export { type FilePort, type OpenFile } from './file-port.ts'
