import type { Bytes } from '#base'
import type { RequestStatus } from './approval.ts'

/**
 * The ports of the control store: what identity and vault keep, as they see it. Times are milliseconds since the Unix epoch. Every
 * method that changes something is atomic and durable when its promise resolves.
 */
export interface ControlStore {
  readonly identity: IdentityStore
  readonly secrets: SecretStore
  readonly keys: KeyStore
  readonly requests: RequestStore
  close(): Promise<void>
}

/** What identity keeps. */
export interface IdentityStore {
  readonly artefacts: ArtefactStore
  readonly roster: RosterStore
  readonly logins: LoginStore
  readonly revocations: RevocationStore
}

/** An OAuth artefact (token, code, browser session…) as it rests: named by a keyed digest of its id, which is never stored. */
export interface StoredArtefact {
  /** The kind of artefact: `AccessToken`, `RefreshToken`, `AuthorizationCode`… */
  readonly model: string
  /** Keyed digest of the id (64 hexadecimal digits); unique within a model. */
  readonly digest: string
  readonly sealed: Bytes
  /** The login it belongs to (`grt_…`). */
  readonly grantId?: string
  /** The name of an access token that cannot be used as one (`tok_…`). */
  readonly tokenId?: string
  /** Keyed digest of a browser session's second name. */
  readonly uidDigest?: string
  /** Keyed digest of a device flow's user code. */
  readonly userCodeDigest?: string
  readonly expiresAtMs: number
  /** When a sweep may remove it; not before `expiresAtMs`. */
  readonly keepUntilMs: number
  readonly consumedAtMs?: number
}

/** Keeps OAuth artefacts. */
export interface ArtefactStore {
  /** Writes one, replacing one of the same model and digest; whether it was consumed stays as it was. */
  put(artefact: StoredArtefact): Promise<void>
  /** Expired ones are found until they are swept. */
  find(model: string, digest: string): Promise<StoredArtefact | undefined>
  findByUid(model: string, uidDigest: string): Promise<StoredArtefact | undefined>
  findByUserCode(model: string, userCodeDigest: string): Promise<StoredArtefact | undefined>
  findByTokenId(tokenId: string): Promise<StoredArtefact | undefined>
  /** How many there are of a model, expired ones included that are not swept yet. */
  count(model: string): Promise<number>
  /** Marks one as consumed; false when it was consumed before or is not there, so that of two callers one wins. */
  consume(model: string, digest: string, atMs: number): Promise<boolean>
  /** Takes a consumption back. */
  release(model: string, digest: string): Promise<void>
  remove(model: string, digest: string): Promise<void>
  removeByGrant(grantId: string): Promise<void>
  /** Removes up to `limit` whose `keepUntilMs` has passed; answers how many. */
  sweep(nowMs: number, limit: number): Promise<number>
}

/** Who an identity's id stands for. Name and e-mail can be erased; the id stays, because records carry it. */
export interface RosterEntry {
  readonly id: string
  readonly kind: 'person' | 'workload'
  readonly issuer: string
  readonly subject: string
  readonly name?: string
  readonly email?: string
  /** As last stated by the identity provider or the configuration, sorted. */
  readonly groups: readonly string[]
  readonly firstSeenMs: number
  readonly lastSeenMs: number
}

/** Keeps the roster. */
export interface RosterStore {
  /** Writes an entry; of one that is there already `firstSeenMs` stays. */
  put(entry: RosterEntry): Promise<void>
  find(id: string): Promise<RosterEntry | undefined>
  /** Those of the ids that are known; at most 500 ids. */
  findAll(ids: readonly string[]): Promise<readonly RosterEntry[]>
  /** Those whose id is the text, or whose name or e-mail is it but for upper and lower case; at most `limit`. */
  search(text: string, limit: number): Promise<readonly RosterEntry[]>
  /** Entries ordered by id, behind `after`. */
  list(limit: number, after?: string): Promise<readonly RosterEntry[]>
  /** Erases name and e-mail; false when there is no such entry. */
  erase(id: string): Promise<boolean>
}

/** A login: the grant behind a person's tokens. */
export interface StoredLogin {
  /** `grt_…` */
  readonly grantId: string
  readonly identityId: string
  /** The OAuth client through which the person acts. */
  readonly clientId: string
  /** Whether the identity provider vouched for more than one factor at this login. */
  readonly mfa: boolean
  readonly createdAtMs: number
  readonly endsAtMs: number
  readonly revoked?: RevocationNote
}

/** When, by whom and why something was revoked. */
export interface RevocationNote {
  readonly atMs: number
  /** The id of who revoked it. */
  readonly by: string
  readonly reason: string
}

/** Keeps logins. */
export interface LoginStore {
  create(login: StoredLogin): Promise<void>
  find(grantId: string): Promise<StoredLogin | undefined>
  /** Newest first. */
  list(filter: LoginFilter): Promise<readonly StoredLogin[]>
  /** Marks one as revoked; false when it was before or is not there. */
  revoke(grantId: string, note: RevocationNote): Promise<boolean>
  /** Marks all of an identity that are not yet revoked; answers their grant ids. */
  revokeAll(identityId: string, note: RevocationNote): Promise<readonly string[]>
}

/** Which logins. */
export interface LoginFilter {
  readonly identityId?: string
  /** Only those neither revoked nor ended at this time. */
  readonly activeAtMs?: number
  readonly limit: number
}

