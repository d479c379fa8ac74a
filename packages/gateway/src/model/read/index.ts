/**
 * The reading side of the trail: closed to pipeline and protocols, which can write the trail and never read it.
 */
export type { RecordQuery, RecordRow, RecordPage, TrailReader, TrailStatus } from './reader.ts'
export type { PayloadKeys } from './payload-keys.ts'
