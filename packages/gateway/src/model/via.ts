/** A tool call that is under way in an MCP server. */
export interface RunningCall {
  readonly tool: string
  /** The number of the call's intent record. */
  readonly sequence: number
}

/**
 * The MCP server through which an identity's SQL comes. Alive: it knows which calls are under way at the moment it is asked, so that SQL can be
 * attributed to the call that caused it.
 */
export interface ViaLink {
  /** The MCP server's resource. */
  readonly server: string
  /** Names the process that Sallyport started for this identity. */
  readonly childId: string
  /** Every pinned tool of the server. */
  readonly tools: readonly string[]
  running(): readonly RunningCall[]
}

/** The way of an operation as policy is asked about it; without a tool when no call is under way. */
export interface ViaFacts {
  readonly server: string
  readonly tool?: string
}

/**
 * The way of an operation as it is recorded. `exact`: the one call under way caused it; `one-of`: one of several; `none`: no call was under way
 * (a start-up query).
 */
export interface RecordedVia {
  readonly server: string
  readonly childId: string
  /** Present when it is certain. */
  readonly tool?: string
  readonly cause: 'exact' | 'one-of' | 'none'
  /** Numbers of the intent records of the calls that may have caused it. */
  readonly calls: readonly number[]
}
