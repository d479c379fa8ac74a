/**
 * api: the HTTP API that the command line (and later the console) speaks.
 *
 * Bearer tokens of audience `<publicUrl>/api` only. Each reading of the trail and each change is decided by policy and on record before
 * it is done. All rules are behind ports (`services.ts`); a route is parsing, authorisation, one call, one answer.
 */
export {
  API_VERSION,
  type PayloadView,
  type Problem,
  type RecordExplanation,
  type RecordFilter,
  type RecordList,
  type RecordView,
  type RevocationRequest,
  type SecretList,
  type SessionList,
  type SessionView,
  type TrailStatusView,
  type TrailVerification,
  type WhoAmI,
} from './contract.ts'
export {
  EVIDENCE_HEADERS,
  type EntitlementList,
  type EntitlementView,
  type EvidenceRequest,
} from './evidence-contract.ts'
export type { RequestFacts, RequestList, RequestView } from './request-contract.ts'
export { createApi } from './routes.ts'
export type { Transcript, TranscriptEntry } from './transcript-contract.ts'
export type {
  ApiServices,
  BuiltEvidence,
  EvidenceControl,
  Explain,
  Logins,
  RevocationTarget,
  SecretControl,
  SecretListing,
  SessionControl,
} from './services.ts'
