/**
 * model: the vocabulary that everybody shares, and the ports between layers.
 *
 * Pure types and values: no I/O, no time, no randomness. `Permit` leaves this door as a type and its guard only: minting it is behind
 * `#model/mint` (pipeline), reading the trail behind `#model/read` (evidence, api, app).
 */
export type { ApprovalLink, Approvals, HeldOperation, PendingRequest, RequestStatus } from './approval.ts'
export type { BoundaryAction, DecidedShape, Decision } from './decision.ts'
export { catalogue, type CatalogueEntry, type ErrorCode, GatewayError } from './errors.ts'
export type { Agent, Identity, Person, Workload } from './identity.ts'
export { formatNeed, isNeedMet, joinNeeds, missingFor, type Need, type NeedAnswer, parseNeed } from './need.ts'
export {
  type Access,
  type Effect,
  MAX_PAYLOAD_BYTES,
  type MaskedColumn,
  type MaskingSummary,
  type ObjectName,
  type Operation,
  type Outcome,
  type OutcomeStatus,
  type Shape,
} from './operation.ts'
export { isMinted, type Permit } from './permit.ts'
export {
  type AskedFacts,
  type Credentials,
  type DoorFacts,
  type Gate,
  isRefusal,
  type Log,
  type Masking,
  type MaskVerdict,
  type OpenRequest,
  type OpenSession,
  type PayloadScrubber,
  type PrivateDoor,
  type PrivateDoors,
  type Policy,
  type RejectedCredential,
  type ResultColumn,
  type ResultMasker,
  type Revocation,
  type Scrubber,
  type Sealer,
  type SecretSource,
  type Verdict,
  type VerifiedCredential,
} from './ports.ts'
export type { Refusal } from './refusal.ts'
export type { CardColumn, DatabaseResource, PinnedTool, Resource, ToolServer } from './resource.ts'
export type { ClientAddress, Session, SessionEnd } from './session.ts'
export type {
  ArtefactStore,
  ControlStore,
  IdentityStore,
  KeyStore,
  LoginFilter,
  LoginStore,
  RequestAnswer,
  RequestFilter,
  RequestStore,
  RevocationNote,
  RevocationStore,
  RosterEntry,
  RosterStore,
  SecretFacts,
  SecretStore,
  StoredAnswer,
  StoredArtefact,
  StoredLogin,
  StoredRequest,
  StoredRevocation,
  StoredSecret,
} from './stores.ts'
export type { EventEntry, IntentEntry, OutcomeEntry, Receipt, TrailEvent, TrailOutlet } from './trail.ts'
export type { RecordedVia, RunningCall, ViaFacts, ViaLink } from './via.ts'
