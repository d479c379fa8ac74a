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

/** Whose uses; all of them when nothing is given. */
export interface UseQuery {
  /** A stable identity id. */
  readonly identity?: string
  /** A tool of an MCP server: those of the server that are its own, or of no tool for certain. */
  readonly tool?: { readonly server: string; readonly tool: string }
}

/** That a policy let somebody do something on a resource, and when last. */
export interface PolicyUse {
  /** The policy's id: it determined an allow. */
  readonly policy: string
  readonly resource?: string
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
  /** What policies were used for and when last: each policy on each resource once, those used last first. */
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
