/**
 * The reading side of the trail: closed to pipeline and protocols, which can write the trail and never read it.
 */
export type {
  InclusionProof,
  InclusionProofs,
  PolicyUse,
  RecordPage,
  RecordQuery,
  RecordRow,
  RecordSpan,
  SignedHead,
  TrailReader,
  TrailStatus,
  UseQuery,
} from './reader.ts'
export type { PayloadKeys } from './payload-keys.ts'
