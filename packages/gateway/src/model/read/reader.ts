import type { Bytes, JsonObject } from '#base'

/** A filter over records; all given members must match. */
export interface RecordQuery {
  /** Records with a number below this one (for paging back). */
  readonly before?: number
  /** Records with a number above this one (for following). */
  readonly after?: number
  /** A stable identity id. */
  readonly identity?: string
  readonly resource?: string
  readonly session?: string
  readonly decision?: 'allow' | 'deny' | 'hold'
  readonly phase?: 'intent' | 'outcome' | 'event'
  readonly verb?: string
  /** Calls of this MCP server, and what it sends under the callers' names. */
  readonly server?: string
  /** Calls of a tool of this name, and what they caused for certain. */
  readonly tool?: string
  /** Through an AI agent of this id or name. */
  readonly agent?: string
  /** About the request for approval of this reference: the request, its answers, what ran under it; not what was held first. */
  readonly approval?: string
  /** What the call with this number may have caused. */
  readonly causedBy?: number
  /** What calls of this session may have caused, whatever session it was in. */
  readonly causedBySession?: string
  readonly fromMs?: number
  readonly toMs?: number
  /** At most this many, newest first unless `after` is given; 1 to 1,000. */
  readonly limit: number
}

/** One record as the index holds it: the leaf, parsed, with its number. */
export interface RecordRow {
  readonly sequence: number
  readonly leaf: JsonObject
  /** The outcome's leaf, when the record is an intent that has one. */
  readonly outcome?: JsonObject
}

/** A page of records. */
export interface RecordPage {
  readonly rows: readonly RecordRow[]
  /** The index covers records below this number. */
  readonly indexed: number
}

/** The numbers of the records of a period. */
export interface RecordSpan {
  readonly first: number
  readonly last: number
  /** How many records of the period there are; others can lie between first and last, since order is not time. */
  readonly count: number
}

/** Which uses; all given members must match. */
export interface UseQuery {
  /** A policy's id. */
  readonly policy?: string
  /** A stable identity id. */
  readonly identity?: string
  readonly resource?: string
  readonly server?: string
  readonly tool?: string
  /** At most this many, those used last first; 1 to 10,000. */
  readonly limit: number
}

/** That a policy let somebody do something, and when last. */
export interface PolicyUse {
  /** The policy's id: it determined an allow. */
  readonly policy: string
  /** The stable identity id. */
  readonly identity: string
  /** The verb of an operation (`SELECT`, `tools/call`), `connect`, or the action on the boundary itself (`readTrail`). */
  readonly verb: string
  readonly resource?: string
  /** The MCP server called or in between. */
  readonly server?: string
  /** The tool called, or which certainly caused it. */
  readonly tool?: string
  /** The last record. */
  readonly sequence: number
  readonly timeMs: number
  /** How many records in all. */
  readonly uses: number
}

/** A signed head of the log. */
export interface SignedHead {
  readonly origin: string
  readonly size: number
  /** SHA-256 (hexadecimal). */
  readonly root: string
  /** The signed note, as published. */
  readonly note: string
}

/** That records are in the log of a signed head. */
export interface InclusionProofs {
  readonly head: SignedHead
  /** One for each record asked for, in order; undefined for one that the head does not cover. */
  readonly proofs: readonly (InclusionProof | undefined)[]
}

/** RFC 9162 §2.1.3: the leaf's hash and the path from it to the root, hexadecimal. */
export interface InclusionProof {
  readonly sequence: number
  readonly leafHash: string
  readonly path: readonly string[]
}

/** How the trail stands. */
export interface TrailStatus {
  readonly origin: string
  /** Durable records. */
  readonly durable: number
  /** Records in the last signed checkpoint. */
  readonly size: number
  readonly checkpointTimeMs: number
  readonly indexed: number
  /** Milliseconds that the sequencer is behind the durable position. */
  readonly lagMs: number
  readonly writable: boolean
  readonly verifierKey: string
}

/** Reads what was recorded. */
export interface TrailReader {
  query(query: RecordQuery): Promise<RecordPage>
  /** One record by its number, or undefined when it is not (yet) in a checkpoint. */
  record(sequence: number): Promise<RecordRow | undefined>
  /** The records of a period, both ends included, with numbers below `size`, as far as they are indexed; undefined when it has none. */
  span(fromMs: number, toMs: number, size: number): Promise<RecordSpan | undefined>
  /** What policies were used for, by whom, and when last. */
  uses(query: UseQuery): Promise<readonly PolicyUse[]>
  /**
   * Proves records against the last published checkpoint; each proof was checked against its root.
   *
   * @throws {GatewayError} `SP_API_UNAVAILABLE` when there is no checkpoint yet; `SP_TRAIL_TAMPERED` when a proof does not give the signed root.
   */
  prove(sequences: readonly number[]): Promise<InclusionProofs>
  /** The scrubbed payload of a record, opened; undefined when it has none or its day's key was erased. */
  payload(sequence: number): Promise<Bytes | undefined>
  status(): Promise<TrailStatus>
}