/** A revocation of something that is not kept itself: a job token, or all job tokens of a workload up to a time. */
export interface StoredRevocation extends RevocationNote {
  readonly kind: 'token' | 'identity'
  readonly id: string
  readonly keepUntilMs: number
}

/** Keeps revocations. */
export interface RevocationStore {
  /** Writes one, replacing an older one of the same kind and id. */
  put(revocation: StoredRevocation): Promise<void>
  find(kind: StoredRevocation['kind'], id: string): Promise<StoredRevocation | undefined>
  /** Removes up to `limit` whose `keepUntilMs` has passed; answers how many. */
  sweep(nowMs: number, limit: number): Promise<number>
}

/** What may be listed of a secret: never its value. */
export interface SecretFacts {
  readonly name: string
  /** Counts from 1. */
  readonly version: number
  readonly createdAtMs: number
  /** When the present value was set. */
  readonly rotatedAtMs: number
  readonly lastUsedAtMs?: number
}

/** A secret as it rests. */
export interface StoredSecret extends SecretFacts {
  readonly sealed: Bytes
}

/** Keeps sealed secrets. */
export interface SecretStore {
  find(name: string): Promise<StoredSecret | undefined>
  /** Ordered by name. */
  list(): Promise<readonly SecretFacts[]>
  /** Writes version 1; false when the name is taken. */
  create(name: string, sealed: Bytes, atMs: number): Promise<boolean>
  /** Replaces the value if the version is still the given one, and counts it up; false when it is not. */
  replace(name: string, version: number, sealed: Bytes, atMs: number): Promise<boolean>
  /** Notes a use; an older time than the noted one changes nothing. */
  noteUse(name: string, atMs: number): Promise<void>
}

/** Keeps sealed keys of Sallyport's own. */
export interface KeyStore {
  find(name: string): Promise<Bytes | undefined>
  /** Writes a key unless the name is taken; answers the key that is in force afterwards, so that of two writers both hold the same. */
  create(name: string, sealed: Bytes, atMs: number): Promise<Bytes>
}

/** A request for a held operation. */
export interface StoredRequest {
  /** Its reference: that of the record that holds the operation. */
  readonly ref: string
  /** Keyed digest (hexadecimal) of what it binds to: person, client, way, resource, exact operation. Never of card data alone. */
  readonly digest: string
  readonly identityId: string
  readonly agentId?: string
  /** What the agent calls itself. */
  readonly agentName?: string
  readonly resource: string
  readonly server?: string
  readonly tool?: string
  readonly verb: string
  readonly template: string
  readonly need: string
  readonly reason: string
  readonly policies: readonly string[]
  readonly policyHash: string
  /** The scrubbed payload, sealed, for whoever answers; wiped (empty) once nothing can be answered or run any more. */
  readonly sealed: Bytes
  readonly openedAtMs: number
  /** Open: until when it can be answered; approved: until when it can be used; denied: until when the same is not asked again. */
  readonly expiresAtMs: number
  readonly status: RequestStatus
  /** Numbers of the records of the request and of its answers, in order. */
  readonly records: readonly number[]
  readonly answers: readonly StoredAnswer[]
  readonly usedAtMs?: number
}

/** One person's answer. */
export interface StoredAnswer {
  readonly identityId: string
  readonly answer: 'approve' | 'deny'
  /** Groups of the need that the person was in when answering. */
  readonly groups: readonly string[]
  readonly reason: string
  readonly atMs: number
}

/** Which requests. */
export interface RequestFilter {
  readonly identityId?: string
  readonly limit: number
}

/** Keeps requests. */
export interface RequestStore {
  create(request: StoredRequest): Promise<void>
  find(ref: string): Promise<StoredRequest | undefined>
  /** The newest of this digest that is open, approved or denied and has not expired. */
  findByDigest(digest: string, nowMs: number): Promise<StoredRequest | undefined>
  /** How many of an identity are open and have not expired: of those that it asked itself, or of those through one agent. */
  countOpen(asker: Pick<StoredRequest, 'identityId' | 'agentId'>, nowMs: number): Promise<number>
  /** Newest first. */
  list(filter: RequestFilter): Promise<readonly StoredRequest[]>
  /** The references of those that are open or approved, have not expired, and that an identity asked for or has approved. */
  liveOf(identityId: string, nowMs: number): Promise<readonly string[]>
  /** Adds an answer to one that is open, has this many answers and has not expired at the answer's time; false when it is not (any more). */
  answer(ref: string, answers: number, change: RequestAnswer): Promise<boolean>
  /** Marks one as used that is approved, not used and not expired; of two callers one wins. */
  use(ref: string, atMs: number): Promise<boolean>
  /** Those open or approved whose time is over, longest over first. */
  due(nowMs: number, limit: number): Promise<readonly StoredRequest[]>
  /** Marks one as expired that is open or approved and whose time is over; false when it is not (any more). */
  expire(ref: string, record: number, nowMs: number): Promise<boolean>
  /** Removes up to this many that are denied, expired or used and whose time was over at this moment; answers how many. */
  sweep(overAtMs: number, limit: number): Promise<number>
}

/** An answer with what it makes of the request. */
export interface RequestAnswer {
  readonly answer: StoredAnswer
  /** The number of the answer's record. */
  readonly record: number
  readonly status: Extract<RequestStatus, 'open' | 'approved' | 'denied'>
  /** When the request then expires; absent when that stays. */
  readonly expiresAtMs?: number
}
