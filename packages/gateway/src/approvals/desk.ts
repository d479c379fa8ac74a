import type { Approvals, ClientAddress, ErrorCode, Identity, RequestStatus, StoredAnswer, StoredRequest } from '#model'

/** Who answers, and from where. */
export interface Participant {
  readonly identity: Identity
  readonly client: ClientAddress
  /** Whether they may know of every request; answering takes more. */
  readonly knowsAll?: boolean
}

/** A request as somebody sees it: no payload, no digest; how it stands now. */
export interface RequestView extends Omit<StoredRequest, 'sealed' | 'digest'> {
  /** Who is still missing, as a need; empty when nobody is. */
  readonly missing: string
  /** Whether the one who looks may answer it now. */
  readonly mayAnswer: boolean
}

/** Which requests somebody wants to see. */
export interface RequestWish {
  readonly status?: RequestStatus
  /** Only one's own. */
  readonly mine?: boolean
  /** 1 to 500. */
  readonly limit: number
}

/** What became of an answer. */
export type Answered =
  /** Nothing of this reference that the answerer could know of. */
  | { readonly kind: 'unknown' }
  /** Not taken, and on record under this number. */
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly reason: string; readonly record: number }
  | { readonly kind: 'answered'; readonly request: RequestView; readonly record: number }

/** Requests: for the data path to ask, for people to look at and to answer. */
export interface ApprovalDesk extends Approvals {
  /**
   * Requests, newest first: one's own, those that one may answer or has answered; with `all` everybody's. Without payloads.
   */
  list(reader: Identity, wish: RequestWish, all: boolean): Promise<readonly RequestView[]>
  /** One request, when the reader may know of it. */
  find(ref: string, reader: Identity, all: boolean): Promise<RequestView | undefined>
  /** The scrubbed payload of a request that can still be answered or used; the caller has recorded that it is being opened. */
  payload(ref: string): Promise<Uint8Array | undefined>
  /**
   * Answers a request. Recorded before it takes effect; so is an answer that is refused. To somebody who may not know of a request there is none.
   *
   * @param reason in the answerer's words; scrubbed before it is kept.
   * @throws {GatewayError} `SP_TRAIL_UNAVAILABLE`: nothing has changed.
   */
  answer(ref: string, by: Participant, answer: StoredAnswer['answer'], reason: string): Promise<Answered>
  /**
   * Ends the open and the approved requests of somebody whose access was revoked, and those that they approved and that did not run yet. What cannot be
   * recorded at once is tried again at each sweep, and until then none of these covers anything. Never rejects.
   */
  withdraw(identityId: string): Promise<void>
  /** Ends requests whose time is over, and forgets those that ended long ago; to be called every few seconds. Never rejects. */
  sweep(): Promise<void>
}
