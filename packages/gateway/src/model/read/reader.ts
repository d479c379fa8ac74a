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
  /** The scrubbed payload of a record, opened; undefined when it has none or its day's key was erased. */
  payload(sequence: number): Promise<Bytes | undefined>
  status(): Promise<TrailStatus>
}
